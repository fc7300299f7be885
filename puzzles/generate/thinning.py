"""Take clues away from a board while it keeps one solution, down to a difficulty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.generated import Range
from tts.puzzles.generate.problem import Encoded, Ints
from tts.puzzles.generate.solver import UNIQUE, other_solution

Mask = NDArray[np.bool_]
"""Which clues of a board are shown, bool [count]."""


def thin(
    count: int,
    unique: Callable[[Mask], bool],
    rng: np.random.Generator,
    difficulty: float,
    clues: Range | None = None,
    densest: int | None = None,
) -> Mask | None:
    """Return which of ``count`` clues to show; the board with all of them has one solution.

    Clues are taken in random order while ``unique`` proves that one solution is left, until none can be spared. Then
    those that were taken last come back, until as many are shown as asked for: more clues never add a solution.

    Args:
        difficulty: from 0, all clues, to 1, none can be spared.
        clues: fewest and most clues; then ``difficulty`` runs between these.
        densest: how many clues difficulty 0 shows, all unless given.

    Returns:
        bool [count], or None where no choice in ``clues`` exists.
    """
    shown = np.ones(count, bool)
    taken = []
    for clue in rng.permutation(count):
        shown[clue] = False
        if unique(shown):
            taken.append(clue)
        else:
            shown[clue] = True
    minimal = count - len(taken)
    fewest, most = minimal, max(minimal, count if densest is None else densest)
    if clues is not None:
        fewest, most = max(minimal, clues[0]), min(count, clues[1])
    if fewest > most:
        return None
    number = round(most + difficulty * (fewest - most))
    shown[taken[len(taken) - (number - minimal) :]] = True
    return shown


def thin_rules(
    encoded: Encoded,
    solution: Ints,
    nodes: int,
    rng: np.random.Generator,
    difficulty: float,
    clues: Range | None = None,
) -> Mask | None:
    """Thin a board whose clues are constraints and nothing else; arguments and result as in ``thin``.

    Args:
        encoded: the board with all its clues; which of its rules are active is written in place.
        solution: int64 [L], a bit a cell.
        nodes: decisions that a proof may take; past them the clue stays.

    Returns:
        bool [count]; None also where all clues together leave more than one solution.
    """

    def unique(shown: Mask) -> bool:
        encoded.problem.active[encoded.rules] = shown
        return bool(other_solution(encoded.problem, encoded.domains, solution, nodes)[0] == UNIQUE)

    count = len(encoded.rules)
    return thin(count, unique, rng, difficulty, clues) if unique(np.ones(count, bool)) else None
