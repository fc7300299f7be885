"""Boards that a page can draw answers on, cell by cell, with the shapes of the project's own SVG pictures."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.interfaces import Codec, Grid, Puzzle
from tts.puzzles import BOARDS, MixedCodec, Sudoku, VarietyCodec
from tts.puzzles.drawing import Cell, Picture, cell_svg, lines_svg


class Shapes:
    """SVG of cells, each different one once: what lies under the lines of the board, and what over them."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, str]] = []
        self._numbers: dict[Cell, int] = {}

    def number(self, cell: Cell) -> int:
        """The place of a cell's drawing in ``drawn``."""
        if cell not in self._numbers:
            self._numbers[cell] = len(self.drawn)
            self.drawn.append(cell_svg(cell))
        return self._numbers[cell]


@attrs.frozen(eq=False)
class Canvas:
    """A board without its answers.

    Attributes:
        title: in words.
        height, width: of the board.
        places: int64 [height * width], its cells among the L of the codec.
        lines: SVG of the lines between the cells.
        decode: answer tokens [L] to values int64 [height * width].
        show: values to what every cell of the board shows.
        local: what a cell shows depends on its own value alone; a lit cell of lightup depends on others.
    """

    title: str
    height: int
    width: int
    places: NDArray[np.int64]
    lines: str
    decode: Callable[[Grid], Grid]
    show: Callable[[Grid], list[Cell]]
    local: bool = True

    def looks(self, frames: Grid, shapes: Shapes) -> Grid:
        """How answers [U, L] look: int64 [U, height * width], places in ``shapes.drawn``."""
        values = np.stack([self.decode(frame) for frame in frames])
        if not self.local:
            return np.array([[shapes.number(cell) for cell in self.show(row)] for row in values])
        looks = np.zeros_like(values)
        for value in np.unique(values):
            shown = [shapes.number(cell) for cell in self.show(np.full(values.shape[1], value))]
            looks = np.where(values == value, shown, looks)
        return looks


def canvas_of(tokens: Grid, codec: Codec | None, puzzle: Puzzle | None) -> Canvas:
    """The board that tokens [L] stand for; a grid of plain tokens where nothing says what they mean."""
    board = puzzle or (None if codec is None else read_board(codec, tokens))
    if board is None:
        return _plain(len(tokens), codec)
    try:
        empty = Picture.of(board, None, None)
    except PuzzleError:  # a variety of one's own
        return _plain(len(tokens), codec)
    height, width = board.height, board.width

    def decode(answer: Grid) -> Grid:
        return (board.grid(answer) if codec is None else codec.decode(board, answer)).ravel().astype(np.int64)

    def show(values: Grid) -> list[Cell]:
        return [cell for row in Picture.of(board, values.reshape(height, width), None).cells for cell in row]

    rows = width if codec is None else codec.width
    places = np.arange(len(tokens)).reshape(-1, rows)[:height, :width].ravel()
    return Canvas(empty.title, height, width, places, lines_svg(empty), decode, show, board.variety != "lightup")


def read_board(codec: Codec, tokens: Grid) -> Puzzle | None:
    """The board of tokens [L], cut from its pads; None where the codec knows of no boards, or the tokens are none."""
    if isinstance(codec, MixedCodec):
        for variety, part in zip(codec.varieties, codec.parts, strict=True):
            start, end = codec.range(variety)
            pads = tokens == codec.pad
            if (pads | ((tokens >= start) & (tokens < end))).all():
                return read_board(part, np.where(pads, part.pad, tokens - start + 1))
        return None
    if not isinstance(codec, VarietyCodec):
        return None
    grid = tokens.reshape(codec.height, codec.width)
    rows, columns = np.nonzero(grid != codec.pad)
    if not len(rows):
        return None
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    cells = grid[:height, :width].ravel()
    try:
        if codec.box is not None:
            return Sudoku.from_tokens(cells, height, width, codec.box)
        return BOARDS[codec.variety].from_tokens(cells, height, width)
    except PuzzleError:
        return None


def _plain(cells: int, codec: Codec | None) -> Canvas:
    if codec is not None:
        height, width = codec.height, codec.width
    else:
        height = next(side for side in range(int(cells**0.5), 0, -1) if cells % side == 0)
        width = cells // height
    none = np.zeros((height, width), np.bool_)
    title = f"tokens, {height} rows by {width} columns"
    blank = tuple((Cell(),) * width for _ in range(height))
    lines = lines_svg(Picture(title, blank, none, none, none))

    def show(values: Grid) -> list[Cell]:
        return [Cell(answer=str(value)) for value in values.tolist()]

    return Canvas(title, height, width, np.arange(cells), lines, lambda answer: answer, show)
