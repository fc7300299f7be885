"""Light up (akari): random walls, bulbs dropped on unlit cells until all is lit, then numbers taken away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder, neighbours
from tts.puzzles.generate.search import UNIQUE, other_solution
from tts.puzzles.generate.thin import Generated, Kept, Range, thin
from tts.puzzles.lightup import Lightup

Cells = NDArray[np.bool_]

WALLS = (0.12, 0.35)  # the share of walls is drawn from here
NODES = 4_000


def segments(walls: Cells) -> list[list[int]]:
    """The maximal wall-free runs of a board bool [H, W], across and down."""
    index = np.arange(walls.size).reshape(walls.shape)
    runs: list[list[int]] = []
    for lines, wall_lines in ((index, walls), (index.T, walls.T)):
        for line, wall_line in zip(lines.tolist(), wall_lines.tolist(), strict=True):
            runs.append([])
            for cell, wall in zip(line, wall_line, strict=True):
                if wall:
                    runs.append([])
                else:
                    runs[-1].append(cell)
    return [run for run in runs if run]


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """A light up puzzle with one solution, or None where this draw has more. Arguments as in ``thin``.

    A bulb goes on cells in random order where no bulb shines yet; sight is mutual, so no bulb ever sees another.
    """
    walls = (rng.random((height, width)) < rng.uniform(*WALLS)).ravel()
    builder = Builder(height, width)
    lights: list[set[int]] = [set() for _ in walls]
    for run in segments(walls.reshape(height, width)):
        builder.count(run, 0, 1)
        for cell in run:
            lights[cell].update(run)
    bulbs = np.zeros(walls.size, np.int64)
    for cell in rng.permutation(walls.size):
        sees = sorted(lights[cell])
        if sees:
            builder.count(sees, 1, len(sees))
            bulbs[cell] = not bulbs[sees].any()
    wall_cells = np.flatnonzero(walls)
    around = neighbours(height, width)[wall_cells]
    numbers = np.where(around >= 0, bulbs[around], 0).sum(axis=1)
    rules = [
        builder.count([c for c in cells if c >= 0], number, number)
        for cells, number in zip(around.tolist(), numbers.tolist(), strict=True)
    ]
    problem = builder.pack()
    domains = np.where(walls, WHITE, EITHER)
    solution = np.where(bulbs == 1, SHADED, WHITE)

    def unique(kept: Kept) -> bool:
        problem.active[rules] = kept
        return bool(other_solution(problem, domains, solution, NODES)[0] == UNIQUE)

    if not unique(np.ones(len(rules), bool)):
        return None
    kept = thin(len(rules), unique, rng, difficulty, clues)
    if kept is None:
        return None
    board = np.full(walls.size, -1)
    board[wall_cells] = np.where(kept, numbers, -2)
    return Generated(Lightup(height, width, board), bulbs.reshape(height, width), int(kept.sum()))
