"""Sudoku, boxes of any shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import attrs
import torch
from torch import Tensor

from tts.errors import PuzzleError
from tts.verifiers.grid import GridVerifier
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
        """Equal digits of a box, equal digits of a row or column, empty cells, illegal cells: bool [H, W, N] each."""
        side = self.side
        given = tokens > SUDOKU_BLANK
        value = answers + (tokens - answers) * given
        digits = ((1 << side) - 1) << (SUDOKU_BLANK + 1)  # a bit a digit; no other token has one
        bits = (1 << value.clamp(0, side + 2)) & digits
        square = bits[:side, :side]
        boxes = square.reshape(self.box_width, self.box_height, self.box_height, self.box_width, -1)
        rows, columns, in_box = (torch.zeros_like(tokens) for _ in range(3))
        rows[:side, :side] = _repeated(square.unbind(1)).unsqueeze(1)
        columns[:side, :side] = _repeated(square.unbind(0)).unsqueeze(0)
        repeated = _repeated(boxes[:, i, :, j] for i in range(self.box_height) for j in range(self.box_width))
        in_box[:side, :side] = repeated[:, None, :, None].expand_as(boxes).reshape(side, side, -1)
        unknown = tokens == side + 2
        kept = given & (answers == tokens) & (tokens <= side + 2)
        fine = kept | (~given & (answers >= SUDOKU_BLANK) & (answers < side + 2))
        fine[side:], fine[:, side:] = False, False
        board = tokens != PAD
        return [
            (bits & in_box) != 0,
            (bits & (rows | columns)) != 0,
            board & (bits == 0) & ~unknown,
            board & ~fine,
        ]


def _repeated(cells: Iterable[Tensor]) -> Tensor:
    """The bits that occur in two or more of the tensors."""
    once, twice = None, None
    for bits in cells:
        if once is None or twice is None:
            once, twice = bits.clone(), torch.zeros_like(bits)
        else:
            twice |= once & bits
            once |= bits
    assert twice is not None
    return twice
