"""Boards that a page can draw answers on, cell by cell, with the shapes of the project's own SVG pictures."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.interfaces import Codec, Grid, Puzzle
from tts.puzzles import VARIETIES, MixedCodec, VarietyCodec
from tts.puzzles.drawing import Cell, Picture, cell_svg, lines_svg


class Shapes:
    """The SVG of cells, each different one once: what lies under the lines of the board, and what over them."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, str]] = []
        self._numbers: dict[Cell, int] = {}

    def number(self, cell: Cell) -> int:
        """Return the place of a cell's drawing in ``drawn``."""
        if cell not in self._numbers:
            self._numbers[cell] = len(self.drawn)
            self.drawn.append(cell_svg(cell))
        return self._numbers[cell]


@attrs.frozen(eq=False, kw_only=True)
class Canvas:
    """A board without its answers, ready to be drawn on.

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
        """Return how answers [U, L] look: int64 [U, height * width], places in ``shapes.drawn``."""
        values = np.stack([self.decode(frame) for frame in frames])
        if not self.local:
            return np.array([[shapes.number(cell) for cell in self.show(row)] for row in values])
        looks = np.zeros_like(values)
        for value in np.unique(values):
            shown = [shapes.number(cell) for cell in self.show(np.full(values.shape[1], value))]
            looks = np.where(values == value, shown, looks)
        return looks


def canvas_of(tokens: Grid, codec: Codec | None, puzzle: Puzzle | None) -> Canvas:
    """Return the board that tokens [L] stand for, or a grid of plain tokens where nothing says what they mean."""
    board = puzzle or (None if codec is None else read_board(codec, tokens))
    if board is None:
        return _plain(len(tokens), codec)
    try:
        empty = Picture.of(board, None, None)
    except PuzzleError:  # a variety of the user's own
        return _plain(len(tokens), codec)
    height, width = board.height, board.width

    def decode(answer: Grid) -> Grid:
        return (board.grid(answer) if codec is None else codec.decode(board, answer)).ravel().astype(np.int64)

    def show(values: Grid) -> list[Cell]:
        return [cell for row in Picture.of(board, values.reshape(height, width), None).cells for cell in row]

    rows = width if codec is None else codec.width
    places = np.arange(len(tokens)).reshape(-1, rows)[:height, :width].ravel()
    return Canvas(
        title=empty.title,
        height=height,
        width=width,
        places=places,
        lines=lines_svg(empty),
        decode=decode,
        show=show,
        local=not VARIETIES[board.variety].lit,
    )


def read_board(codec: Codec, tokens: Grid) -> Puzzle | None:
    """Return the board of tokens [L], cut from its pads; None where they are not a board of the codec."""
    if not isinstance(codec, VarietyCodec | MixedCodec):
        return None
    try:
        return codec.board(tokens)
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
    lines = lines_svg(Picture(title=title, cells=blank, right=none, below=none, violated=none))

    def show(values: Grid) -> list[Cell]:
        return [Cell(answer=str(value)) for value in values.tolist()]

    return Canvas(
        title=title,
        height=height,
        width=width,
        places=np.arange(cells),
        lines=lines,
        decode=lambda answer: answer,
        show=show,
    )
