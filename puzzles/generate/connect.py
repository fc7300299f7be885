"""What it means for the open cells of a board that the cells of one kind are connected."""

from __future__ import annotations

import numpy as np

from tts.puzzles.generate.jit import compiled
from tts.puzzles.generate.problem import Ints


@compiled
def connect(neighbours: Ints, domains: Ints, mask: int, forced: Ints) -> bool:
    """Find what follows from: the cells whose value is in ``mask`` form one area.

    A cell that every path between two sure cells passes must be in the area (cut vertices: Tarjan 1972); one that no
    sure cell reaches must not.

    Args:
        neighbours: [L, 4].
        domains: [L].
        forced: int64 [L], receives the values that each cell keeps.

    Returns:
        False when two sure cells are apart.
    """
    cells = len(domains)
    forced[:] = -1
    root, sure = -1, 0
    for cell in range(cells):
        if domains[cell] & ~mask == 0:
            root = cell
            sure += 1
    if root < 0:
        return True
    order = np.zeros(cells, np.int64)  # 1 + when the walk came by, 0 for never
    low = np.empty(cells, np.int64)
    parent = np.empty(cells, np.int64)
    side = np.zeros(cells, np.int64)
    below = np.zeros(cells, np.int64)  # sure cells in the subtree
    clock, cell = 1, root
    order[root], low[root], parent[root], below[root] = 1, 1, -1, 1
    while cell >= 0:
        if side[cell] < 4:
            other = neighbours[cell, side[cell]]
            side[cell] += 1
            if other < 0 or not domains[other] & mask:
                continue
            if order[other]:
                low[cell] = min(low[cell], order[other])
                continue
            clock += 1
            order[other], low[other], parent[other] = clock, clock, cell
            below[other] = domains[other] & ~mask == 0
            cell = other
        else:
            up = parent[cell]
            if up >= 0:
                below[up] += below[cell]
                low[up] = min(low[up], low[cell])
                if below[cell] and low[cell] >= order[up]:
                    forced[up] = mask
            cell = up
    if below[root] != sure:
        return False
    for cell in range(cells):
        if not order[cell]:
            forced[cell] = ~mask
    return True
