"""Tapa: a random shaded shape, a clue on every white cell, then clues taken away."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import numpy as np

from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder
from tts.puzzles.generate.search import UNIQUE, other_solution
from tts.puzzles.generate.shapes import grow
from tts.puzzles.generate.thin import Generated, Kept, Range, thin
from tts.puzzles.tapa import Tapa

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
SHARE = (0.35, 0.7)  # the share of shaded cells is drawn from here
DENSEST = 0.6  # of the white cells; with a clue on each of them nothing is left to find
NODES = 4_000


@cache
def clue_of(pattern: int) -> tuple[int, ...]:
    """The runs of shaded cells in a ring of eight, a bit a cell: their lengths, ascending."""
    if pattern in (0, 255):
        return (8,) if pattern else (0,)
    bits = [pattern >> k & 1 for k in range(8)]
    start = bits.index(0)
    runs = groupby(bits[start:] + bits[:start])
    return tuple(sorted(len(list(run)) for shaded, run in runs if shaded))


@cache
def patterns(clue: tuple[int, ...]) -> tuple[int, ...]:
    """The rings, a bit a cell, that a clue allows."""
    return tuple(pattern for pattern in range(256) if clue_of(pattern) == clue)


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """A tapa puzzle with one solution, or None where this draw has more. Arguments as in ``thin``."""
    share = rng.uniform(*SHARE)
    grid = grow(height, width, max(1, round(share * height * width)), random_state(rng))
    white = np.flatnonzero(grid == 0)
    builder = Builder(height, width)
    builder.squares()
    rules, found = [], []
    for cell in white.tolist():
        y, x = divmod(cell, width)
        inside = [0 <= y + dy < height and 0 <= x + dx < width for dy, dx in RING]
        ring = [(y + dy) * width + x + dx if is_in else -1 for (dy, dx), is_in in zip(RING, inside, strict=True)]
        found.append(clue_of(sum(int(grid[c]) << k for k, c in enumerate(ring) if c >= 0)))
        rules.append(builder.ring(ring, patterns(found[-1])))
    problem = builder.pack(connected=SHADED)
    domains = np.full(grid.size, EITHER)
    solution = np.where(grid == 1, SHADED, WHITE)

    def unique(kept: Kept) -> bool:
        problem.active[rules] = kept
        domains[white] = np.where(kept, WHITE, EITHER)
        return bool(other_solution(problem, domains, solution, NODES)[0] == UNIQUE)

    if not unique(np.ones(len(white), bool)):
        return None
    kept = thin(len(white), unique, rng, difficulty, clues, round(DENSEST * len(white)))
    if kept is None:
        return None
    board: list[tuple[int, ...]] = [()] * grid.size
    for cell, clue, is_kept in zip(white.tolist(), found, kept.tolist(), strict=True):
        board[cell] = clue if is_kept else ()
    return Generated(Tapa(height, width, board), grid.reshape(height, width), int(kept.sum()))
