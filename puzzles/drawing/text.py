"""A board in unicode for a terminal: a line of text a row of cells, narrow characters only.

Lines take room only where a thick one runs: between the boxes of a sudoku, around the rooms of heyawake.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike
from rich.text import Text

from tts.interfaces import Puzzle
from tts.puzzles.cells import ILLEGAL, Cell
from tts.puzzles.drawing.picture import Mask, Picture

VIOLATED = "!"
JUNCTIONS = " ╹╻┃╸┛┓┫╺┗┏┣━┻┳╋"
"""Indexed by the arms that meet: 1 up, 2 down, 4 left, 8 right."""
FILLS = {"open": " ", "lit": "░", "shaded": "█", "wall": "█"}
STYLES = {
    "line": "dim",
    "open": "dim",
    "lit": "yellow",
    "shaded": "cyan",
    "wall": "",
    "given": "bold",
    "answer": "bold cyan",
    "violated": "bold red",
}

Segment = tuple[str, str]
"""Characters and the key of their style."""


def text(puzzle: Puzzle, answer: ArrayLike | None = None, violations: ArrayLike | None = None) -> str:
    """Draw the board in plain unicode, without colours.

    Args:
        puzzle: a board of any variety.
        answer: int [height, width] in puzz.link's values; a value that a cell cannot hold is drawn as ``×``.
        violations: bool [height, width]; a marked cell ends in ``!``.

    Raises:
        PuzzleError: a grid of another shape than the board's.
    """
    lines = _draw(Picture.of(puzzle, answer, violations))
    return "\n".join("".join(characters for characters, _ in line) for line in lines)


def rich_text(puzzle: Puzzle, answer: ArrayLike | None = None, violations: ArrayLike | None = None) -> Text:
    """Draw what ``text`` draws in rich's styles: givens bold, the answer cyan, marked cells red."""
    lines = _draw(Picture.of(puzzle, answer, violations))
    drawn = [Text.assemble(*((characters, STYLES[style]) for characters, style in line)) for line in lines]
    board = Text("\n").join(drawn)
    board.no_wrap = True
    return board


@attrs.frozen(eq=False)
class _Lines:
    """The lines of a board: ``across`` bool [height + 1, width] above and below cells, ``upright`` bool
    [height, width + 1] beside them; ``rows`` bool [height + 1] and ``columns`` bool [width + 1] have room on paper."""

    across: Mask
    upright: Mask
    rows: Mask
    columns: Mask

    @classmethod
    def of(cls, picture: Picture) -> _Lines:
        height, width = picture.violated.shape
        across, upright = np.ones((height + 1, width), np.bool_), np.ones((height, width + 1), np.bool_)
        across[1:-1] = picture.below[:-1]
        upright[:, 1:-1] = picture.right[:, :-1]
        rows, columns = np.asarray(across.any(1)), np.asarray(upright.any(0))
        return cls(across, upright, rows | picture.rooms, columns | picture.rooms)


def _draw(picture: Picture) -> list[list[Segment]]:
    lines = _Lines.of(picture)
    inner = max(len(_label(cell)) for row in picture.cells for cell in row)
    drawn: list[list[Segment]] = []
    for y, room in enumerate(lines.rows):
        if room:
            drawn.append([(_rule(lines, y, inner + 2), "line")])
        if y < len(picture.cells):
            drawn.append(_row(picture, lines, y, inner))
    return drawn


def _label(cell: Cell) -> str:
    """Return what stands in the middle of a cell."""
    if cell.is_given:
        return "".join(cell.clue)
    return cell.answer or ("·" if cell.fill == "open" else FILLS[cell.fill])


def _row(picture: Picture, lines: _Lines, y: int, inner: int) -> list[Segment]:
    row: list[Segment] = []
    for x, cell in enumerate(picture.cells[y]):
        if lines.columns[x]:
            row.append(("┃" if lines.upright[y, x] else " ", "line"))
        row += _cell(cell, bool(picture.violated[y, x]), inner)
    return [*row, ("┃", "line")]


def _cell(cell: Cell, violated: bool, inner: int) -> list[Segment]:
    """Draw a cell: fill or ``×``, label, fill or ``!``; ``inner`` + 2 characters."""
    fill, label = FILLS[cell.fill], _label(cell)
    front = ILLEGAL if cell.is_given and cell.answer else fill
    front += fill * (inner - len(label))
    if violated:
        return [(front + label + VIOLATED, "violated")]
    style = "given" if cell.is_given else "answer" if cell.answer else cell.fill
    return [(front, cell.fill), (label, style), (fill, cell.fill)]


def _rule(lines: _Lines, y: int, span: int) -> str:
    """Draw the line above row y, with a junction at every column that has room for one."""
    across = np.pad(lines.across[y], 1)  # across[x], across[x + 1]: left and right of junction x
    up, down = np.pad(lines.upright, ((1, 1), (0, 0)))[y : y + 2]
    junctions = 1 * up + 2 * down + 4 * across[:-1] + 8 * across[1:]
    parts = []
    for x, room in enumerate(lines.columns):
        parts += [JUNCTIONS[junctions[x]]] if room else []
        parts += [("━" if across[x + 1] else " ") * span] if x < lines.across.shape[1] else []
    return "".join(parts)
