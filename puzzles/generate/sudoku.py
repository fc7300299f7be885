"""Sudoku: a compiled backtracker over bit masks, and the generator that digs givens out of random full grids.

Blocks are ``box`` = (height, width) and are cut off at the edges where the side is no multiple, as puzz.link has them.
"""

from __future__ import annotations

from functools import cache
from math import isqrt

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.puzzle import Grid
from tts.puzzles.generate.jit import compiled, draw, random_state

Ints = NDArray[np.int32]
Box = tuple[int, int]
State = NDArray[np.uint64]

MAX_SIDE = 30  # candidates are bits of an int32
FILL_NODES = 2_000  # guesses to fill an empty grid before another start is tried
DIG_NODES = 2_000  # guesses to prove that a given is not needed; past them it stays
_NO_RANDOM = np.zeros(0, np.uint64)


@attrs.frozen(eq=False)
class Units:
    """Where the cells of a side n lie.

    Attributes:
        of: int32 [n * n, 3], the row, column and block of each cell, blocks numbered on after rows and columns.
        whole: bool [units], the unit has n cells and so holds every digit.
    """

    of: Ints
    whole: NDArray[np.bool_]


def default_box(side: int) -> Box:
    """The block (height, width) that puzz.link gives a side: squares, and 2 x 3 for side 6."""
    root = isqrt(side)
    return (2, 3) if side == 6 else (root, root)


@cache
def units(side: int, box: Box) -> Units:
    """The units of a board.

    Raises:
        PuzzleError: the side or the block is out of range.
    """
    height, width = box
    if not (1 <= side <= MAX_SIDE and 1 <= height <= side and 1 <= width <= side and height * width <= side):
        raise PuzzleError(
            f"No sudoku of side {side} with blocks of {height} x {width}: the side is at most {MAX_SIDE} and a block "
            "holds no more cells than the side"
        )
    row, column = np.divmod(np.arange(side * side, dtype=np.int32), np.int32(side))
    block = row // height * -(-side // width) + column // width
    of = np.stack([row, side + column, 2 * side + block], axis=1).astype(np.int32)
    return Units(np.ascontiguousarray(of), np.bincount(of.ravel()) == side)


@compiled
def _ones(mask: int) -> int:
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@compiled
def _digit(bit: int) -> int:
    digit = 0
    while bit:
        bit >>= 1
        digit += 1
    return digit


@compiled
def _place(grid: Ints, used: Ints, of: Ints, cell: int, bit: int) -> None:
    grid[cell] = bit
    used[of[cell, 0]] |= bit
    used[of[cell, 1]] |= bit
    used[of[cell, 2]] |= bit


@compiled
def _singles(
    grid: Ints, used: Ints, of: Ints, whole: NDArray[np.bool_], ban_cell: int, ban_bit: int, seen: Ints
) -> tuple[int, int]:
    """Place naked and hidden singles until none is left.

    Returns:
        (-1, 0) on a contradiction, (-2, 0) when the grid is full, else the open cell with the fewest candidates, and
        them.
    """
    side = int(np.sqrt(len(grid)))
    full = (1 << side) - 1
    while True:
        moved = False
        seen[:] = 0
        best, best_cand, fewest = -2, 0, 99
        for cell in range(len(grid)):
            if grid[cell]:
                continue
            r, c, b = of[cell, 0], of[cell, 1], of[cell, 2]
            cand = full & ~(used[r] | used[c] | used[b])
            if cell == ban_cell:
                cand &= ~ban_bit
            if cand == 0:
                return -1, 0
            if cand & (cand - 1) == 0:
                _place(grid, used, of, cell, cand)
                moved = True
                continue
            # seen[0] holds the digits with a place in the unit, seen[1] those with two
            for unit in (r, c, b):
                seen[1, unit] |= seen[0, unit] & cand
                seen[0, unit] |= cand
            if not moved:
                n = _ones(cand)
                if n < fewest:
                    best, best_cand, fewest = cell, cand, n
        for unit in range(len(used)):
            if whole[unit] and (seen[0, unit] | used[unit]) != full:
                return -1, 0
        for cell in range(len(grid)):
            if grid[cell]:
                continue
            lone = 0
            for k in range(3):
                unit = of[cell, k]
                if whole[unit]:
                    lone |= seen[0, unit] & ~seen[1, unit]
            if lone:
                cand = full & ~(used[of[cell, 0]] | used[of[cell, 1]] | used[of[cell, 2]])
                if cell == ban_cell:
                    cand &= ~ban_bit
                hit = lone & cand
                if hit:
                    if hit & (hit - 1):
                        return -1, 0
                    _place(grid, used, of, cell, hit)
                    moved = True
        if not moved:
            return best, best_cand


@compiled
def _pick(cand: int, random: State) -> int:
    """One bit of ``cand``: the lowest, or one at random."""
    if len(random):
        for _ in range(draw(random, _ones(cand))):
            cand &= cand - 1
    return cand & -cand


@compiled
def _search(
    clues: Ints,
    of: Ints,
    whole: NDArray[np.bool_],
    ban_cell: int,
    ban_bit: int,
    limit: int,
    budget: int,
    random: State,
    out: Ints,
) -> tuple[int, int, int]:
    """Depth-first search over the solutions whose ``ban_cell`` is not ``ban_bit``.

    Args:
        clues: int32 [L], a bit a given, 0 open.
        limit: solutions to stop at.
        budget: guesses to stop after.
        random: the state that digits are drawn from; empty for ascending order.
        out: int32 [L], receives the last solution found.

    Returns:
        solutions found, guesses refuted, guesses left (negative when the budget ran out and nothing is proved).
    """
    cells = len(clues)
    depths = 1
    for cell in range(cells):
        depths += clues[cell] == 0
    grids = np.empty((depths, cells), np.int32)
    useds = np.zeros((depths, len(whole)), np.int32)
    branch = np.empty((depths, 2), np.int32)
    seen = np.empty((2, len(whole)), np.int32)
    grids[0] = clues
    for cell in range(cells):
        bit = clues[cell]
        if bit:
            for k in range(3):
                if useds[0, of[cell, k]] & bit:
                    return 0, 0, budget
                useds[0, of[cell, k]] |= bit
    depth, found, refuted = 0, 0, 0
    while True:
        cell, cand = _singles(grids[depth], useds[depth], of, whole, ban_cell, ban_bit, seen)
        if cell >= 0:
            branch[depth, 0], branch[depth, 1] = cell, cand
        else:
            if cell == -2:
                out[:] = grids[depth]
                found += 1
                if found == limit:
                    return found, refuted, budget
            else:
                refuted += depth > 0
            depth -= 1
            while depth >= 0 and branch[depth, 1] == 0:
                depth -= 1
            if depth < 0:
                return found, refuted, budget
        budget -= 1
        if budget < 0:
            return found, refuted, budget
        bit = _pick(branch[depth, 1], random)
        branch[depth, 1] ^= bit
        grids[depth + 1] = grids[depth]
        useds[depth + 1] = useds[depth]
        _place(grids[depth + 1], useds[depth + 1], of, branch[depth, 0], bit)
        depth += 1


@compiled
def _dig(
    grid: Ints, of: Ints, whole: NDArray[np.bool_], order: NDArray[np.int64], nodes: int, stop: int
) -> NDArray[np.int64]:
    """Take givens out of ``grid``, in place, while no second solution exists, down to ``stop`` of them.

    Returns:
        the cells taken, in turn.
    """
    out = np.empty_like(grid)
    taken = np.empty(len(grid), np.int64)
    count = 0
    random = np.zeros(0, np.uint64)
    for cell in order:
        if len(grid) - count <= stop:
            break
        bit = grid[cell]
        grid[cell] = 0
        found, _, left = _search(grid, of, whole, cell, bit, 1, nodes, random, out)
        if found or left < 0:
            grid[cell] = bit
        else:
            taken[count] = cell
            count += 1
    return taken[:count]


@compiled
def _digits(bits: Ints) -> NDArray[np.int64]:
    digits = np.empty(len(bits), np.int64)
    for cell in range(len(bits)):
        digits[cell] = _digit(bits[cell])
    return digits


def _bits(clues: Grid) -> Ints:
    """Givens [n, n] as bits int32 [n * n]."""
    side = len(clues)
    if clues.shape != (side, side) or clues.min() < 0 or clues.max() > side:
        raise PuzzleError(f"Sudoku givens are a square of digits 0 to {side}; got shape {clues.shape}")
    return np.where(clues > 0, 1 << np.maximum(clues - 1, 0), 0).astype(np.int32).ravel()


def count_solutions(clues: Grid, box: Box | None = None, limit: int = 2) -> int:
    """How many solutions givens [n, n] (0 = open) have, counted up to ``limit`` by exhaustive search."""
    where = units(len(clues), box or default_box(len(clues)))
    bits = _bits(clues)
    return _search(bits, where.of, where.whole, -1, 0, limit, 2**62, _NO_RANDOM, np.empty_like(bits))[0]


def solve(clues: Grid, box: Box | None = None) -> Grid | None:
    """The first solution int64 [n, n] of givens [n, n] (0 = open), or None."""
    where = units(len(clues), box or default_box(len(clues)))
    bits = _bits(clues)
    out = np.empty_like(bits)
    if not _search(bits, where.of, where.whole, -1, 0, 1, 2**62, _NO_RANDOM, out)[0]:
        return None
    return _digits(out).reshape(clues.shape)


def backtracks(clues: Grid, box: Box | None = None) -> int:
    """How hard givens [n, n] are: the wrong guesses of an exhaustive search that places naked and hidden singles.

    The cell with the fewest candidates is guessed first. 0 means that singles alone solve the puzzle. Like the rating
    of Sudoku-Extreme (Wang et al. 2025, arXiv 2506.21734, section 3), of a simpler solver.
    """
    where = units(len(clues), box or default_box(len(clues)))
    bits = _bits(clues)
    return _search(bits, where.of, where.whole, -1, 0, 2**31, 2**62, _NO_RANDOM, np.empty_like(bits))[1]


def fill(side: int, rng: np.random.Generator, box: Box | None = None) -> Grid:
    """A random full grid int64 [n, n]: depth-first search, digits in random order (not uniform over all grids)."""
    where = units(side, box or default_box(side))
    state = random_state(rng)
    empty, out = np.zeros(side * side, np.int32), np.empty(side * side, np.int32)
    while not _search(empty, where.of, where.whole, -1, 0, 1, FILL_NODES, state, out)[0]:
        pass
    return _digits(out).reshape(side, side)


def dig(
    grid: Grid,
    rng: np.random.Generator,
    difficulty: float,
    box: Box | None = None,
    clues: tuple[int, int] | None = None,
) -> Grid | None:
    """Givens int64 [n, n] of which ``grid`` is the one solution.

    Args:
        difficulty: 0 leaves every given, 1 takes givens until none can be spared, in between interpolates.
        clues: fewest and most givens; then ``difficulty`` interpolates between these instead.

    Returns:
        the givens, or None when no more can be spared and yet more than ``clues`` allows are left.
    """
    side = len(grid)
    where = units(side, box or default_box(side))
    fewest, most = clues or (0, side * side)
    bits = _bits(grid)
    stop = max(fewest, round(most + difficulty * (fewest - most))) if clues else 0
    taken = _dig(bits, where.of, where.whole, rng.permutation(side * side), DIG_NODES, stop)
    left = side * side - len(taken)
    if clues is None:
        taken = taken[: round(difficulty * len(taken))]
    elif left > most:
        return None
    givens = grid.ravel().copy()
    givens[taken] = 0
    return givens.reshape(side, side)
