"""Symmetries: verdicts survive them, they undo each other, sudoku draws distinct ones."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import boards

from tts.puzzles import PUZZLINK, Board, Heyawake, Shakashaka, Sudoku, Symmetry, Tapa
from tts.verifiers.tokens import SHAKASHAKA_EMPTY


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
@settings(max_examples=60)
def test_a_verdict_does_not_depend_on_where_one_looks_from(variety: str, data: st.DataObject) -> None:
    board, grid = data.draw(boards.boards_and_grids(variety, max_side=5))
    answers = board.answer_tokens(grid)
    names, count = board.violations(grid), board.violated(grid).sum()
    for seen in islice(board.symmetries(data.draw(st.integers(0, 99))), 9):
        there = seen.puzzle.grid(seen.apply(answers))
        assert seen.puzzle.violations(there) == names
        assert seen.puzzle.violated(there).sum() == count
        assert (seen.puzzle.answer_tokens(there) == seen.apply(answers)).all()
        assert (seen.invert(seen.apply(answers)) == answers).all()
        assert (seen.invert(np.stack([seen.apply(answers)] * 2)) == answers).all()


@pytest.mark.parametrize("variety", boards.PENCIL)
@given(data=st.data())
@settings(max_examples=30)
def test_pencil_boards_have_eight_views_that_undo_each_other(variety: str, data: st.DataObject) -> None:
    board = data.draw(boards.boards(variety))
    seen = list(board.symmetries(3))
    assert len(seen) == 8
    check_identity(board, seen[0])
    assert sorted((s.puzzle.height, s.puzzle.width) for s in seen) == sorted(
        [(board.height, board.width)] * 4 + [(board.width, board.height)] * 4
    )
    for one in seen:
        assert board in [back.puzzle for back in one.puzzle.symmetries()]


def check_identity(board: Board, seen: Symmetry) -> None:
    assert seen.puzzle == board
    assert (seen.cells == np.arange(board.height * board.width)).all()
    assert (seen.values == np.arange(len(seen.values))).all()


def test_views_of_one_seed_are_the_same_and_cover_the_group_in_another_order() -> None:
    board = Tapa(2, 3, ((1, 2), (), (4,), (), (), ()))
    orders = [tuple(tuple(s.cells) for s in board.symmetries(seed)) for seed in (0, 0, 1, 2)]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1
    assert len({frozenset(order) for order in orders}) == 1
    assert len(set(orders[0])) == 8


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([1, 0, 3, 2], {2: 3, 3: 2, 4: 5, 5: 4}),  # left and right
        ([2, 3, 0, 1], {2: 5, 5: 2, 3: 4, 4: 3}),  # top and bottom
        ([2, 0, 3, 1], {2: 5, 5: 4, 4: 3, 3: 2}),  # a quarter turn clockwise
    ],
)
def test_triangles_turn_with_the_board(cells: list[int], values: dict[int, int]) -> None:
    board = Shakashaka(2, 2, (-1, 0, -1, -1))
    seen = next(s for s in board.symmetries() if s.cells.tolist() == cells)
    triangles = SHAKASHAKA_EMPTY - 1
    assert {v: seen.values[triangles + v] - triangles for v in range(2, 6)} == values
    assert seen.puzzle.clues == tuple(board.clues[cell] for cell in cells)


def test_heyawake_walls_and_clues_move_with_their_cells() -> None:
    board = Heyawake(
        2, 3, (True, False, False, True, False, False), (False, False, True, False, False, False), (4, 2) + (-1,) * 4
    )
    mirrored = next(s.puzzle for s in board.symmetries() if s.cells.tolist() == [2, 1, 0, 5, 4, 3])
    assert mirrored.right == (False, True, False, False, True, False)
    assert mirrored.below == (True, False, False, False, False, False)
    assert mirrored.clues == (2, -1, 4, -1, -1, -1)


@given(boards.sudokus(), st.integers(0, 5))
@settings(max_examples=40)
def test_sudoku_views_are_distinct_members_of_its_group(board: Sudoku, seed: int) -> None:
    seen = list(islice(board.symmetries(seed), 12))
    check_identity(board, seen[0])
    again = list(islice(board.symmetries(seed), 12))
    assert [s.puzzle for s in seen] == [s.puzzle for s in again]
    assert len({(s.cells.tobytes(), s.values.tobytes()) for s in seen}) == len(seen) == (1 if board.side == 1 else 12)
    assert {s.puzzle.box for s in seen} <= {board.box, board.box[::-1]}


@pytest.mark.parametrize(("box", "order"), [((1, 1), 1), ((1, 2), 16), ((2, 1), 16), ((1, 3), 432)])
def test_sudoku_views_end_with_the_group(box: tuple[int, int], order: int) -> None:
    board = Sudoku((0,) * (box[0] * box[1]) ** 2, *box)
    members = list(board.symmetries())
    assert len({(s.cells.tobytes(), s.values.tobytes()) for s in members}) == len(members) == order
