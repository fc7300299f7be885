"""Sudoku: a compiled backtracker over bit masks, and the generator that digs givens out of random full grids.

Boxes are ``box`` = (height, width), their product the side; the usual ones of the side unless given.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.sudoku_search import Masks, digits, search, take
from tts.puzzles.sudoku import MAX_SIDE, Sudoku, default_box

Box = tuple[int, int]

FILL_NODES = 2_000  # guesses to fill an empty grid before another start is tried
DIG_NODES = 2_000  # guesses to prove that a given is not needed; past them it stays
NO_LIMIT = 2**62
_NO_RANDOM = np.zeros(0, np.uint64)


@cache
def units(side: int, box: Box | None) -> Masks:
    """Return the row, column and box of each cell, int32 [n * n, 3], columns numbered on after rows, boxes after
    columns.

    Raises:
        PuzzleError: the box does not fit the side.
    """
    height, width = box or default_box(side)
    if height < 1 or width < 1 or height * width != side or side > MAX_SIDE:
        raise PuzzleError(
            f"sudoku: boxes of {height} x {width} for a side of {side}; their product is the side, at most {MAX_SIDE}"
        )
    row, column = np.divmod(np.arange(side * side), side)
    block = row // height * height + column // width
    return np.stack([row, side + column, 2 * side + block], axis=1).astype(np.int32)


def _bits(clues: Grid) -> Masks:
    """Return givens [n, n] as bits int32 [n * n]."""
    side = len(clues)
    if clues.shape != (side, side) or clues.min() < 0 or clues.max() > side:
        raise PuzzleError(f"Sudoku givens are a square of digits 0 to {side}; got shape {clues.shape}")
    return np.where(clues > 0, 1 << np.maximum(clues - 1, 0), 0).astype(np.int32).ravel()


def count_solutions(clues: Grid, box: Box | None = None, limit: int = 2) -> int:
    """Return how many solutions givens [n, n] (0 = open) have, counted up to ``limit`` by exhaustive search."""
    bits, of = _bits(clues), units(len(clues), box)
    return search(bits, of, -1, 0, limit, NO_LIMIT, _NO_RANDOM, np.empty_like(bits))[0]


def solutions(clues: Grid, box: Box | None = None) -> tuple[Grid, ...]:
    """Return up to two solutions int64 [n, n] of givens [n, n] (0 = open)."""
    bits, of = _bits(clues), units(len(clues), box)
    grids = []
    for limit in (1, 2):
        out = np.empty_like(bits)
        if search(bits, of, -1, 0, limit, NO_LIMIT, _NO_RANDOM, out)[0] == limit:
            grids.append(digits(out).reshape(clues.shape))
    return tuple(grids)


def backtracks(clues: Grid, box: Box | None = None) -> int:
    """Return how hard givens [n, n] are: the wrong guesses of an exhaustive search that places naked and hidden
    singles.

    The cell with the fewest candidates is guessed first. 0 means that singles alone solve the puzzle. Sudoku-Extreme
    was chosen by this kind of rating, of a stronger solver (Wang et al. 2025, arXiv 2506.21734).
    """
    bits, of = _bits(clues), units(len(clues), box)
    return search(bits, of, -1, 0, 2**31, NO_LIMIT, _NO_RANDOM, np.empty_like(bits))[1]


def fill(side: int, rng: np.random.Generator, box: Box | None = None) -> Grid:
    """Draw a full grid int64 [n, n]: depth-first search, digits in random order (not uniform over all grids)."""
    of = units(side, box)
    state = random_state(rng)
    empty, out = np.zeros(side * side, np.int32), np.empty(side * side, np.int32)
    while not search(empty, of, -1, 0, 1, FILL_NODES, state, out)[0]:
        pass
    return digits(out).reshape(side, side)


def dig(
    grid: Grid,
    rng: np.random.Generator,
    difficulty: float,
    box: Box | None = None,
    clues: Range | None = None,
) -> Grid | None:
    """Take givens out of ``grid`` while it stays the one solution; int64 [n, n].

    Args:
        difficulty: 0 leaves every given, 1 takes givens until none can be spared, in between interpolates.
        clues: fewest and most givens; then ``difficulty`` interpolates between these instead.

    Returns:
        the givens, or None when no more can be spared and yet more than ``clues`` allows are left.
    """
    side = len(grid)
    of = units(side, box)
    fewest, most = clues or (0, side * side)
    bits = _bits(grid)
    stop = max(fewest, round(most + difficulty * (fewest - most))) if clues else 0
    taken = take(bits, of, rng.permutation(side * side), DIG_NODES, stop)
    left = side * side - len(taken)
    if clues is None:
        taken = taken[: round(difficulty * len(taken))]
    elif left > most:
        return None
    givens = grid.ravel().copy()
    givens[taken] = 0
    return givens.reshape(side, side)


def generate(
    height: int,
    width: int,
    rng: np.random.Generator,
    difficulty: float,
    clues: Range | None = None,
    box: Box | None = None,
) -> Generated | None:
    """Return a sudoku of side n = height = width with one solution; arguments as in ``dig``.

    Raises:
        PuzzleError: the board is not square, or the box does not fit it.
    """
    if height != width:
        raise PuzzleError(f"sudoku: a board of {height} x {width}; a sudoku is square")
    grid = fill(width, rng, box)
    givens = dig(grid, rng, difficulty, box, clues)
    if givens is None:
        return None
    return Generated(Sudoku(givens.ravel(), *(box or default_box(width))), grid, int((givens > 0).sum()))
