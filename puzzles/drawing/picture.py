"""Picture: what is to be seen in every cell of a board, before anyone decides on characters or on shapes."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tts.errors import PuzzleError
from tts.interfaces import Puzzle
from tts.puzzles.cells import Cell, light
from tts.puzzles.varieties import VARIETIES, Variety

Mask = NDArray[np.bool_]


@attrs.frozen(eq=False, kw_only=True)
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
        """Return the picture of a board, of an answer int [height, width] and of marked cells bool [height, width].

        Raises:
            PuzzleError: a grid of another shape than the board's, or a variety that has no drawing.
        """
        if puzzle.variety not in VARIETIES:
            raise PuzzleError(f"no drawing for the variety {puzzle.variety!r}; there is one for {', '.join(VARIETIES)}")
        grid = _checked(answer, "answer", puzzle).astype(np.int64)
        violated = _checked(violations, "violations", puzzle).astype(np.bool_)
        title = f"{puzzle.variety}, {puzzle.height} rows by {puzzle.width} columns"
        if answer is not None:
            title += ", with an answer"
        if violations is not None:
            title += f", cells marked: {violated.sum()}"
        variety = VARIETIES[puzzle.variety]
        right, below = _lines(puzzle, variety)
        cells = _cells(puzzle, grid, variety)
        return cls(title=title, cells=cells, right=right, below=below, violated=violated, rooms=variety.rooms)


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


def _lines(puzzle: Any, variety: Variety) -> tuple[Mask, Mask]:
    """Return the thick lines inside the board, see ``Picture.right`` and ``Picture.below``: its rooms or its boxes."""
    board = (puzzle.height, puzzle.width)
    right, below = np.zeros(board, np.bool_), np.zeros(board, np.bool_)
    if variety.rooms:
        return np.reshape(puzzle.right, board), np.reshape(puzzle.below, board)
    if puzzle.box is not None:
        box_height, box_width = puzzle.box
        right[:, box_width - 1 : -1 : box_width] = True
        below[box_height - 1 : -1 : box_height] = True
    return right, below


def _cells(puzzle: Any, grid: NDArray[np.int64], variety: Variety) -> tuple[tuple[Cell, ...], ...]:
    width = puzzle.width
    cells = [variety.cell(clue, value) for clue, value in zip(puzzle.clues, grid.ravel().tolist(), strict=True)]
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    if variety.lit:
        light(rows)
    return tuple(map(tuple, rows))
