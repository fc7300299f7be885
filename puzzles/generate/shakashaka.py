"""Shakashaka: a random filling with walls among its values, every wall numbered, then numbers taken away.

All white areas are rectangles if and only if, about every point of the grid, each stretch of white spans a right angle,
a half turn or the whole turn: a polygon with right angles only, none of them turned inwards, is a rectangle.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby, product

import numpy as np

from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.problem import Builder, Encoded, Flags, Ints, neighbours
from tts.puzzles.generate.solver import sample
from tts.puzzles.generate.thinning import thin_rules
from tts.puzzles.shakashaka import Shakashaka

BLANK, TRIANGLES, WALL = 1, 30, 32  # domains: bit 0 blank, bits 1 to 4 the triangles 2 to 5, bit 5 black
TOP, RIGHT, BOTTOM, LEFT = range(4)
BLACK_SIDES = ((), (LEFT, BOTTOM), (RIGHT, BOTTOM), (TOP, RIGHT), (TOP, LEFT), (TOP, RIGHT, BOTTOM, LEFT))
# The eight half right angles about a point, clockwise from north: which of the four cells (row-major), at which side.
OCTANTS = ((1, LEFT), (1, BOTTOM), (3, TOP), (3, LEFT), (2, RIGHT), (2, TOP), (0, BOTTOM), (0, RIGHT))
FILL_NODES = 2_000
NODES = 4_000


@cache
def corners() -> Flags:
    """Return uint8 [6, 6, 6, 6]: whether four values (row-major) may meet in a point."""
    table = np.zeros((6, 6, 6, 6), np.uint8)
    for values in product(range(6), repeat=4):
        black = [side in BLACK_SIDES[values[cell]] for cell, side in OCTANTS]
        start = black.index(True) if any(black) else 0
        turned = black[start:] + black[:start]
        table[values] = all(is_black or len(list(run)) in (2, 4, 8) for is_black, run in groupby(turned))
    return table


def _builder(height: int, width: int) -> Builder:
    """Return a builder with the rules of every point, and that a triangle must be."""
    builder = Builder(height, width)
    index = np.full((height + 2, width + 2), -1)
    index[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    for y, x in np.ndindex(height + 1, width + 1):
        builder.corner(index[y : y + 2, x : x + 2].ravel().tolist())
    builder.some(TRIANGLES)
    return builder


def encode(puzzle: Shakashaka) -> Encoded:
    """Return the puzzle for the solver."""
    builder = _builder(puzzle.height, puzzle.width)
    clues = np.array(puzzle.clues)
    around = neighbours(puzzle.height, puzzle.width)
    rules = [
        builder.count([c for c in around[cell].tolist() if c >= 0], clues[cell], clues[cell], TRIANGLES)
        for cell in np.flatnonzero(clues >= 0)
    ]
    domains = np.where(clues == -1, BLANK | TRIANGLES, WALL)
    return Encoded(builder.pack(corners=corners()), domains, np.array(rules, np.int64), values)


def values(solution: Ints) -> Ints:
    """Return the answer values of a solution, a bit a cell."""
    return np.array([0, 2, 3, 4, 5, 0])[np.log2(solution).astype(np.int64)]


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """Return a shakashaka puzzle with one solution, or None where this draw has more. Arguments as in ``thin``."""
    blank, wall = rng.integers(1, 3), rng.integers(2, 5)
    shares = np.array([blank, 4, 4, 4, 4, wall])
    anything = np.full(height * width, BLANK | TRIANGLES | WALL)
    problem = _builder(height, width).pack(corners=corners())
    success, solution = sample(problem, anything, shares, random_state(rng), FILL_NODES)
    if not success:
        return None
    walls = solution == WALL
    around = neighbours(height, width)
    triangles = (around >= 0) & (solution[around] & TRIANGLES > 0)
    numbers = np.where(walls, triangles.sum(axis=1), -1)
    shown = thin_rules(encode(Shakashaka(height, width, numbers)), solution, NODES, rng, difficulty, clues)
    if shown is None:
        return None
    numbers[np.flatnonzero(walls)[~shown]] = -2
    grid = values(solution).reshape(height, width)
    return Generated(Shakashaka(height, width, numbers), grid, int(shown.sum()))
