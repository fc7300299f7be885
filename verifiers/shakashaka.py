"""Shakashaka."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from torch import Tensor

from tts.verifiers.grid import GridVerifier, anywhere, illegal, neighbours
from tts.verifiers.regions import components, holding, largest, total
from tts.verifiers.tokens import PAD, SHAKASHAKA_EMPTY, SHAKASHAKA_NUMBER, SHAKASHAKA_OPEN, SHAKASHAKA_WALL


@attrs.frozen
class ShakashakaVerifier(GridVerifier):
    """What the black triangles leave white are rectangles, upright or at 45 degrees; a wall counts its triangles."""

    names: ClassVar[tuple[str, ...]] = ("brNoTriangle", "nmTriangleGt", "cuNotRectx", "nmTriangleLt", "illegalCell")

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return the board where there is no triangle, walls with too many, white regions that are not rectangles,
        walls with too few, illegal cells: bool [H, W, N] each.
        """
        cells = tokens == SHAKASHAKA_OPEN
        turn = answers - SHAKASHAKA_EMPTY  # 0 empty; 1 to 4 black in the bottom left, bottom right, top right, top left
        known = cells & (turn >= 0) & (turn <= 4)
        turn = turn * known
        triangles = turn > 0
        numbered = (tokens >= SHAKASHAKA_NUMBER) & (tokens <= SHAKASHAKA_NUMBER + 4)
        around, number = neighbours(triangles), tokens - SHAKASHAKA_NUMBER
        return [
            (tokens != PAD) & ~anywhere(triangles),
            numbered & (around > number),
            _crooked(cells, turn),
            numbered & (around < number),
            illegal(tokens, answers, fillable=cells, filled=known, clues=numbered | (tokens == SHAKASHAKA_WALL)),
        ]


def _crooked(cells: Tensor, turn: Tensor) -> Tensor:
    """Return cells of white regions that are not rectangles.

    Args:
        cells: bool [H, W, N], no wall.
        turn: int32 [H, W, N], as in ``marks``.
    """
    empty = cells & (turn == 0)
    top, bottom = empty | (turn == 1) | (turn == 2), empty | (turn == 3) | (turn == 4)  # sides that are white
    left, right = empty | (turn == 2) | (turn == 3), empty | (turn == 1) | (turn == 4)
    labels = components(right[:, :-1] & left[:, 1:], bottom[:-1] & top[1:])
    height, width, _ = labels.shape
    y = torch.arange(height, device=cells.device).view(-1, 1, 1).expand_as(labels)
    x = torch.arange(width, device=cells.device).view(1, -1, 1).expand_as(labels)
    rows = largest(labels, y) - labels // width + 1  # the label is the first cell of the region: its top row
    columns = largest(labels, x) + largest(labels, width - 1 - x) - width + 2
    upright = total(labels, empty) == rows * columns

    # At 45 degrees: a side is white just where the region goes on behind it.
    across, down = torch.zeros_like(cells), torch.zeros_like(cells)
    across[:, :-1] = cells[:, :-1] & cells[:, 1:] & (labels[:, :-1] == labels[:, 1:])
    down[:-1] = cells[:-1] & cells[1:] & (labels[:-1] == labels[1:])
    broken = (right != across) | (bottom != down)
    broken |= (left != across.roll(1, dims=1)) | (top != down.roll(1, dims=0))
    return cells & ~upright & holding(labels, cells & broken)
