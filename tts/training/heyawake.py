"""Heyawake's examples: what may be shown of an answer without hiding a wall."""

from __future__ import annotations

import torch
from torch import Tensor

from tts.verifiers.heyawake import rooms_of
from tts.verifiers.regions import total
from tts.verifiers.tokens import HEYAWAKE_CELL, HEYAWAKE_SHADED


def heyawake_hints(tokens: Tensor, labels: Tensor, height: int, width: int) -> Tensor:
    """Return for each cell [n, L] a token that tells more than its own.

    It is the answer on cells that have no wall to the right or below, but for the first of each room, and elsewhere the
    number of the room. Both grids in heyawake's default tokens.
    """
    cells = _boards(tokens, height, width)
    answers = _boards(labels, height, width)
    rooms = rooms_of(cells)
    index = torch.arange(height * width).view(height, width, 1)
    walls = (cells - HEYAWAKE_CELL) & 3
    numbered = HEYAWAKE_CELL + walls + 4 * (2 + total(rooms, answers == HEYAWAKE_SHADED))
    return _rows(torch.where((walls == 0) & (rooms != index), answers, numbered), tokens)


def _boards(rows: Tensor, height: int, width: int) -> Tensor:
    return rows.view(-1, height, width).permute(1, 2, 0)


def _rows(boards: Tensor, like: Tensor) -> Tensor:
    return boards.permute(2, 0, 1).flatten(1).to(like.dtype)
