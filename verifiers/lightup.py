"""Lightup (akari)."""

from __future__ import annotations

from typing import ClassVar

import attrs
from torch import Tensor

from tts.verifiers.grid import GridVerifier, column_totals, illegal, joins, neighbours, row_totals
from tts.verifiers.tokens import LIGHTUP_BULB, LIGHTUP_EMPTY, LIGHTUP_NUMBER, LIGHTUP_OPEN, LIGHTUP_WALL


@attrs.frozen
class LightupVerifier(GridVerifier):
    """Bulbs light every open cell, see no other bulb, and number as many around a wall as it says."""

    names: ClassVar[tuple[str, ...]] = ("akariDup", "nmAkariNe", "ceDark", "illegalCell")

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return bulbs that see each other, numbered walls, dark cells, illegal cells: bool [H, W, N] each."""
        cells = tokens == LIGHTUP_OPEN
        bulbs = cells & (answers == LIGHTUP_BULB)
        right, below = joins(cells)
        across, down = row_totals(bulbs, right), column_totals(bulbs, below)
        numbered = (tokens >= LIGHTUP_NUMBER) & (tokens <= LIGHTUP_NUMBER + 4)
        return [
            bulbs & ((across > 1) | (down > 1)),
            numbered & (neighbours(bulbs) != tokens - LIGHTUP_NUMBER),
            cells & (across + down == 0),
            illegal(
                tokens,
                answers,
                fillable=cells,
                filled=bulbs | (answers == LIGHTUP_EMPTY),
                clues=numbered | (tokens == LIGHTUP_WALL),
            ),
        ]
