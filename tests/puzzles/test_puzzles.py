"""Boards: tokens, answers as text, verdicts, what they refuse."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import boards

from tts.errors import PuzzleError
from tts.puzzles import (
    PUZZLINK,
    Board,
    Grid,
    Heyawake,
    Lightup,
    Nurikabe,
    Puzzle,
    Shakashaka,
    Sudoku,
    Tapa,
    VarietyCodec,
    parse,
)
from tts.verifiers.tokens import UNKNOWN

SOLVED = {
    "sudoku": (Sudoku((1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 2, 0), 2, 2), "1234341221434321"),
    "lightup": (Lightup(2, 3, (-1, -1, -1, -1, -2, 1)), "--**#1"),
    "nurikabe": (Nurikabe(2, 2, (1, -1, -1, -1)), "1###"),
    "heyawake": (Heyawake(1, 3, (True, False, False), (False,) * 3, (1, 0, -1)), "#--"),
    "tapa": (Tapa(2, 2, ((3,), (), (), ())), "3###"),
    "shakashaka": (Shakashaka(2, 2, (-1,) * 4), "dcab"),
}
"""A board of each variety and the answer that solves it."""


@pytest.mark.parametrize("variety", PUZZLINK)
def test_a_solved_board_breaks_no_rule_and_a_changed_cell_breaks_one(variety: str) -> None:
    board, text = SOLVED[variety]
    answer = board.parse_answer(text)
    assert board.violations(answer) == ()
    assert not board.violated(answer).any()
    for cell in np.ndindex(answer.shape):
        for value in board.values():
            changed = answer.copy()
            changed[cell] = value
            if (board.answer_tokens(changed) != board.answer_tokens(answer)).any():
                assert board.violations(changed) != ()
                assert board.violated(changed).any()


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
def test_tokens_and_answers_convert_back(variety: str, data: st.DataObject) -> None:
    board, grid = data.draw(boards.boards_and_grids(variety))
    box = {"box": board.box} if variety == "sudoku" else {}
    assert type(board).from_tokens(board.tokens(), board.height, board.width, **box) == board
    answers = board.answer_tokens(grid)
    assert answers.shape == board.tokens().shape == (board.height * board.width,)
    assert (answers[board.held()] == board.tokens()[board.held()]).all()
    assert (board.answer_tokens(board.grid(answers)) == answers).all()
    assert (board.parse_answer(board.format_answer(grid)) == board.grid(answers)).all()
    assert len(board.format_answer(grid)) == board.height * board.width
    assert (board.grid(answers)[grid > 0] == grid[grid > 0]).all()


@given(boards.boards_and_grids(illegal=True))
def test_meaningless_values_are_illegal_cells_and_keep_their_place(drawn: tuple[Board, Grid]) -> None:
    board, grid = drawn
    known = np.isin(grid, list(board.values()))
    shown = board.parse_answer(board.format_answer(grid))
    back = board.grid(board.answer_tokens(grid))
    assert ((shown == -1) == ~known).all()
    held = board.held().reshape(grid.shape)
    assert ((back == -1) == ~known).all()
    assert (back[known & ~held] == grid[known & ~held]).all()
    given = grid != 0
    if board.variety == "sudoku":
        given &= grid != np.array(board.clues).reshape(grid.shape)
    assert ("illegalCell" in board.violations(grid)) == bool((~known | (held & given)).any())


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
def test_a_stray_token_is_as_illegal_in_the_grid(variety: str, data: st.DataObject) -> None:
    board, grid = data.draw(boards.boards_and_grids(variety, max_side=4))
    answers = board.answer_tokens(grid)
    known = st.sampled_from([*board.values().values(), *board.tokens().tolist()])
    answers[data.draw(st.integers(0, len(answers) - 1))] = data.draw(known | st.integers(-1, 70))
    verdict = board.verifier().violations(torch.from_numpy(board.tokens())[None], torch.from_numpy(answers)[None])
    assert ("illegalCell" in verdict.of(0)) == ("illegalCell" in board.violations(board.grid(answers)))


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
def test_answers_are_written_in_their_alphabet(variety: str, data: st.DataObject) -> None:
    board, grid = data.draw(boards.boards_and_grids(variety))
    alphabet = {
        "sudoku": ".?123456789ABCDEFG",
        "lightup": "*-#01234",
        "shakashaka": "-abcd#01234",
        "heyawake": "#-",
        "nurikabe": "#-?+0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    }
    text = board.format_answer(grid)
    if variety == "tapa":  # one symbol a clue
        assert len({text[cell] for cell in board.held().nonzero()[0]}) == len(set(board.clues) - {()})
    else:
        assert set(text) <= set(alphabet[variety])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1##", "an answer of 3 characters for a board of 2 x 2 = 4 cells"),
        ("1#x#", "'x' in the answer at row 2, column 1; expected - #"),
        ("2###", "'2' in the answer at row 1, column 1"),
        ("11##", "'1' in the answer at row 1, column 2"),
    ],
)
def test_answers_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(PuzzleError, match=message):
        Nurikabe(2, 2, (1, -1, -1, -1)).parse_answer(text)


def test_answers_may_be_written_on_lines_and_over_clues() -> None:
    board = Nurikabe(2, 2, (1, -1, -1, 0))
    assert board.parse_answer("1#\n-0").tolist() == [[0, 1], [0, 0]]
    assert board.violations(board.parse_answer("##--"))[-1] == "illegalCell"


@pytest.mark.parametrize(
    "grid", [[[0, 0]], [0, 0, 0, 0], [[0.0, 0.0], [0.0, 0.0]], [["a", "b"], ["c", "d"]], np.zeros((2, 2, 1), int)]
)
def test_grids_of_another_shape_or_kind_are_refused(grid: object) -> None:
    with pytest.raises(PuzzleError, match=r"expected integers \[2, 2\]"):
        Nurikabe(2, 2, (1, -1, -1, -1)).violations(grid)


def test_sudoku_text_forms() -> None:
    clues = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    board = Sudoku(tuple(int(c) for c in clues.replace(".", "0")))
    rows = [clues[at : at + 9] for at in range(0, 81, 9)]
    boxed = "\n".join(
        "| " + " | ".join((r[:3], r[3:6], r[6:])) + " |" + "\n+-------+" * (n % 3 == 2) for n, r in enumerate(rows)
    )
    for text in (
        clues,
        clues.replace(".", "0"),
        clues.replace(".", "_"),
        "\n".join(rows),
        boxed,
        boxed.replace("|", "│"),
    ):
        assert parse(text) == board
    assert parse(board.to_url()) == board
    assert parse("?" + clues[1:]).clues[0] == UNKNOWN


@pytest.mark.parametrize(
    ("side", "box"),
    [(1, (1, 1)), (4, (2, 2)), (6, (2, 3)), (8, (2, 4)), (9, (3, 3)), (10, (2, 5)), (12, (3, 4)), (16, (4, 4))],
)
def test_sudoku_text_of_any_side_knows_its_boxes(side: int, box: tuple[int, int]) -> None:
    text = "." * (side * side - 1) + "0123456789ABCDEFG"[side]
    board = parse(text)
    assert board.box == box
    assert board.clues[-1] == side
    assert parse(text.lower()) == board
    assert parse(text, box=box[::-1]).box == box[::-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a sudoku of 0 cells"),
        ("12", "a sudoku of 2 cells; expected a square such as 81"),
        ("." * 49, "a side of 7 has no usual boxes"),
        ("." * 289, "a sudoku of 289 cells"),
        ("." * 80 + "A", "'A' at row 9, column 9; expected 1 to 9"),
        ("x" * 81, "'x' at row 1, column 1"),
        ("١" * 81, "at row 1, column 1"),
    ],
)
def test_sudoku_text_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(PuzzleError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lightup(0, 3, ()), "a board of 0 x 3; boards have 1 to 40"),
        (lambda: Tapa(1, 41, ((),) * 41), "a board of 1 x 41"),
        (lambda: Lightup(2, 2, (-1,) * 5), "5 clues for 2 x 2 = 4 cells"),
        (lambda: Lightup(2, 2, (-1, -1, -1, 5)), "a clue of 5 at row 2, column 2"),
        (lambda: Shakashaka(2, 2, (-1, -3, -1, -1)), "a clue of -3 at row 1, column 2"),
        (lambda: Nurikabe(1, 1, (-3,)), "a clue of -3 at row 1, column 1"),
        (lambda: Tapa(1, 1, ((6, 1),)), r"a clue of \(1, 6\) at row 1, column 1"),
        (lambda: Heyawake(1, 2, (True, True), (False,) * 2, (-1, -1)), "a wall on the rim"),
        (lambda: Heyawake(1, 2, (False,) * 2, (True, False), (-1, -1)), "a wall on the rim"),
        (lambda: Heyawake(1, 2, (False,) * 2, (False,) * 2, (-1, 1)), "belongs on its first cell, row 1, column 1"),
        (lambda: Heyawake(1, 2, (False,), (False,) * 2, (-1, 1)), "1 right for 1 x 2 = 2 cells"),
        (lambda: Sudoku((0,) * 80), "80 clues for boxes 3 high and 3 wide; expected 9 x 9 = 81"),
        (lambda: Sudoku((10,) + (0,) * 80), "a clue of 10 at row 1, column 1; expected 0"),
        (lambda: Sudoku((), 5, 4), "their product is the side, 1 to 16"),
        (lambda: Lightup.from_tokens([1, 9], 1, 2), "token 9 is not a cell of a puzzle"),
        (lambda: Tapa.from_tokens([0], 1, 1), "token 0 is not a cell"),
        (lambda: Nurikabe.from_tokens([2], 1, 1), "token 2 is not a cell"),
        (lambda: Heyawake.from_tokens([2], 1, 1), "token 2 is not a cell"),
        (lambda: Heyawake.from_tokens([11, 15], 1, 2), "a clue at row 1, column 2; this room's belongs on its first"),
        (lambda: Sudoku.from_tokens([4], 1, 1), "token 4 is not a cell"),
        (lambda: Sudoku.from_tokens([1, 1], 1, 2), "on a board of 1 x 2"),
        (lambda: Lightup.from_tokens([1.0], 1, 1), r"tokens of float64 \[1\]"),
        (lambda: VarietyCodec("go", 9, 9), "variety 'go' is not known here"),
        (lambda: VarietyCodec("tapa", 0, 9), "boards have 1 to 40"),
        (lambda: VarietyCodec("tapa", 9, 9, (3, 3)), "only sudoku has boxes"),
        (lambda: VarietyCodec("sudoku", 7, 9), "a side of 7 has no usual boxes"),
    ],
)
def test_what_a_board_refuses(make: object, message: str) -> None:
    with pytest.raises(PuzzleError, match=message):
        make()


def test_boards_are_frozen_and_equal_when_their_clues_are() -> None:
    board = Tapa(1, 2, np.array([[3, 1], [2, 1]]))
    assert board == Tapa(1, 2, [(1, 3), (1, 2)])
    assert len({board, Tapa(1, 2, ((3, 1), (2, 1)))}) == 1
    assert Lightup(1, 1, (0,)) != Shakashaka(1, 1, (0,))
    assert isinstance(board, Puzzle)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        board.height = 3
