"""Taking clues away from a board while it keeps one solution, down to a difficulty."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.puzzle import Grid
from tts.puzzles.board import Board

Kept = NDArray[np.bool_]
Range = tuple[int, int]


@attrs.frozen(eq=False)
class Generated:
    """A puzzle, its one solution int64 [H, W] and how many clues it shows."""

    puzzle: Board
    grid: Grid
    clues: int


def thin(
    count: int,
    unique: Callable[[Kept], bool],
    rng: np.random.Generator,
    difficulty: float,
    clues: Range | None = None,
    densest: int | None = None,
) -> Kept | None:
    """Which of ``count`` clues to keep; the board with all of them has one solution.

    Clues are taken in random order while ``unique`` proves that one solution is left, until none can be spared. Then
    those that were taken last come back, until as many are shown as asked for: more clues never add a solution.

    Args:
        difficulty: from 0, all clues, to 1, none can be spared.
        clues: fewest and most clues; then ``difficulty`` runs between these.
        densest: how many clues difficulty 0 shows, all unless given.

    Returns:
        bool [count], or None where no choice in ``clues`` exists.
    """
    kept = np.ones(count, bool)
    taken = []
    for clue in rng.permutation(count):
        kept[clue] = False
        if unique(kept):
            taken.append(clue)
        else:
            kept[clue] = True
    minimal = count - len(taken)
    fewest, most = minimal, max(minimal, count if densest is None else densest)
    if clues is not None:
        fewest, most = max(minimal, clues[0]), min(count, clues[1])
    if fewest > most:
        return None
    shown = round(most + difficulty * (fewest - most))
    kept[taken[len(taken) - (shown - minimal) :]] = True
    return kept
