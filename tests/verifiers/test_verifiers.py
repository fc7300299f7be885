"""The batched verifiers: against the plain rules, on every kind of board, and what they promise as plugins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support import boards, reference_rules, solved_boards
from torch import Tensor

from tts.errors import PuzzleError, ShapeError
from tts.interfaces import Verifier
from tts.puzzles import PUZZLINK, VARIETIES, verifier_for
from tts.verifiers import SudokuVerifier
from tts.verifiers import tokens as t

Grid = solved_boards.Grid
SEEDS = st.integers(0, 2**32 - 1)
FAILCODES = {
    "sudoku": ("bkDupNum", "nmDupRow", "ceNoNum", "illegalCell"),
    "lightup": ("akariDup", "nmAkariNe", "ceDark", "illegalCell"),
    "nurikabe": ("cs2x2", "bkNoNum", "csDivide", "bkNumGe2", "bkSizeNe", "illegalCell"),
    "heyawake": ("brNoShade", "csAdjacent", "cuDivideRB", "bkShadeNe", "bkUnshadeConsecGt3", "illegalCell"),
    "tapa": ("brNoShade", "cs2x2", "ceTapaNe", "csDivide", "illegalCell"),
    "shakashaka": ("brNoTriangle", "nmTriangleGt", "cuNotRectx", "nmTriangleLt", "illegalCell"),
}
PENCIL = PUZZLINK[1:]


def padded(pairs: Sequence[tuple[Grid, Grid]], height: int, width: int, device: str) -> tuple[Tensor, Tensor]:
    """Boards and answers [H, W] of any sizes as two tensors [N, L]; answers off the board are junk."""
    tokens = np.zeros((len(pairs), height, width), np.int64)
    answers = np.arange(tokens.size).reshape(tokens.shape) % 23 - 3
    for i, (board, answer) in enumerate(pairs):
        tokens[i, : board.shape[0], : board.shape[1]] = board
        answers[i, : board.shape[0], : board.shape[1]] = answer
    both = (torch.from_numpy(a.reshape(len(pairs), -1)).to(device) for a in (tokens, answers))
    return next(both), next(both)


def check_against_reference(verifier: Verifier, variety: str, width: int, tokens: Tensor, answers: Tensor) -> None:
    """Every row breaks the rules and marks the cells that the plain check says; validity and marks go together."""
    box = (verifier.box_height, verifier.box_width) if isinstance(verifier, SudokuVerifier) else None
    found = verifier.violations(tokens, answers)
    assert found.rules.device == found.cells.device == answers.device
    for row, pair in enumerate(zip(tokens.tolist(), answers.tolist(), strict=True)):
        names, cells = reference_rules.check(variety, *pair, width, box)
        assert found.of(row) == names
        assert set(found.cells[row].nonzero().flatten().tolist()) == cells
    assert (found.cells.any(dim=1) == ~found.valid).all()
    assert (found.valid == verifier.valid(tokens, answers)).all()


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_agrees_with_the_plain_rules_on_any_boards_and_grids(variety: str, data: st.DataObject, device: str) -> None:
    one = data.draw(boards.boards(variety, 6))
    same = boards.sudokus(boxes=(one.box,)) if one.box else boards.boards(variety, 6)
    pairs = []
    for board in (one, *data.draw(st.lists(same, max_size=3))):
        grid = data.draw(boards.grids(board, data.draw(st.booleans())))
        shape = (board.height, board.width)
        pairs.append((board.tokens().reshape(shape), board.answer_tokens(grid).reshape(shape)))
    height, width = (max(pair[0].shape[axis] for pair in pairs) + data.draw(st.integers(0, 2)) for axis in (0, 1))
    check_against_reference(
        verifier_for(variety, height, width, one.box), variety, width, *padded(pairs, height, width, device)
    )


@pytest.mark.parametrize("variety", PUZZLINK)
@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_agrees_with_the_plain_rules_near_a_solution(variety: str, seed: int, device: str) -> None:
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(8):
        size = (9, 9) if variety == "sudoku" else tuple(rng.integers(2, 9, 2).tolist())
        tokens, answers = solved_boards.solved(variety, *size, rng)
        pairs.append((tokens, solved_boards.mutated(variety, tokens, answers, int(rng.integers(4)), rng)))
    check_against_reference(verifier_for(variety, 10, 9, (3, 3)), variety, 9, *padded(pairs, 10, 9, device))


@pytest.mark.parametrize("variety", PUZZLINK)
@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_agrees_with_the_plain_rules_on_tokens_that_make_no_sense(variety: str, seed: int, device: str) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(1, 6, 2)) if variety != "sudoku" else (5, 4)
    values = np.concatenate([np.arange(-2, 70), np.arange(-1, 14).repeat(8), [10**9]])
    tokens, answers = torch.from_numpy(rng.choice(values, (2, 8, height * width))).to(device)
    answers = torch.where(torch.from_numpy(rng.random(answers.shape) < 0.3).to(device), tokens, answers)
    verifier = verifier_for(variety, height, width, (2, 2) if variety == "sudoku" else None)
    check_against_reference(verifier, variety, width, tokens, answers)


@pytest.mark.parametrize("variety", PUZZLINK)
@pytest.mark.parametrize("token", [-(2**63), -1, 0, 2**15, 2**31, 2**32 + 2, 2**40 + 8, 2**63 - 1])
def test_an_answer_far_out_of_range_is_illegal(variety: str, token: int, device: str) -> None:
    puzzle = torch.full((1, 9), t.HEYAWAKE_CELL if variety == "heyawake" else 1, device=device)
    verifier = verifier_for(variety, 3, 3, (1, 3) if variety == "sudoku" else None)
    found = verifier.violations(puzzle, torch.full_like(puzzle, token))
    assert "illegalCell" in found.of(0)
    assert found.cells.all()
    if token != 0:  # nor does such a token make a puzzle that could be solved
        same = verifier.violations(torch.full_like(puzzle, token), torch.full_like(puzzle, token))
        assert not same.valid.any()
        assert "illegalCell" in same.of(0) or (variety, token) == ("nurikabe", 2**15)  # there it is a large number


@pytest.mark.parametrize("variety", PUZZLINK)
def test_solved_boards_pass_and_mark_nothing(variety: str, device: str) -> None:
    rng = np.random.default_rng(1)
    sizes = [(9, 9)] if variety == "sudoku" else [(10, 10), (2, 2), (3, 8), (6, 2)]
    sizes += [(1, 1), (1, 7), (5, 1)] if variety not in ("sudoku", "shakashaka") else []
    pairs = [solved_boards.solved(variety, *size, rng) for size in sizes * 20]
    found = verifier_for(variety, 11, 10, (3, 3)).violations(*padded(pairs, 11, 10, device))
    assert found.valid.all()
    assert not found.cells.any()


@pytest.mark.parametrize("variety", PENCIL)
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (1, 6), (5, 1), (2, 2), (4, 6)])
def test_empty_and_full_grids(variety: str, size: tuple[int, int], device: str) -> None:
    rng = np.random.default_rng(2)
    pairs = []
    for _ in range(12):
        tokens, _ = solved_boards.solved(variety, 4, 6, rng)
        tokens = tokens[: size[0], : size[1]]
        free = solved_boards.fillable(variety, tokens)
        pairs += [(tokens, np.where(free, value, tokens)) for value in solved_boards.ANSWERS[variety]]
    check_against_reference(verifier_for(variety, *size), variety, size[1], *padded(pairs, *size, device))


@pytest.mark.parametrize("variety", PUZZLINK)
def test_a_board_of_nothing_but_clues(variety: str, device: str) -> None:
    clues = {"sudoku": range(2, 8), "nurikabe": range(4, 9), "tapa": range(t.TAPA_CLUE, t.TAPA_CLUE + 56)}
    several = clues.get(variety, range(2, 8))
    if variety == "heyawake":  # no cell of it is held by a clue
        several = range(t.HEYAWAKE_CELL, t.HEYAWAKE_CELL + 40)
    boards = [np.full((4, 4), clue) for clue in several]
    check_against_reference(
        verifier_for(variety, 4, 4), variety, 4, *padded([(board, board) for board in boards], 4, 4, device)
    )


@pytest.mark.parametrize("variety", PUZZLINK)
@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_marks_turn_with_the_board(variety: str, seed: int, device: str) -> None:
    rng = np.random.default_rng(seed)
    size = (6, 6) if variety == "sudoku" else tuple(rng.integers(2, 7, 2).tolist())
    tokens, answers = solved_boards.solved(variety, *size, rng)
    answers = solved_boards.mutated(variety, tokens, answers, int(rng.integers(6)), rng).ravel()
    board = VARIETIES[variety].board.from_tokens(tokens.ravel(), *size)
    found = verifier_for(variety, *size).violations(*padded([(tokens, answers.reshape(size))], *size, device))
    for _, seen in zip(range(8), board.symmetries(seed), strict=False):
        other = seen.puzzle
        shape = (other.height, other.width)
        pair = (other.tokens().reshape(shape), seen.apply(answers).reshape(shape))
        turned = verifier_for(variety, *shape, other.box).violations(*padded([pair], *shape, device))
        assert turned.of(0) == found.of(0)
        assert (turned.cells[0] == found.cells[0][torch.from_numpy(seen.cells).to(device)]).all()


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_any_single_wrong_digit_of_a_sudoku_fails(seed: int, device: str) -> None:
    rng = np.random.default_rng(seed)
    side = int(rng.choice((1, 4, 6, 9, 12)))
    tokens, answers = (torch.from_numpy(a.ravel()).to(device) for a in solved_boards.solved("sudoku", side, side, rng))
    cell, digit = torch.tensor(list(product(range(side**2), range(t.SUDOKU_BLANK, side + 2))), device=device).T
    wrong = answers.repeat(len(cell), 1)
    wrong[torch.arange(len(cell), device=device), cell] = digit
    found = verifier_for("sudoku", side, side).violations(tokens.expand_as(wrong), wrong)
    changed = wrong.ne(answers)
    assert (found.valid == ~changed.any(dim=1)).all()
    assert found.cells[changed].all()


def one(
    variety: str, tokens: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], device: str
) -> tuple[str, ...]:
    """The failcodes of one answer."""
    pair = np.array(tokens), np.array(answers)
    return verifier_for(variety, *pair[0].shape).violations(*padded([pair], *pair[0].shape, device)).of(0)


def test_a_question_mark_given_is_filled_and_equal_to_nothing(device: str) -> None:
    tokens, answers = solved_boards.solved("sudoku", 4, 4, np.random.default_rng(0))
    tokens[:2, :2] = answers[:2, :2] = 4 + 2
    assert one("sudoku", tokens.tolist(), answers.tolist(), device) == ()


def test_an_area_must_match_every_number_in_it(device: str) -> None:
    white, number = t.NURIKABE_WHITE, t.NURIKABE_NUMBER
    assert one("nurikabe", [[number + 2, 1]], [[number + 2, white]], device) == ()
    assert one("nurikabe", [[number, 1]], [[number, white]], device) == ("bkSizeNe",)
    assert one("nurikabe", [[number + 2, number + 3]], [[number + 2, number + 3]], device) == ("bkNumGe2", "bkSizeNe")
    assert one("nurikabe", [[t.NURIKABE_UNKNOWN, 1]], [[t.NURIKABE_UNKNOWN, white]], device) == ()


def test_an_all_shaded_board_without_clues_is_complete(device: str) -> None:
    assert one("nurikabe", [[1], [1]], [[t.NURIKABE_SHADED]] * 2, device) == ()


def test_an_all_wall_board_needs_no_bulb_but_a_triangle(device: str) -> None:
    walls = [[t.LIGHTUP_WALL, t.LIGHTUP_NUMBER]]
    assert one("lightup", walls, walls, device) == ()
    assert one("shakashaka", walls, walls, device) == ("brNoTriangle",)


def test_walls_count_even_where_they_close_no_room(device: str) -> None:
    wall, cell, shaded = t.HEYAWAKE_CELL + 1, t.HEYAWAKE_CELL, t.HEYAWAKE_SHADED
    board = [[wall, cell, wall, cell], [cell, cell, cell, cell]]  # out of the room and into it again
    assert one("heyawake", board, [[1, 1, 1, 1], [1, 1, 1, shaded]], device) == ("bkUnshadeConsecGt3",)
    assert one("heyawake", board, [[1, 1, 1, shaded], [1, 1, 1, 1]], device) == ()


@given(seed=SEEDS, height=st.integers(1, 6), width=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_a_rooms_clue_counts_the_same_on_its_first_cell_and_on_all(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    tokens, answers = (
        torch.from_numpy(grid).reshape(1, -1) for grid in solved_boards.solved("heyawake", height, width, rng)
    )
    board = VARIETIES["heyawake"].board.from_tokens(tokens[0].numpy(), height, width)
    everywhere = torch.from_numpy(board.tokens())[None]
    flipped = torch.where(torch.from_numpy(rng.random(answers.shape) < 0.1), 3 - answers, answers)
    verifier = verifier_for("heyawake", height, width)
    for answer in (answers, flipped):
        alone, all_over = verifier.violations(tokens, answer), verifier.violations(everywhere, answer)
        assert alone.of(0) == all_over.of(0)
        assert torch.equal(alone.cells, all_over.cells)


def test_a_lone_question_mark_of_tapa_takes_one_run_or_none(device: str) -> None:
    clue = t.TAPA_CLUE + t.TAPA_CLUES.index((t.UNKNOWN,))
    white, shaded = t.TAPA_WHITE, t.TAPA_SHADED
    board = [[clue, 1, 1, 1], [1, 1, 1, 1]]
    assert one("tapa", board, [[clue, white, shaded, white], [white] * 4], device) == ()
    assert one("tapa", board, [[clue, shaded, shaded, white], [white] * 4], device) == ()
    board = [[1, 1, 1], [1, clue, 1]]
    assert one("tapa", board, [[shaded, white, shaded], [white, clue, white]], device) == ("ceTapaNe", "csDivide")


@pytest.mark.parametrize("variety", PUZZLINK)
def test_rows_do_not_depend_on_each_other_nor_on_the_integer_type(variety: str, device: str) -> None:
    rng = np.random.default_rng(3)
    pairs = []
    for _ in range(40):
        tokens, answers = solved_boards.solved(variety, 4, 4, rng)
        pairs.append((tokens, solved_boards.mutated(variety, tokens, answers, int(rng.integers(3)), rng)))
    verifier = verifier_for(variety, 40, 40, (2, 2) if variety == "sudoku" else None)
    some = padded(pairs, 40, 40, device)
    alone = [verifier.violations(some[0][i : i + 1], some[1][i : i + 1]) for i in range(40)]
    order = torch.from_numpy(rng.integers(40, size=350)).to(device)  # more boards than a chunk holds
    found = verifier.violations(some[0][order], some[1][order])
    assert (found.rules == torch.cat([row.rules for row in alone])[order]).all()
    assert (found.cells == torch.cat([row.cells for row in alone])[order]).all()
    for dtype in (torch.int32, torch.int16, torch.uint8):
        again = verifier.violations(some[0].to(dtype), some[1].clamp(min=0).to(dtype))
        assert (again.rules == torch.cat([row.rules for row in alone])).all()


@pytest.mark.parametrize("variety", PUZZLINK)
def test_no_boards_give_no_verdicts(variety: str, device: str) -> None:
    verifier = verifier_for(variety, 4, 4)
    empty = torch.zeros((0, 16), dtype=torch.int64, device=device)
    found = verifier.violations(empty, empty)
    assert (found.rules.shape, found.cells.shape, found.valid.shape) == ((0, len(verifier.names)), (0, 16), (0,))


@pytest.mark.parametrize("variety", PUZZLINK)
def test_names_are_those_of_pzpr_in_its_order_and_equal_verifiers_are_equal(variety: str) -> None:
    verifier = verifier_for(variety, 9, 9)
    assert verifier.names == FAILCODES[variety]
    assert verifier == verifier_for(variety, 9, 9)
    assert hash(verifier) == hash(verifier_for(variety, 9, 9))
    assert verifier != verifier_for(variety, 10, 10)


@pytest.mark.parametrize("variety", PUZZLINK)
@pytest.mark.parametrize(
    ("tokens", "answers", "words"),
    [
        (torch.zeros(2, 15).long(), torch.zeros(2, 16).long(), "tokens has shape"),
        (torch.zeros(2, 16).long(), torch.zeros(16).long(), "answers has shape"),
        (torch.zeros(2, 16).long(), torch.zeros(2, 16), "integer"),
        (torch.zeros(2, 16).long(), torch.zeros(3, 16).long(), "2 puzzles but 3 answers"),
    ],
)
def test_wrong_shapes_and_types_are_named(
    unchecked: None, variety: str, tokens: Tensor, answers: Tensor, words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        verifier_for(variety, 4, 4).violations(tokens, answers)


@pytest.mark.parametrize(
    "arguments", [("chess", 8, 8), ("tapa", 0, 5), ("sudoku", 9, 9, (4, 4)), ("sudoku", 9, 9, (0, 3))]
)
def test_verifiers_that_cannot_be_are_refused(arguments: tuple[str, int, int]) -> None:
    with pytest.raises(PuzzleError):
        verifier_for(*arguments)
