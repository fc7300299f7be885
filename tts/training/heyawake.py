"""Heyawake's examples: clues on all cells of their rooms, and what may be shown of an answer without hiding a wall."""

from __future__ import annotations

import torch
from torch import Tensor

from tts.verifiers.heyawake import rooms_of
from tts.verifiers.regions import total
from tts.verifiers.tokens import HEYAWAKE_CELL, HEYAWAKE_SHADED


def heyawake_clues(tokens: Tensor, height: int, width: int) -> Tensor:
    """Puzzles [n, L] in heyawake's default tokens with the clue of each room on all its cells, as ``Heyawake.tokens``
    writes them, for those that have it on the first cell alone.
    """
    cells = _boards(tokens, height, width)
    clues = (cells - HEYAWAKE_CELL) >> 2
    clues = clues.flatten(0, 1).gather(0, rooms_of(cells).flatten(0, 1).long()).view_as(clues)
    return _rows(HEYAWAKE_CELL + ((cells - HEYAWAKE_CELL) & 3) + 4 * clues, tokens)


def heyawake_hints(tokens: Tensor, labels: Tensor, height: int, width: int) -> Tensor:
    """Of each cell [n, L] a token that tells more than its own.

    The answer on cells that have no wall to the right or below, but for the first of each room, and elsewhere the
    number of the room. Both grids in heyawake's default tokens.
    """
    cells, answers = _boards(tokens, height, width), _boards(labels, height, width)
    rooms, index = rooms_of(cells), torch.arange(height * width).view(height, width, 1)
    walls = (cells - HEYAWAKE_CELL) & 3
    numbered = HEYAWAKE_CELL + walls + 4 * (2 + total(rooms, answers == HEYAWAKE_SHADED))
    return _rows(torch.where((walls == 0) & (rooms != index), answers, numbered), tokens)


def _boards(rows: Tensor, height: int, width: int) -> Tensor:
    return rows.view(-1, height, width).permute(1, 2, 0)


def _rows(boards: Tensor, like: Tensor) -> Tensor:
    return boards.permute(2, 0, 1).flatten(1).to(like.dtype)
