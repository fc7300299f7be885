"""Depth-first search over a Problem: random solutions, and the proof that a solution is the only one."""

from __future__ import annotations

import numpy as np

from tts.puzzles.generate.jit import compiled, draw
from tts.puzzles.generate.problem import Ints, Problem, State
from tts.puzzles.generate.propagate import Work, keep, propagate, undo, work

UNIQUE, OTHER, GAVE_UP = 0, 1, 2
DIVES = 4  # suppositions that survive propagation are followed this often, in the hope of another solution,
DIVE_NODES = 24  # for so many decisions


@compiled
def _pick(problem: Problem, w: Work) -> int:
    """Return the open cell whose constraints failed most often, over its domain's size (dom/wdeg: Boussemart et al.
    2004).
    """
    best, best_score = -1, -1.0
    for cell in range(len(w.domains)):
        d = w.domains[cell]
        if d & (d - 1) == 0:
            continue
        score = 1.0
        for k in range(problem.cell_first[cell], problem.cell_first[cell + 1]):
            c = problem.cell_constraints[k]
            if problem.active[c]:
                score += w.weight[c]
        size = 0
        while d:
            d &= d - 1
            size += 1
        score /= size
        if score > best_score:
            best, best_score = cell, score
    return best


@compiled
def _solve(problem: Problem, w: Work, budget: int) -> tuple[int, int]:
    """Search below the present domains, which are propagated; leave the solution in ``w.domains`` if there is one.

    Returns:
        1 a solution, 0 none, -1 the budget of decisions ran out; and what is left of the budget.
    """
    marks = np.empty((len(w.domains) + 1, 3), np.int64)
    depth = 0
    ok = True
    while True:
        if ok:
            cell = _pick(problem, w)
            if cell < 0:
                return 1, budget
            budget -= 1
            if budget < 0:
                return -1, budget
            d = w.domains[cell]
            value = d & -d
            marks[depth, 0], marks[depth, 1], marks[depth, 2] = w.top[0], cell, value
            depth += 1
            keep(problem, w, cell, value)
        else:
            if depth == 0:
                return 0, budget
            depth -= 1
            undo(w, marks[depth, 0])
            keep(problem, w, marks[depth, 1], ~marks[depth, 2])
        ok = propagate(problem, w)


@compiled
def _settle(problem: Problem, w: Work, solution: Ints, budget: int, dives: int) -> tuple[int, int, int]:
    """Suppose of each open cell in turn that it differs from ``solution``, until propagation refutes none any more.

    Args:
        budget: suppositions to make at most.
        dives: how many of DIVES were made; with all of them made, another solution is not looked for.

    Returns:
        1 if another solution was found, and is in ``w.domains``, else 0; the cells left open; the budget left.
    """
    cells = len(solution)
    # A cell that differs as a consequence of another's differing is not refuted either: no need to suppose it.
    alive = np.full(cells, -1, np.int64)
    version = 0
    quiet = 0
    index = 0
    while quiet < cells:
        cell = index
        index = (index + 1) % cells
        quiet += 1
        if w.domains[cell] == solution[cell] or alive[cell] == version:
            continue
        budget -= 1
        if budget < 0:
            break
        top = w.top[0]
        keep(problem, w, cell, ~solution[cell])
        possible = propagate(problem, w)
        if possible:
            for k in range(top, w.top[0]):
                if not w.domains[w.trail_cell[k]] & solution[w.trail_cell[k]]:
                    alive[w.trail_cell[k]] = version
        if possible and dives < DIVES:
            dives += 1
            status, _ = _solve(problem, w, DIVE_NODES)
            if status > 0:
                return 1, 0, budget
            possible = status < 0
        undo(w, top)
        if not possible:
            keep(problem, w, cell, solution[cell])
            propagate(problem, w)
            version += 1
            quiet = 0
    left = 0
    for cell in range(cells):
        left += w.domains[cell] != solution[cell]
    return 0, left, budget


@compiled
def unsettled(problem: Problem, domains: Ints, solution: Ints) -> Ints:
    """Return the cells that propagation cannot settle, not even after supposing that they differ from ``solution``.

    None proves that the solution is the only one. Arguments as in ``other_solution``.
    """
    w = work(problem, domains)
    propagate(problem, w)
    _settle(problem, w, solution, 2**40, DIVES)
    return np.flatnonzero(w.domains != solution)


@compiled
def other_solution(problem: Problem, domains: Ints, solution: Ints, budget: int) -> tuple[int, Ints]:
    """Look for a solution that differs from ``solution``; an exhaustive search, or none within the budget.

    Cell after cell is supposed to differ. First by propagation alone, until no cell is refuted that way; then by
    search. A refuted cell is settled for good.

    Args:
        domains: int64 [L], what the cells may be at the outset.
        solution: int64 [L], a solution, a bit a cell.
        budget: decisions, suppositions included.

    Returns:
        UNIQUE, OTHER or GAVE_UP; the other solution [L] (else ``solution``).
    """
    w = work(problem, domains)
    if not propagate(problem, w):
        raise ValueError("the solution breaks a rule")
    while True:
        other, left, budget = _settle(problem, w, solution, budget, 0)
        if other:
            return OTHER, w.domains
        if budget < 0:
            return GAVE_UP, solution
        if left == 0:
            return UNIQUE, solution
        cell = _pick(problem, w)
        top = w.top[0]
        keep(problem, w, cell, ~solution[cell])
        if propagate(problem, w):
            status, budget = _solve(problem, w, budget)
        if status > 0:
            return OTHER, w.domains
        if status < 0:
            return GAVE_UP, solution
        undo(w, top)
        keep(problem, w, cell, solution[cell])
        propagate(problem, w)


@compiled
def first_solution(problem: Problem, domains: Ints, budget: int) -> tuple[int, Ints]:
    """Find a solution within ``domains`` [L]: 1 and it, 0 if there is none, -1 if ``budget`` decisions did not tell."""
    w = work(problem, domains)
    status = 0
    if propagate(problem, w):
        status, budget = _solve(problem, w, budget)
    return status, w.domains


@compiled
def sample(problem: Problem, domains: Ints, shares: Ints, random: State, budget: int) -> tuple[bool, Ints]:
    """Draw a random solution: cells in random order, values drawn by their shares.

    Args:
        domains: int64 [L].
        shares: int64 [V], how often each value is tried first, in parts of their sum.
        random: uint64 [1], see jit.draw.
        budget: decisions.

    Returns:
        whether one was found within the budget, and it [L].
    """
    w = work(problem, domains)
    cells = len(domains)
    marks = np.empty((8 * cells, 3), np.int64)
    order = np.arange(cells)
    for k in range(cells - 1, 0, -1):
        j = draw(random, k + 1)
        order[k], order[j] = order[j], order[k]
    depth = 0
    ok = propagate(problem, w)
    while True:
        if ok:
            cell = -1
            for k in range(cells):
                d = int(w.domains[order[k]])
                if d & (d - 1):
                    cell = order[k]
                    break
            if cell < 0:
                return True, w.domains
            budget -= 1
            if budget < 0:
                return False, w.domains
            value = _weighted(w.domains[cell], shares, random)
            marks[depth, 0], marks[depth, 1], marks[depth, 2] = w.top[0], cell, value
            depth += 1
            keep(problem, w, cell, value)
        else:
            if depth == 0:
                return False, w.domains
            depth -= 1
            undo(w, marks[depth, 0])
            keep(problem, w, marks[depth, 1], ~marks[depth, 2])
        ok = propagate(problem, w)


@compiled
def _weighted(domain: int, shares: Ints, random: State) -> int:
    """Draw a value (one bit) of ``domain`` by ``shares``; the lowest where all shares are 0."""
    total = 0
    for v in range(len(shares)):
        if domain >> v & 1:
            total += shares[v]
    if total:
        rest = draw(random, total)
        for v in range(len(shares)):
            if domain >> v & 1:
                rest -= shares[v]
                if rest < 0:
                    return 1 << v
    return domain & -domain
