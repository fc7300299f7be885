"""A board in unicode for a terminal: a line of text a row of cells, narrow characters only.

The outer frame and the thick lines are drawn where they are; rows with no thick line between them have none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from rich.text import Text

from tts.puzzle import Puzzle
from tts.puzzles.picture import ILLEGAL, Cell, Mask, Picture

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
    """The board in plain unicode, without colours.

    Args:
        puzzle: a board of any of the six varieties.
        answer: int [height, width] in puzz.link's values; a value that a cell cannot hold is drawn as ``×``.
        violations: bool [height, width]; a marked cell ends in ``!``.

    Raises:
        PuzzleError: a grid of another shape than the board's.
    """
    lines = _draw(Picture.of(puzzle, answer, violations))
    return "\n".join("".join(characters for characters, _ in line) for line in lines)


def rich_text(puzzle: Puzzle, answer: ArrayLike | None = None, violations: ArrayLike | None = None) -> Text:
    """The same characters with rich's styles: givens bold, the answer cyan, marked cells red. Arguments as in text."""
    lines = _draw(Picture.of(puzzle, answer, violations))
    drawn = [Text.assemble(*((characters, STYLES[style]) for characters, style in line)) for line in lines]
    board = Text("\n").join(drawn)
    board.no_wrap = True
    return board


def _draw(picture: Picture) -> list[list[Segment]]:
    height, width = picture.violated.shape
    across = np.ones((height + 1, width), np.bool_)  # across[y, x]: a line above cell (y, x)
    across[1:-1] = picture.below[:-1]
    upright = np.ones((height, width + 1), np.bool_)  # upright[y, x]: a line left of cell (y, x)
    upright[:, 1:-1] = picture.right[:, :-1]
    inner = max(len(_label(cell)) for row in picture.cells for cell in row)
    lines = []
    for y in range(height + 1):
        if across[y].any():
            lines.append([(_rule(across, upright, y, inner + 2), "line")])
        if y < height:
            lines.append(_row(picture.cells[y], picture.violated[y], upright, y, inner))
    return lines


def _label(cell: Cell) -> str:
    """What stands in the middle of a cell."""
    if cell.is_given:
        return "".join(cell.clue)
    return cell.answer or ("·" if cell.fill == "open" else FILLS[cell.fill])


def _row(cells: tuple[Cell, ...], violated: Mask, upright: Mask, y: int, inner: int) -> list[Segment]:
    line: list[Segment] = []
    for x, cell in enumerate(cells):
        if upright[:, x].any():
            line.append(("┃" if upright[y, x] else " ", "line"))
        line += _cell(cell, bool(violated[x]), inner)
    return [*line, ("┃", "line")]


def _cell(cell: Cell, violated: bool, inner: int) -> list[Segment]:
    """A cell: fill or ``×``, label, fill or ``!``; ``inner`` + 2 characters."""
    fill, label = FILLS[cell.fill], _label(cell)
    front = ILLEGAL if cell.is_given and cell.answer else fill
    front += fill * (inner - len(label))
    if violated:
        return [(front + label + VIOLATED, "violated")]
    style = "given" if cell.is_given else "answer" if cell.answer else cell.fill
    return [(front, cell.fill), (label, style), (fill, cell.fill)]


def _rule(across: Mask, upright: Mask, y: int, span: int) -> str:
    """The line above row y: a junction wherever an upright line runs somewhere on the board."""
    height, width = across.shape[0] - 1, across.shape[1]
    parts = []
    for x in range(width + 1):
        if upright[:, x].any():
            up, down = y > 0 and upright[y - 1, x], y < height and upright[y, x]
            left, right = x > 0 and across[y, x - 1], x < width and across[y, x]
            parts.append(JUNCTIONS[1 * up + 2 * down + 4 * left + 8 * right])
        if x < width:
            parts.append(("━" if across[y, x] else " ") * span)
    return "".join(parts)
