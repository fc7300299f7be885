"""Light up (akari): random walls, bulbs dropped on unlit cells until all is lit, then numbers taken away."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder, Encoded, neighbours
from tts.puzzles.generate.thinning import thin_rules
from tts.puzzles.lightup import Lightup

Cells = NDArray[np.bool_]

WALLS = (0.12, 0.35)  # the share of walls is drawn from here
NODES = 4_000


def segments(walls: Cells) -> list[list[int]]:
    """Return the maximal wall-free runs of a board bool [H, W], across and down."""
    index = np.arange(walls.size).reshape(walls.shape)
    runs: list[list[int]] = []
    for lines, wall_lines in ((index, walls), (index.T, walls.T)):
        for line, wall_line in zip(lines, wall_lines, strict=True):
            for is_wall, run in groupby(line.tolist(), key=dict(zip(line.tolist(), wall_line, strict=True)).get):
                if not is_wall:
                    runs.append(list(run))
    return runs


def lights(walls: Cells) -> list[list[int]]:
    """Return per cell of a board bool [H, W], the cells that a bulb lights from there; none from a wall."""
    seen: list[set[int]] = [set() for _ in range(walls.size)]
    for run in segments(walls):
        for cell in run:
            seen[cell].update(run)
    return [sorted(cells) for cells in seen]


def encode(puzzle: Lightup) -> Encoded:
    """Return the puzzle for the solver: bulbs are shaded."""
    builder = Builder(puzzle.height, puzzle.width)
    clues = np.array(puzzle.clues)
    walls = clues != -1
    board = walls.reshape(puzzle.height, puzzle.width)
    for run in segments(board):
        builder.count(run, 0, 1)
    for seen in lights(board):
        if seen:
            builder.count(seen, 1, len(seen))
    around = neighbours(puzzle.height, puzzle.width)
    rules = [
        builder.count([c for c in around[cell].tolist() if c >= 0], clues[cell], clues[cell])
        for cell in np.flatnonzero(clues >= 0)
    ]
    return Encoded(builder.pack(), np.where(walls, WHITE, EITHER), np.array(rules, np.int64))


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """Return a light up puzzle with one solution, or None where this draw has more. Arguments as in ``thin``.

    A bulb goes on cells in random order where no bulb shines yet; sight is mutual, so no bulb ever sees another.
    """
    walls = rng.random((height, width)) < rng.uniform(*WALLS)
    bulbs = np.zeros(walls.size, np.int64)
    sees = lights(walls)
    for cell in rng.permutation(walls.size):
        bulbs[cell] = len(sees[cell]) > 0 and not bulbs[sees[cell]].any()
    around = neighbours(height, width)
    numbers = np.where(walls.ravel(), np.where(around >= 0, bulbs[around], 0).sum(axis=1), -1)
    shown = thin_rules(
        encode(Lightup(height, width, numbers)), np.where(bulbs == 1, SHADED, WHITE), NODES, rng, difficulty, clues
    )
    if shown is None:
        return None
    numbers[np.flatnonzero(walls)[~shown]] = -2
    return Generated(Lightup(height, width, numbers), bulbs.reshape(height, width), int(shown.sum()))
