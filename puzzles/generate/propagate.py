"""What follows from the domains of a board: each rule prunes what it can, until nothing moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.connect import connect
from tts.puzzles.generate.islands import islands
from tts.puzzles.generate.jit import compiled
from tts.puzzles.generate.problem import COUNT, RING, Flags, Ints, Problem


class Work(NamedTuple):
    """The solver's state; every array is written in place.

    Attributes:
        domains: int64 [L].
        trail_cell, trail_domain: int64 [8 * L], the domains that were changed and what they were before.
        top: int64 [1], the trail's length.
        queue, queued: int64 [C + 1] and uint8 [C], constraints that wait to be looked at.
        ends: int64 [2], head and tail of the queue.
        weight: float64 [C], how often each constraint failed, plus one.
    """

    domains: Ints
    trail_cell: Ints
    trail_domain: Ints
    top: Ints
    queue: Ints
    queued: Flags
    ends: Ints
    weight: NDArray[np.float64]


@compiled
def work(problem: Problem, domains: Ints) -> Work:
    """Return a fresh state, every active constraint waiting."""
    constraints, cells = len(problem.kind), len(domains)
    w = Work(
        domains.copy(),
        np.empty(8 * cells, np.int64),
        np.empty(8 * cells, np.int64),
        np.zeros(1, np.int64),
        np.empty(constraints + 1, np.int64),
        np.zeros(constraints, np.uint8),
        np.zeros(2, np.int64),
        np.ones(constraints, np.float64),
    )
    for c in range(constraints):
        _push(problem, w, c)
    return w


@compiled
def _push(problem: Problem, w: Work, c: int) -> None:
    if problem.active[c] and not w.queued[c]:
        w.queued[c] = 1
        w.queue[w.ends[1]] = c
        w.ends[1] = (w.ends[1] + 1) % len(w.queue)


@compiled
def keep(problem: Problem, w: Work, cell: int, values: int) -> bool:
    """Cut a cell's domain down to ``values``; False when nothing is left."""
    old = w.domains[cell]
    new = old & values
    if new == old:
        return True
    w.trail_cell[w.top[0]] = cell
    w.trail_domain[w.top[0]] = old
    w.top[0] += 1
    w.domains[cell] = new
    for k in range(problem.cell_first[cell], problem.cell_first[cell + 1]):
        _push(problem, w, problem.cell_constraints[k])
    return bool(new != 0)


@compiled
def undo(w: Work, top: int) -> None:
    """Bring back the domains of when the trail had length ``top``."""
    while w.top[0] > top:
        w.top[0] -= 1
        w.domains[w.trail_cell[w.top[0]]] = w.trail_domain[w.top[0]]


@compiled
def _count(problem: Problem, w: Work, c: int) -> bool:
    mask = problem.mask[c]
    sure, possible = 0, 0
    for k in range(problem.first[c], problem.first[c + 1]):
        d = w.domains[problem.members[k]]
        if d & mask:
            possible += 1
            sure += (d & ~mask) == 0
    low, high = problem.low[c], problem.high[c]
    if sure > high or possible < low:
        return False
    if sure == possible or (sure < high and possible > low):
        return True
    allowed = ~mask if sure == high else mask
    for k in range(problem.first[c], problem.first[c + 1]):
        d = w.domains[problem.members[k]]
        if d & mask and d & ~mask and not keep(problem, w, problem.members[k], allowed):
            return False
    return True


@compiled
def _ring(problem: Problem, w: Work, c: int) -> bool:
    start = problem.first[c]
    possible, sure = 0, 0
    for k in range(8):
        cell = problem.members[start + k]
        if cell >= 0:
            d = w.domains[cell]
            possible |= (d >> 1 & 1) << k
            sure |= (d == 2) << k
    every, some = 255, 0
    for k in range(problem.low[c], problem.high[c]):
        pattern = problem.patterns[k]
        if pattern & ~possible == 0 and sure & ~pattern == 0:
            every &= pattern
            some |= pattern
    if every & ~some:
        return False
    for k in range(8):
        cell = problem.members[start + k]
        if cell >= 0:
            keep(problem, w, cell, (some >> k & 1) << 1 | (~every >> k & 1))
    return True


@compiled
def _corner(problem: Problem, w: Work, c: int) -> bool:
    start = problem.first[c]
    domains = np.empty(4, np.int64)
    left = np.zeros(4, np.int64)
    for k in range(4):
        cell = problem.members[start + k]
        domains[k] = 1 << 5 if cell < 0 else w.domains[cell]
    for i in range(6):
        if not domains[0] >> i & 1:
            continue
        for j in range(6):
            if not domains[1] >> j & 1:
                continue
            for k in range(6):
                if not domains[2] >> k & 1:
                    continue
                for m in range(6):
                    if domains[3] >> m & 1 and problem.corners[i, j, k, m]:
                        left[0] |= 1 << i
                        left[1] |= 1 << j
                        left[2] |= 1 << k
                        left[3] |= 1 << m
    if left[0] == 0:
        return False
    for k in range(4):
        if problem.members[start + k] >= 0:
            keep(problem, w, problem.members[start + k], left[k])
    return True


@compiled
def _drain(problem: Problem, w: Work) -> bool:
    """Look at the waiting constraints until none is left; False on a contradiction."""
    ok = True
    while w.ends[0] != w.ends[1]:
        c = w.queue[w.ends[0]]
        w.ends[0] = (w.ends[0] + 1) % len(w.queue)
        w.queued[c] = 0
        if ok:
            if problem.kind[c] == COUNT:
                ok = _count(problem, w, c)
            elif problem.kind[c] == RING:
                ok = _ring(problem, w, c)
            else:
                ok = _corner(problem, w, c)
            if not ok:
                w.weight[c] += 1.0
    return ok


@compiled
def propagate(problem: Problem, w: Work) -> bool:
    """Prune the domains until nothing moves; False on a contradiction, with the queue empty either way."""
    forced = np.empty(len(w.domains), np.int64)
    while True:
        if not _drain(problem, w):
            return False
        top = w.top[0]
        if problem.connected[0]:
            if not connect(problem.neighbours, w.domains, problem.connected[0], forced):
                return False
            for cell in range(len(forced)):
                keep(problem, w, cell, forced[cell])
        if len(problem.numbers) and w.top[0] == top:
            if not islands(problem.neighbours, w.domains, problem.numbers, forced):
                return False
            for cell in range(len(forced)):
                if not keep(problem, w, cell, forced[cell]):
                    _drain(problem, w)
                    return False
        if w.top[0] == top:
            return True
