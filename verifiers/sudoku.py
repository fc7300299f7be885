"""Sudoku, boxes of any shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import attrs
import torch
from torch import Tensor

from tts.errors import PuzzleError
from tts.verifiers.grid import GridVerifier, illegal
from tts.verifiers.tokens import PAD, SUDOKU_BLANK

_MOST_DIGITS = 28  # tokens 0 to side + 2 are bits of an int32


@attrs.frozen
class SudokuVerifier(GridVerifier):
    """Every digit once in each row, column and box; the givens kept. A ``?`` given is filled and equal to nothing.

    The sudoku has box_height * box_width rows and columns and lies in the top-left corner of ``height`` x ``width``.
    """

    height: int = 9
    width: int = 9
    box_height: int = 3
    box_width: int = 3
    names: ClassVar[tuple[str, ...]] = ("bkDupNum", "nmDupRow", "ceNoNum", "illegalCell")

    def __attrs_post_init__(self) -> None:
        if min(self.box_height, self.box_width) < 1 or self.side > min(self.height, self.width, _MOST_DIGITS):
            raise PuzzleError(
                f"SudokuVerifier: boxes of {self.box_height}x{self.box_width} make a side of {self.side}; "
                f"give boxes that fit a board of {self.height}x{self.width} and {_MOST_DIGITS} digits"
            )

    @property
    def side(self) -> int:
        """Rows, columns and digits."""
        return self.box_height * self.box_width

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return equal digits of a box, equal digits of a row or column, empty cells, illegal cells: bool [H, W, N]
        each.
        """
        side = self.side
        cells = tokens == SUDOKU_BLANK
        clues = (tokens > SUDOKU_BLANK) & (tokens <= side + 2)
        value = tokens + (answers - tokens) * cells
        digits = ((1 << side) - 1) << (SUDOKU_BLANK + 1)  # a bit a digit; no other token has one
        bits = (1 << value.clamp(0, side + 2)) & digits
        square = bits[:side, :side]
        in_line = square & (_repeated(square.unbind(1)).unsqueeze(1) | _repeated(square.unbind(0)))
        boxes = square.reshape(self.box_width, self.box_height, self.box_height, self.box_width, -1)
        repeated = _repeated(boxes[:, i, :, j] for i in range(self.box_height) for j in range(self.box_width))
        in_box = (boxes & repeated[:, None, :, None]).view_as(square)
        filled = (answers >= SUDOKU_BLANK) & (answers < side + 2)
        wrong = illegal(tokens, answers, fillable=cells, filled=filled, clues=clues)
        board = tokens != PAD
        wrong[side:], wrong[:, side:] = board[side:], board[:, side:]
        return [
            self._placed(in_box != 0),
            self._placed(in_line != 0),
            board & (bits == 0) & (tokens != side + 2),
            wrong,
        ]

    def _placed(self, square: Tensor) -> Tensor:
        """Return bool [side, side, N] in the top-left corner of [H, W, N]."""
        out = square.new_zeros((self.height, self.width, square.shape[2]))
        out[: self.side, : self.side] = square
        return out


def _repeated(cells: Iterable[Tensor]) -> Tensor:
    """Return the bits that occur in two or more of the tensors."""
    first, *rest = cells
    once, twice = first.clone(), torch.zeros_like(first)
    for bits in rest:
        twice |= once & bits
        once |= bits
    return twice
