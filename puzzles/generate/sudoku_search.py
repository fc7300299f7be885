"""The compiled sudoku search: bit masks, naked and hidden singles, then the cell with the fewest candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.jit import compiled, draw
from tts.puzzles.generate.problem import State

Masks = NDArray[np.int32]


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
def _place(grid: Masks, used: Masks, of: Masks, cell: int, bit: int) -> None:
    grid[cell] = bit
    used[of[cell, 0]] |= bit
    used[of[cell, 1]] |= bit
    used[of[cell, 2]] |= bit


@compiled
def _singles(grid: Masks, used: Masks, of: Masks, ban_cell: int, ban_bit: int, seen: Masks) -> tuple[int, int]:
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
            if (seen[0, unit] | used[unit]) != full:
                return -1, 0
        for cell in range(len(grid)):
            if grid[cell]:
                continue
            lone = 0
            for k in range(3):
                unit = of[cell, k]
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
    """Return one bit of ``cand``: the lowest, or one at random."""
    if len(random):
        for _ in range(draw(random, _ones(cand))):
            cand &= cand - 1
    return cand & -cand


@compiled
def search(
    clues: Masks,
    of: Masks,
    ban_cell: int,
    ban_bit: int,
    limit: int,
    budget: int,
    random: State,
    out: Masks,
) -> tuple[int, int, int]:
    """Search depth-first for the solutions whose ``ban_cell`` is not ``ban_bit``.

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
    side = int(np.sqrt(cells))
    depths = 1
    for cell in range(cells):
        depths += clues[cell] == 0
    grids = np.empty((depths, cells), np.int32)
    useds = np.zeros((depths, 3 * side), np.int32)
    branch = np.empty((depths, 2), np.int32)
    seen = np.empty((2, 3 * side), np.int32)
    grids[0] = clues
    for cell in range(cells):
        bit = clues[cell]
        if bit:
            for k in range(3):
                if useds[0, of[cell, k]] & bit:
                    return 0, 0, budget
                useds[0, of[cell, k]] |= bit
    depth = 0
    solutions = 0
    refuted = 0
    while True:
        cell, cand = _singles(grids[depth], useds[depth], of, ban_cell, ban_bit, seen)
        if cell >= 0:
            branch[depth, 0], branch[depth, 1] = cell, cand
        else:
            if cell == -2:
                out[:] = grids[depth]
                solutions += 1
                if solutions == limit:
                    return solutions, refuted, budget
            else:
                refuted += depth > 0
            depth -= 1
            while depth >= 0 and branch[depth, 1] == 0:
                depth -= 1
            if depth < 0:
                return solutions, refuted, budget
        budget -= 1
        if budget < 0:
            return solutions, refuted, budget
        bit = _pick(branch[depth, 1], random)
        branch[depth, 1] ^= bit
        grids[depth + 1] = grids[depth]
        useds[depth + 1] = useds[depth]
        _place(grids[depth + 1], useds[depth + 1], of, branch[depth, 0], bit)
        depth += 1


@compiled
def take(grid: Masks, of: Masks, order: NDArray[np.int64], nodes: int, stop: int) -> NDArray[np.int64]:
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
        others, _, left = search(grid, of, cell, bit, 1, nodes, random, out)
        if others or left < 0:
            grid[cell] = bit
        else:
            taken[count] = cell
            count += 1
    return taken[:count]


@compiled
def digits(bits: Masks) -> NDArray[np.int64]:
    """Return the digit of each bit, 0 for none."""
    out = np.empty(len(bits), np.int64)
    for cell in range(len(bits)):
        out[cell] = _digit(bits[cell])
    return out
