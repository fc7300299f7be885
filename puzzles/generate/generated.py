"""What a generator returns."""

from __future__ import annotations

import attrs

from tts.interfaces import Grid
from tts.puzzles.board import Board

Range = tuple[int, int]


@attrs.frozen(eq=False)
class Generated:
    """A puzzle, its one solution int64 [H, W] and how many clues it shows."""

    puzzle: Board
    grid: Grid
    clues: int
