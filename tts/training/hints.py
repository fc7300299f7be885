"""What the examples of heyawake may show of their answer without hiding a wall."""

from __future__ import annotations

import torch
from torch import Tensor

from tts.verifiers.heyawake import rooms_of
from tts.verifiers.regions import total
from tts.verifiers.tokens import HEYAWAKE_CELL, HEYAWAKE_SHADED


def heyawake_hints(tokens: Tensor, labels: Tensor, height: int, width: int) -> Tensor:
    """Of each cell [n, L] a token that tells more than its own, where there is one.

    The number of its room on the room's first cell, and the answer on other cells that have no wall to the right or
    below. Both grids in heyawake's default tokens.
    """
    cells, answers = (x.view(-1, height, width).permute(1, 2, 0) for x in (tokens, labels))
    rooms, index = rooms_of(cells), torch.arange(height * width).view(height, width, 1)
    numbered = HEYAWAKE_CELL + ((cells - HEYAWAKE_CELL) & 3) + 4 * (2 + total(rooms, answers == HEYAWAKE_SHADED))
    hints = torch.where(rooms == index, numbered, torch.where(cells == HEYAWAKE_CELL, answers, cells))
    return hints.permute(2, 0, 1).flatten(1).to(tokens.dtype)
