"""Hypothesis strategies: random boards and answer grids of every variety, small and plain so that failures shrink."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tts.interfaces import Grid
from tts.puzzles import Board, Heyawake, Lightup, Nurikabe, Shakashaka, Sudoku, Tapa
from tts.verifiers.tokens import TAPA_CLUES, UNKNOWN

VARIETIES = ("sudoku", "lightup", "nurikabe", "heyawake", "tapa", "shakashaka")
PENCIL = VARIETIES[1:]
BOXES = ((1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (2, 3), (3, 2), (2, 4), (3, 3), (2, 5), (3, 4), (4, 4))


@st.composite
def sudokus(draw: st.DrawFn, boxes: tuple[tuple[int, int], ...] = BOXES, unknown: bool = True) -> Sudoku:
    """Any clues at all, mostly few; contradictions are as likely as chance makes them. ``unknown``: with ``?`` too."""
    box = draw(st.sampled_from(boxes))
    side = box[0] * box[1]
    digits = st.integers(1, side)
    clue = st.just(0) | digits | (st.just(UNKNOWN) if unknown else digits)
    return Sudoku(draw(cells(clue, side * side)), *box)


@st.composite
def pencil_boards(draw: st.DrawFn, variety: str, max_side: int = 7) -> Board:
    """A board of one of the other five, from 1 x 1, clues dense or sparse."""
    height, width = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    size = height * width
    if variety == "heyawake":
        return draw(heyawakes(height, width))
    if variety == "tapa":
        return Tapa(height, width, draw(sparse(st.sampled_from(TAPA_CLUES), (), size)))
    if variety == "nurikabe":
        return Nurikabe(height, width, draw(sparse(st.sampled_from((UNKNOWN, *range(13), 40, 5000)), -1, size)))
    walls = draw(sparse(st.integers(-2, 4), -1, size))
    return Lightup(height, width, walls) if variety == "lightup" else Shakashaka(height, width, walls)


@st.composite
def heyawakes(draw: st.DrawFn, height: int, width: int) -> Heyawake:
    """Walls on any edges, closing rooms or not; clues on some rooms."""
    wall = st.booleans() if draw(st.booleans()) else st.sampled_from((False, False, False, True))
    right = np.array(draw(cells(wall, height * width))).reshape(height, width)
    below = np.array(draw(cells(wall, height * width))).reshape(height, width)
    right[:, -1] = below[-1] = False
    bare = Heyawake(height, width, right.ravel(), below.ravel(), [-1] * (height * width))
    clues = draw(sparse(st.sampled_from((UNKNOWN, 0, 1, 2, 3, 5, 21)), -1, height * width))
    firsts = set(bare.rooms())
    return Heyawake(
        height, width, bare.right, bare.below, [clue if cell in firsts else -1 for cell, clue in enumerate(clues)]
    )


def boards(variety: str | None = None, max_side: int = 7) -> st.SearchStrategy[Board]:
    """Boards of a variety, or of any. ``max_side`` bounds the pencil varieties."""
    if variety is None:
        return st.sampled_from(VARIETIES).flatmap(lambda name: boards(name, max_side))
    return sudokus() if variety == "sudoku" else pencil_boards(variety, max_side)


@st.composite
def grids(draw: st.DrawFn, board: Board, illegal: bool = False) -> Grid:
    """An answer grid: legal values on open cells and 0 on clues; ``illegal``: any values anywhere."""
    values = st.sampled_from(sorted(board.values()))
    if illegal:
        return np.array(draw(cells(values | st.integers(-3, 20), board.height * board.width))).reshape(
            board.height, board.width
        )
    drawn = np.array(draw(cells(values, board.height * board.width)))
    return np.where(board.held(), 0, drawn).reshape(board.height, board.width)


@st.composite
def boards_and_grids(
    draw: st.DrawFn, variety: str | None = None, max_side: int = 7, illegal: bool = False
) -> tuple[Board, Grid]:
    """A board and an answer for it."""
    board = draw(boards(variety, max_side))
    return board, draw(grids(board, illegal))


def cells(values: st.SearchStrategy, size: int) -> st.SearchStrategy[list]:
    """``size`` independent values."""
    return st.lists(values, min_size=size, max_size=size)


@st.composite
def sparse(draw: st.DrawFn, clues: st.SearchStrategy, none: object, size: int) -> list:
    """``size`` cells, a drawn share of them with a clue."""
    share = draw(st.sampled_from((0, 1, 2, 4, 8)))
    kinds = draw(cells(st.integers(0, 8), size))
    return [draw(clues) if kind > 8 - share else none for kind in kinds]
