"""Picture: what is to be seen in every cell of a board, before anyone decides on characters or on shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tts.errors import PuzzleError
from tts.interfaces import Puzzle
from tts.verifiers.tokens import MAZE_GOAL, MAZE_OPEN, MAZE_START

Mask = NDArray[np.bool_]
Fill = Literal["open", "lit", "shaded", "wall"]

BULB = "●"
STEP = "•"
"""A cell of the path through a maze."""
TRIANGLES = {2: "◣", 3: "◢", 4: "◥", 5: "◤"}
"""Shakashaka's answers, by the number that puzz.link gives them."""
ILLEGAL = "×"
"""Stands for an answer value that the cell cannot hold."""


@attrs.frozen
class Cell:
    """One cell: ``clue`` as printed, an entry a number; ``answer`` a digit, a triangle, a sign above or nothing."""

    clue: tuple[str, ...] = ()
    fill: Fill = "open"
    answer: str = ""

    @property
    def is_given(self) -> bool:
        """Whether the clue is to be seen: it is, unless an answer takes the place of a sudoku's ``?``."""
        return bool(self.clue) and self.answer in ("", ILLEGAL)


@attrs.frozen(eq=False)
class Picture:
    """A board ready to be drawn.

    Attributes:
        title: the board in words.
        cells: rows of cells.
        right: bool [height, width], a thick line between the cell and its right neighbour.
        below: bool [height, width], the same for the lower neighbour.
        violated: bool [height, width], cells to mark.
        rooms: thick lines may run anywhere, so that a drawing in characters keeps room for every one of them.
    """

    title: str
    cells: tuple[tuple[Cell, ...], ...]
    right: Mask
    below: Mask
    violated: Mask
    rooms: bool = False

    @classmethod
    def of(cls, puzzle: Puzzle, answer: ArrayLike | None, violations: ArrayLike | None) -> Picture:
        """The board, an answer int [height, width] on it if there is one, and marked cells bool [height, width].

        Raises:
            PuzzleError: a grid of another shape than the board's, or a variety that has no drawing.
        """
        if puzzle.variety not in _CELL:
            raise PuzzleError(f"no drawing for the variety {puzzle.variety!r}; there is one for {', '.join(_CELL)}")
        grid = _checked(answer, "answer", puzzle).astype(np.int64)
        violated = _checked(violations, "violations", puzzle).astype(np.bool_)
        title = f"{puzzle.variety}, {puzzle.height} rows by {puzzle.width} columns"
        if answer is not None:
            title += ", with an answer"
        if violations is not None:
            title += f", cells marked: {violated.sum()}"
        return cls(title, _cells(puzzle, grid), *_lines(puzzle), violated, rooms=puzzle.variety == "heyawake")


def _checked(grid: ArrayLike | None, name: str, puzzle: Puzzle) -> NDArray[Any]:
    board = (puzzle.height, puzzle.width)
    if grid is None:
        return np.zeros(board, np.int64)
    array = np.asarray(grid)
    if array.shape != board:
        raise PuzzleError(
            f"{name} has shape {list(array.shape)}, but the {puzzle.variety} board is {list(board)}; "
            "give a grid of the board's height and width"
        )
    return array


def _lines(puzzle: Any) -> tuple[Mask, Mask]:
    """The thick lines inside the board: the boxes of sudoku, the rooms of heyawake."""
    board = (puzzle.height, puzzle.width)
    right, below = np.zeros(board, np.bool_), np.zeros(board, np.bool_)
    if puzzle.variety == "sudoku":
        right[:, puzzle.box_width - 1 : -1 : puzzle.box_width] = True
        below[puzzle.box_height - 1 : -1 : puzzle.box_height] = True
    elif puzzle.variety == "heyawake":
        right, below = np.reshape(puzzle.right, board), np.reshape(puzzle.below, board)
    return right, below


def _cells(puzzle: Any, grid: NDArray[np.int64]) -> tuple[tuple[Cell, ...], ...]:
    draw, width = _CELL[puzzle.variety], puzzle.width
    cells = [draw(clue, value) for clue, value in zip(puzzle.clues, grid.ravel().tolist(), strict=True)]
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    if puzzle.variety == "lightup":
        _light(rows)
    return tuple(map(tuple, rows))


def _sudoku(clue: int, value: int) -> Cell:
    kept = value == 0 or value == clue > 0
    answer = "" if kept else str(value) if value > 0 and clue <= 0 else ILLEGAL
    return Cell(clue=(_number(clue),) if clue else (), answer=answer)


def _lightup(clue: int, value: int) -> Cell:
    return _walled(clue, {0: "", 1: BULB}.get(value, ILLEGAL))


def _shakashaka(clue: int, value: int) -> Cell:
    return _walled(clue, {0: "", **TRIANGLES}.get(value, ILLEGAL))


def _maze(token: int, value: int) -> Cell:
    answer = {0: "", 1: STEP}.get(value, ILLEGAL)
    if token == MAZE_OPEN:
        return Cell(fill="lit" if value == 1 else "open", answer=answer)
    clue = {MAZE_START: ("S",), MAZE_GOAL: ("G",)}.get(token, ())
    return Cell(clue, fill="open" if clue else "wall", answer=answer and ILLEGAL)


def _walled(clue: int, answer: str) -> Cell:
    if clue == -1:
        return Cell(answer=answer)
    return Cell(clue=(str(clue),) if clue >= 0 else (), fill="wall", answer=answer and ILLEGAL)


def _numbered(clue: int, value: int) -> Cell:
    return _shading(() if clue == -1 else (clue,), value)


def _shading(clue: tuple[int, ...], value: int) -> Cell:
    fill: Fill = "shaded" if value == 1 else "open"
    return Cell(tuple(map(_number, clue)), fill, "" if value in (0, 1) else ILLEGAL)


def _number(clue: int) -> str:
    return "?" if clue < 0 else str(clue)


_CELL: dict[str, Callable[[Any, int], Cell]] = {
    "sudoku": _sudoku,
    "lightup": _lightup,
    "nurikabe": _numbered,
    "heyawake": _numbered,
    "tapa": _shading,
    "shakashaka": _shakashaka,
    "maze": _maze,
}


def _light(rows: list[list[Cell]]) -> None:
    """Light up what the bulbs see along rows and columns, themselves included, up to the next wall."""
    seen: set[tuple[int, int]] = set()
    height, width = len(rows), len(rows[0])
    across = ([(y, x) for x in range(width)] for y in range(height))
    down = ([(y, x) for y in range(height)] for x in range(width))
    for line in (*across, *down):
        for way in (line, line[::-1]):
            seen.update(_beams(rows, way))
    for y, x in seen:
        rows[y][x] = attrs.evolve(rows[y][x], fill="lit")


def _beams(rows: list[list[Cell]], line: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    shining = False
    for y, x in line:
        cell = rows[y][x]
        shining = cell.fill != "wall" and (shining or cell.answer == BULB)
        if shining:
            yield y, x
