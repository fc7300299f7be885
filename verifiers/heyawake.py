"""Heyawake, its walls stored per edge."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from torch import Tensor

from tts.verifiers.grid import GridVerifier, anywhere, column_totals, illegal, joins, neighbours, row_totals
from tts.verifiers.regions import components, holding, severed, total
from tts.verifiers.tokens import HEYAWAKE_CELL, HEYAWAKE_SHADED, HEYAWAKE_WHITE, PAD


@attrs.frozen
class HeyawakeVerifier(GridVerifier):
    """No two shaded cells touch, the white cells are one area, rooms hold as many shaded cells as they say, and no
    straight white run crosses two walls. Walls need not close a room.
    """

    names: ClassVar[tuple[str, ...]] = (
        "brNoShade",
        "csAdjacent",
        "cuDivideRB",
        "bkShadeNe",
        "bkUnshadeConsecGt3",
        "illegalCell",
    )

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return the board where nothing is shaded, touching shaded cells, white areas cut off, rooms with another
        number of shaded cells, runs that cross two walls, illegal cells: bool [H, W, N] each.
        """
        board, cells = tokens != PAD, tokens >= HEYAWAKE_CELL
        shaded = cells & (answers == HEYAWAKE_SHADED)
        white = cells & ~shaded
        walls, rooms = walls_of(tokens), rooms_of(tokens)
        number = ((tokens - HEYAWAKE_CELL) >> 2) - 2
        wrong = cells & (number >= 0) & (total(rooms, shaded) != number)
        right, below = joins(white)
        crossed = torch.zeros_like(white), torch.zeros_like(white)
        crossed[0][:, 1:], crossed[1][1:] = right & walls[0], below & walls[1]
        return [
            board & ~anywhere(shaded),
            shaded & (neighbours(shaded) > 0),
            severed(components(right, below), white),
            holding(rooms, wrong),
            (row_totals(crossed[0], right) > 1) | (column_totals(crossed[1], below) > 1),
            illegal(
                tokens,
                answers,
                fillable=cells,
                filled=shaded | (answers == HEYAWAKE_WHITE),
                clues=torch.zeros_like(cells),
            ),
        ]


def walls_of(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return where a wall is drawn to the right, bool [H, W - 1, N], and below, bool [H - 1, W, N], for tokens [H, W,
    N].
    """
    drawn = tokens - HEYAWAKE_CELL
    return (drawn & 1)[:, :-1] == 1, (drawn & 2)[:-1] == 2


def rooms_of(tokens: Tensor) -> Tensor:
    """Return per cell of tokens [H, W, N] the first cell, in row-major order, of its room."""
    right, below = joins(tokens >= HEYAWAKE_CELL)
    walls = walls_of(tokens)
    return components(right & ~walls[0], below & ~walls[1])
