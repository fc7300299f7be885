"""Shakashaka: the board, and how its triangles turn with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np

from tts.interfaces import Grid
from tts.puzzles.board import turned
from tts.puzzles.wall_board import WallBoard
from tts.verifiers import GridVerifier, ShakashakaVerifier
from tts.verifiers.tokens import SHAKASHAKA_EMPTY

_CORNERS = np.array([[5, 4], [2, 3]])
"""The corner of the cell that each triangle blackens."""


@attrs.frozen
class Shakashaka(WallBoard):
    """A shakashaka board: triangles leave rectangles of white.

    An answer is 0 for a white cell, or 2, 3, 4, 5 for a triangle that blackens the bottom-left, bottom-right,
    top-right or top-left half.

    Attributes:
        clues: per cell -1 open, -2 a wall without a number, 0 to 4 a wall with one.

    Source of the rules: pzpr (https://puzz.link/rules.html?shakashaka).

    Raises:
        PuzzleError: a side or a clue out of range.
    """

    variety: ClassVar[str] = "shakashaka"
    letters: ClassVar[Mapping[int, str]] = {0: "-", 2: "a", 3: "b", 4: "c", 5: "d"}
    rules: ClassVar[type[GridVerifier]] = ShakashakaVerifier

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary."""
        return SHAKASHAKA_EMPTY + 5

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 white, 2 to 5 triangles."""
        return {0: SHAKASHAKA_EMPTY} | {value: SHAKASHAKA_EMPTY + value - 1 for value in range(2, 6)}

    def turned_values(self, which: int) -> Grid:
        """See PencilBoard.turned_values; a triangle goes where its corner goes."""
        tokens = np.arange(self.vocabulary(self.height, self.width))
        tokens[SHAKASHAKA_EMPTY - 1 + turned(_CORNERS, which)] = SHAKASHAKA_EMPTY - 1 + _CORNERS
        return tokens
