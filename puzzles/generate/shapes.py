"""Random shapes: shaded areas without 2 x 2 squares, and the white areas that they leave."""

from __future__ import annotations

import attrs
import numpy as np

from tts.puzzles.generate.islands import label_white
from tts.puzzles.generate.jit import compiled, draw
from tts.puzzles.generate.problem import Ints, State


@compiled
def grow(height: int, width: int, goal: int, random: State) -> Ints:
    """Grow one connected shaded area (1) without a 2 x 2 square, int64 [L], cell by cell up to ``goal`` cells.

    Fewer where no cell can be added.
    """
    grid = np.zeros((height, width), np.int64)
    rim = np.empty(4 * height * width + 1, np.int64)
    rim[0] = draw(random, height * width)
    top, shaded = 1, 0
    while top and shaded < goal:
        k = draw(random, top)
        cell = rim[k]
        top -= 1
        rim[k] = rim[top]
        y, x = cell // width, cell % width
        if grid[y, x]:
            continue
        grid[y, x] = 1
        square = False
        for v in range(max(0, y - 1), min(y, height - 2) + 1):
            for u in range(max(0, x - 1), min(x, width - 2) + 1):
                square |= grid[v, u] + grid[v + 1, u] + grid[v, u + 1] + grid[v + 1, u + 1] == 4
        if square:
            grid[y, x] = 0
            continue
        shaded += 1
        for dy, dx in ((-1, 0), (0, 1), (1, 0), (0, -1)):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                rim[top] = cell + dy * width + dx
                top += 1
    return grid.ravel()


@attrs.frozen(eq=False)
class Areas:
    """The areas of some cells of a board.

    Attributes:
        count: how many.
        of: int64 [L], each cell's area; -1 for the other cells.
        size: int64 [count].
    """

    count: int
    of: Ints
    size: Ints


def areas(neighbours: Ints, cells: Ints) -> Areas:
    """Return the 4-connected areas of the cells that are 1 in ``cells`` [L]."""
    of = np.empty_like(cells)
    count = label_white(neighbours, cells, of)
    return Areas(count, of, np.bincount(of[of >= 0], minlength=count))
