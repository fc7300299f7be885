"""Nurikabe's islands: what follows from each white area holding one clue and being of its size."""

from __future__ import annotations

import numpy as np

from tts.puzzles.generate.jit import compiled
from tts.puzzles.generate.problem import Flags, Ints


@compiled
def label_white(neighbours: Ints, domains: Ints, area: Ints) -> int:
    """Number the areas of sure white cells (domain 1): area [L], -1 elsewhere; returns how many."""
    cells = len(domains)
    stack = np.empty(cells, np.int64)
    count = 0
    area[:] = -1
    for start in range(cells):
        if domains[start] != 1 or area[start] >= 0:
            continue
        area[start] = count
        stack[0], top = start, 1
        while top:
            top -= 1
            cell = stack[top]
            for k in range(4):
                other = neighbours[cell, k]
                if other >= 0 and domains[other] == 1 and area[other] < 0:
                    area[other] = count
                    stack[top] = other
                    top += 1
        count += 1
    return count


@compiled
def _touch(neighbours: Ints, domains: Ints, area: Ints, size: Ints, goal: Ints, owner: Ints, forced: Ints) -> None:
    """Look at each open cell's white neighbours: it is shaded where turning white would join two clues or too much.

    ``owner`` [L] receives the one area with a clue that the cell touches, -1 for none.
    """
    for cell in range(len(domains)):
        owner[cell] = -1
        if domains[cell] != 3:
            continue
        total, clues = 1, 0
        for k in range(4):
            other = neighbours[cell, k]
            if other < 0 or area[other] < 0:
                continue
            repeated = False
            for j in range(k):
                before = neighbours[cell, j]
                repeated |= before >= 0 and area[before] == area[other]
            if repeated:
                continue
            total += size[area[other]]
            if goal[area[other]]:
                clues += 1
                owner[cell] = area[other]
        if clues > 1 or (clues == 1 and total > goal[owner[cell]]):
            forced[cell] = 2


@compiled
def _spread(
    neighbours: Ints,
    domains: Ints,
    area: Ints,
    goal: Ints,
    owner: Ints,
    forced: Ints,
    start: int,
    size: int,
    seen: Ints,
    queue: Ints,
) -> int:
    """Find what the area of ``start``, of ``size`` cells, can reach in as many steps as it lacks cells.

    Args:
        seen: [L], the area that came by last; written in place.
        queue: [L], receives the cells, the area's own first.

    Returns:
        how many they are.
    """
    me = area[start]
    seen[start] = me
    queue[0] = start
    head, tail = 0, 1
    while tail < size:  # the area itself
        cell = queue[head]
        head += 1
        for k in range(4):
            other = neighbours[cell, k]
            if other >= 0 and area[other] == me and seen[other] != me:
                seen[other] = me
                queue[tail] = other
                tail += 1
    head, ring = 0, size
    for _ in range(min(goal[me], len(domains)) - size):
        while head < ring:
            cell = queue[head]
            head += 1
            for k in range(4):
                other = neighbours[cell, k]
                if other < 0 or seen[other] == me or domains[other] == 2 or forced[other] == 2:
                    continue
                if area[other] >= 0:
                    if goal[area[other]]:
                        continue
                elif owner[other] >= 0 and owner[other] != me:
                    continue
                seen[other] = me
                queue[tail] = other
                tail += 1
        if ring == tail:
            break
        ring = tail
    return tail


@compiled
def _exits(neighbours: Ints, domains: Ints, area: Ints, needy: Flags, forced: Ints) -> bool:
    """Force the way out of each area that must grow and has only one; return False where one has none."""
    exit_cell = np.full(len(needy), -1, np.int64)
    for cell in range(len(domains)):
        if domains[cell] != 3 or forced[cell] == 2:
            continue
        for k in range(4):
            other = neighbours[cell, k]
            if other >= 0 and area[other] >= 0 and needy[area[other]]:
                before = exit_cell[area[other]]
                exit_cell[area[other]] = cell if before in (-1, cell) else -2
    for a in range(len(needy)):
        if needy[a]:
            if exit_cell[a] == -1:
                return False
            if exit_cell[a] >= 0:
                forced[exit_cell[a]] = 1
    return True


@compiled
def islands(neighbours: Ints, domains: Ints, numbers: Ints, forced: Ints) -> bool:
    """Find what follows from: each white area has one clue, and the size that it says.

    Args:
        neighbours: [L, 4].
        domains: [L].
        numbers: [L], 0 none, -2 any size, else the size; clue cells are white.
        forced: int64 [L], receives the values that each cell keeps.

    Returns:
        False on a contradiction; complete once every cell is decided.
    """
    cells = len(domains)
    forced[:] = -1
    area = np.empty(cells, np.int64)
    areas = label_white(neighbours, domains, area)
    size = np.zeros(areas, np.int64)
    goal = np.zeros(areas, np.int64)  # 0 no clue yet, more than the board for any size
    for cell in range(cells):
        a = area[cell]
        if a >= 0:
            size[a] += 1
            if numbers[cell]:
                if goal[a]:
                    return False
                goal[a] = numbers[cell] if numbers[cell] > 0 else cells + 1
    needy = np.zeros(areas, np.uint8)
    for a in range(areas):
        if goal[a] and size[a] > goal[a]:
            return False
        needy[a] = goal[a] == 0 or size[a] < goal[a] <= cells
    owner = np.empty(cells, np.int64)
    _touch(neighbours, domains, area, size, goal, owner, forced)
    reached = np.zeros(cells, np.uint8)
    done = np.zeros(areas, np.uint8)
    seen = np.full(cells, -1, np.int64)
    queue = np.empty(cells, np.int64)
    for start in range(cells):
        a = area[start]
        if a < 0 or not goal[a] or done[a]:
            continue
        done[a] = 1
        total = _spread(neighbours, domains, area, goal, owner, forced, start, size[a], seen, queue)
        if goal[a] <= cells and total < goal[a]:
            return False
        for k in range(total):
            reached[queue[k]] = 1
            if total == goal[a]:
                forced[queue[k]] = 1
    for cell in range(cells):
        if not reached[cell] and domains[cell] & 1:
            if domains[cell] == 1:
                return False
            forced[cell] = 2
    return _exits(neighbours, domains, area, needy, forced)
