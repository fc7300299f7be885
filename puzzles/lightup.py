"""Lightup (akari): the board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from tts.puzzles.wall_board import WallBoard
from tts.verifiers import GridVerifier, LightupVerifier
from tts.verifiers.tokens import LIGHTUP_BULB, LIGHTUP_EMPTY


@attrs.frozen
class Lightup(WallBoard):
    """A lightup board: bulbs (1) light their row and column up to the next wall.

    Attributes:
        clues: per cell -1 open, -2 a wall without a number, 0 to 4 a wall with one.

    Source of the rules: pzpr (https://puzz.link/rules.html?lightup).

    Raises:
        PuzzleError: a side or a clue out of range.
    """

    variety: ClassVar[str] = "lightup"
    letters: ClassVar[Mapping[int, str]] = {0: "-", 1: "*"}
    rules: ClassVar[type[GridVerifier]] = LightupVerifier

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary."""
        return LIGHTUP_BULB + 1

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 empty, 1 bulb."""
        return {0: LIGHTUP_EMPTY, 1: LIGHTUP_BULB}
