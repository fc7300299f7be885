"""Generated puzzles have one solution, seeds mean what they say, and files survive interruption."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.boards import PENCIL, VARIETIES, pencil_boards
from support.second_solver import solutions

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles import Board, Lightup, Sudoku, parse, verifier_for
from tts.puzzles.generate import NoPuzzleError, files, generate, generate_file, identity, solve
from tts.puzzles.generate.shakashaka import corners
from tts.puzzles.generate.sudoku import backtracks, count_solutions

HARD = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
SINGLES = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


def brute_force(puzzle: Board) -> list[Grid]:
    """Every grid that the verifier passes, out of all there are."""
    values, held = puzzle.values(), puzzle.held()
    choices = [[puzzle.tokens()[c]] if held[c] else list(values.values()) for c in range(held.size)]
    answers = torch.tensor(list(product(*choices)))
    tokens = torch.from_numpy(puzzle.tokens()).expand_as(answers)
    valid = verifier_for(puzzle.variety, puzzle.height, puzzle.width).valid(tokens, answers)
    return [puzzle.grid(row.numpy()) for row in answers[valid]]


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("difficulty", [0.0, 1.0, None])
@pytest.mark.parametrize("size", [(4, 4), (6, 6), (5, 7)])
@pytest.mark.parametrize("variety", VARIETIES)
def test_a_second_solver_finds_the_same_one_solution(
    variety: str, size: tuple[int, int], difficulty: float | None
) -> None:
    height, width = size if variety != "sudoku" or size != (5, 7) else (8, 8)
    for index in range(2):
        made = generate(variety, height, width, seed=5, index=index, difficulty=difficulty)
        assert (made.puzzle.height, made.puzzle.width) == (height, width)
        assert made.puzzle.violations(made.grid) == ()
        assert solutions(made.puzzle) == [made.grid.tolist()]


@pytest.mark.parametrize("variety", PENCIL)
def test_solving_a_board_agrees_with_trying_every_grid(variety: str) -> None:
    largest = 6 if variety == "shakashaka" else 9

    @settings(max_examples=60, deadline=None)
    @given(pencil_boards(variety, 4).filter(lambda board: board.height * board.width <= largest))
    def check(puzzle: Board) -> None:
        every = [grid.tolist() for grid in brute_force(puzzle)]
        found = [grid.tolist() for grid in solve(puzzle)]
        assert len(found) == min(2, len(every))
        assert all(grid in every for grid in found)
        assert len({str(grid) for grid in found}) == len(found)

    check()


@pytest.mark.parametrize("side", [6, 8])
@pytest.mark.parametrize("variety", VARIETIES)
def test_at_difficulty_1_no_clue_can_be_spared(variety: str, side: int) -> None:
    none = {"sudoku": 0, "heyawake": -1, "tapa": ()}.get(variety, -2)
    for index in range(4):
        puzzle = generate(variety, side, side, seed=1, index=index, difficulty=1).puzzle
        shown = [cell for cell, clue in enumerate(puzzle.clues) if clue not in (none, -1)]
        assert shown
        for cell in shown:
            fewer = list(puzzle.clues)
            fewer[cell] = none
            assert len(solve(attrs.evolve(puzzle, clues=fewer))) == 2


@pytest.mark.parametrize("variety", VARIETIES)
def test_difficulty_spreads_from_dense_to_minimal(variety: str) -> None:
    shown = [
        [generate(variety, 6, 6, seed=2, index=index, difficulty=difficulty).clues for difficulty in (0, 0.5, 1)]
        for index in range(4)
    ]
    assert all(dense >= middle >= sparse for dense, middle, sparse in shown)
    assert all(dense > sparse for dense, _, sparse in shown)
    drawn = [generate(variety, 6, 6, seed=2, index=index).clues for index in range(8)]
    assert len(set(drawn)) > 2


@pytest.mark.parametrize(("variety", "clues"), [("sudoku", (24, 26)), ("lightup", (6, 8)), ("tapa", (8, 9))])
def test_the_number_of_clues_is_kept_to(variety: str, clues: tuple[int, int]) -> None:
    side = 9 if variety == "sudoku" else 6
    for index in range(3):
        made = generate(variety, side, side, index=index, clues=clues)
        assert clues[0] <= made.clues <= clues[1]
        assert len(solve(made.puzzle)) == 1


@pytest.mark.parametrize("variety", VARIETIES)
def test_a_seed_and_an_index_mean_one_puzzle(variety: str) -> None:
    first, again = (generate(variety, 6, 6, seed=3, index=7) for _ in range(2))
    assert first.puzzle == again.puzzle
    assert (first.grid == again.grid).all()
    assert len({generate(variety, 6, 6, seed, index).puzzle for seed, index in product(range(2), range(2))}) == 4


@pytest.mark.parametrize("variety", VARIETIES)
def test_lines_hold_puzzles_and_their_solutions(variety: str, tmp_path: Path) -> None:
    path = tmp_path / "puzzles.jsonl"
    assert generate_file(variety, 6, 5, path, seed=4) == 5
    assert len(records(path)) == 5
    for record in records(path):
        puzzle = parse(str(record["url"]))
        grid = puzzle.parse_answer(str(record["solution"]))
        assert puzzle.variety == record["variety"] == variety
        assert puzzle.violations(grid) == ()
        seed, index = record["seed"]  # type: ignore[misc]
        made = generate(variety, 6, 6, seed, index)
        assert (made.puzzle, made.clues) == (puzzle, record["clues"])
        assert identity(puzzle) == record["id"]


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -2, -150])
def test_a_resumed_file_equals_an_undisturbed_one(cut: int, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    generate_file("lightup", "5x6", 6, whole, seed=9, clues=(3, 8))
    data = whole.read_bytes()
    broken.write_bytes(data[:cut])
    generate_file("lightup", "5x6", 6, broken, seed=9, clues=(3, 8))
    assert broken.read_bytes() == data
    assert generate_file("lightup", "5x6", 4, broken, seed=9, clues=(3, 8)) == 0
    assert broken.read_bytes() == data


def test_workers_do_not_change_the_file(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone.jsonl", tmp_path / "together.jsonl"
    generate_file("lightup", 4, 20, alone, seed=1)
    generate_file("lightup", 4, 20, together, seed=1, workers=2)
    assert alone.read_bytes() == together.read_bytes()


def test_a_file_of_another_run_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "puzzles.jsonl"
    generate_file("tapa", 4, 2, path, seed=1)
    before = path.read_bytes()
    for variety, size, seed, clues in [
        ("lightup", 4, 1, None),
        ("tapa", 5, 1, None),
        ("tapa", 4, 2, None),
        ("tapa", 4, 1, (2, 2)),
    ]:
        with pytest.raises(PuzzleError, match="line 1: generated with other arguments"):
            generate_file(variety, size, 4, path, seed=seed, clues=clues)
    assert path.read_bytes() == before
    for text in ("notes", "notes\n", '{"a": 1}\n', "[]\n"):
        path.write_text(text)
        with pytest.raises(PuzzleError, match="not a"):
            generate_file("tapa", 4, 4, path, seed=1)
        assert path.read_text() == text


def test_a_file_holds_no_puzzle_twice_and_says_when_there_are_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "REPEATS", 60)
    path = tmp_path / "puzzles.jsonl"
    with pytest.raises(PuzzleError, match="different 2 x 2 lightup puzzles were found"):
        generate_file("lightup", 2, 300, path)
    names = {identity(parse(str(record["url"]))) for record in records(path)}
    assert 3 < len(records(path)) == len(names)


@pytest.mark.parametrize("variety", VARIETIES)
def test_mirrors_and_turns_share_an_identity(variety: str) -> None:
    puzzle = generate(variety, 6, 6, seed=6, difficulty=1).puzzle
    if isinstance(puzzle, Sudoku):
        clues = np.array(puzzle.clues).reshape(6, 6)
        names = np.array([0, 3, 1, 2, 6, 5, 4])
        views: list[Board] = [Sudoku(names[grid].ravel(), 2, 3) for grid in (clues, clues[::-1], clues[::-1, ::-1])]
    else:
        views = [view.puzzle for view in puzzle.symmetries()]  # type: ignore[misc]
    assert len(set(views)) > 2
    assert {identity(view) for view in views} == {identity(puzzle)}
    assert identity(generate(variety, 6, 6, seed=7, difficulty=1).puzzle) != identity(puzzle)


def test_points_of_shakashaka_allow_just_what_the_rule_of_rectangles_does() -> None:
    """Every filling of a 2 x 3 board with blanks, triangles and walls."""
    fillings = torch.tensor(list(product(range(6), repeat=6)))
    puzzle = torch.where(fillings == 5, 2, 1)
    answers = torch.tensor([8, 9, 10, 11, 12, 2])[fillings]
    verifier = verifier_for("shakashaka", 2, 3)
    broken = verifier.violations(puzzle, answers).rules[:, list(verifier.names).index("cuNotRectx")].numpy()
    padded = np.full((len(fillings), 4, 5), 5)
    padded[:, 1:-1, 1:-1] = fillings.numpy().reshape(-1, 2, 3)
    allowed = corners()[padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]]
    np.testing.assert_array_equal(allowed.all(axis=(1, 2)), ~broken)


def test_sudokus_are_counted() -> None:
    assert count_solutions(np.zeros((4, 4), np.int64), limit=1_000) == 288  # all 4 x 4 sudokus
    assert count_solutions(np.zeros((4, 4), np.int64), (1, 4), limit=1_000) == 576  # all latin squares of order 4
    twice = np.zeros((9, 9), np.int64)
    twice[0, [0, 5]] = 3
    assert count_solutions(twice) == 0


def test_ratings_tell_singles_from_guessing() -> None:
    clues = [np.array(Sudoku.from_text(text).clues).reshape(9, 9) for text in (SINGLES, HARD)]
    assert [count_solutions(grid) for grid in clues] == [1, 1]
    assert backtracks(clues[0]) == 0
    assert backtracks(clues[1]) > 10


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 10_000), st.sampled_from([(2, 2), (2, 3), (3, 3), (2, 4), (2, 5)]))
def test_dug_sudokus_have_their_grid_as_the_one_solution(seed: int, index: int, box: tuple[int, int]) -> None:
    made = generate("sudoku", box[0] * box[1], box[0] * box[1], seed, index)
    assert made.puzzle.box == box
    assert [grid.tolist() for grid in solve(made.puzzle)] == [made.grid.tolist()]


def test_bad_wishes_are_refused() -> None:
    for arguments, message in [
        (("hitori", 6, 6), "no generator of 'hitori'"),
        (("tapa", 0, 6), "boards have 1 to 40"),
        (("sudoku", 6, 9), "a sudoku is square"),
        (("sudoku", 7, 7), "no usual boxes"),
        (("tapa", 6, 6, 0, 0, 1.5), "between 0"),
        (("tapa", 6, 6, 0, 0, None, (5, 2)), "fewest first"),
    ]:
        with pytest.raises(PuzzleError, match=message):
            generate(*arguments)  # type: ignore[arg-type]
    with pytest.raises(NoPuzzleError, match="with 35 to 36 clues"):
        generate("lightup", 6, 6, clues=(35, 36))
    for size in ("6*6", "6x6x6", "", "x6"):
        with pytest.raises(PuzzleError, match="height and width"):
            generate_file("tapa", size, 1, "never-written.jsonl")


def test_a_solve_that_runs_out_of_budget_says_so() -> None:
    with pytest.raises(PuzzleError, match="not solved within 1 decisions"):
        solve(Lightup(8, 8, [-1] * 64), budget=1)


def test_the_missing_extra_is_named() -> None:
    code = "import sys; sys.modules['numba'] = None; import tts.puzzles.generate as g; g.generate('lightup', 4, 4)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "TTSError: generating puzzles needs numba: pip install 'test-time-search[generate]'" in done.stderr
