"""Tapa: a random shaded shape, a clue on every white cell, then clues taken away."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import groupby

import numpy as np

from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder, Encoded, Ints
from tts.puzzles.generate.shapes import grow
from tts.puzzles.generate.solver import UNIQUE, other_solution
from tts.puzzles.generate.thinning import Mask, thin
from tts.puzzles.tapa import Tapa
from tts.verifiers.tokens import UNKNOWN

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
SHARE = (0.35, 0.7)  # the share of shaded cells is drawn from here
DENSEST = 0.6  # of the white cells; with a clue on each of them nothing is left to find
NODES = 4_000


@cache
def clue_of(pattern: int) -> tuple[int, ...]:
    """Return the runs of shaded cells in a ring of eight, a bit a cell: their lengths, ascending."""
    if pattern in (0, 255):
        return (8,) if pattern else (0,)
    bits = [pattern >> k & 1 for k in range(8)]
    start = bits.index(0)
    runs = groupby(bits[start:] + bits[:start])
    return tuple(sorted(len(list(run)) for shaded, run in runs if shaded))


@cache
def patterns(clue: tuple[int, ...]) -> tuple[int, ...]:
    """Return the rings, a bit a cell, that a clue allows: as many runs, each number one of them."""
    numbers = Counter(entry for entry in clue if entry != UNKNOWN)
    return tuple(p for p in range(256) if len(clue_of(p)) == len(clue) and numbers <= Counter(clue_of(p)))


def rings(height: int, width: int) -> Ints:
    """Return int64 [L, 8]: the cells around each cell in order; -1 off the board."""
    index = np.full((height + 2, width + 2), -1)
    index[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    sides = [index[1 + dy : height + 1 + dy, 1 + dx : width + 1 + dx] for dy, dx in RING]
    return np.stack([side.ravel() for side in sides], axis=1)


def encode(puzzle: Tapa) -> Encoded:
    """Return the puzzle for the solver."""
    builder = Builder(puzzle.height, puzzle.width)
    builder.squares()
    builder.some()
    around = rings(puzzle.height, puzzle.width).tolist()
    rules = [builder.ring(around[cell], patterns(clue)) for cell, clue in enumerate(puzzle.clues) if clue]
    domains = np.array([WHITE if clue else EITHER for clue in puzzle.clues])
    return Encoded(builder.pack(connected=SHADED), domains, np.array(rules, np.int64))


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """Return a tapa puzzle with one solution, or None where this draw has more. Arguments as in ``thin``."""
    grid = grow(height, width, max(1, round(rng.uniform(*SHARE) * height * width)), random_state(rng))
    around = rings(height, width)
    seen = ((around >= 0) * grid[around]) @ (1 << np.arange(8))
    board = [() if shaded else clue_of(pattern) for shaded, pattern in zip(grid.tolist(), seen.tolist(), strict=True)]
    encoded = encode(Tapa(height, width, board))
    white = np.flatnonzero(grid == 0)
    solution = np.where(grid == 1, SHADED, WHITE)

    def unique(shown: Mask) -> bool:
        encoded.problem.active[encoded.rules] = shown
        encoded.domains[white] = np.where(shown, WHITE, EITHER)
        return bool(other_solution(encoded.problem, encoded.domains, solution, NODES)[0] == UNIQUE)

    if not unique(np.ones(len(white), bool)):
        return None
    shown = thin(len(white), unique, rng, difficulty, clues, round(DENSEST * len(white)))
    if shown is None:
        return None
    for cell in white[~shown].tolist():
        board[cell] = ()
    return Generated(Tapa(height, width, board), grid.reshape(height, width), int(shown.sum()))
