"""One name for a puzzle and all that differ from it by a mirror, a turn or the names of digits."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from tts.interfaces import Grid, Puzzle
from tts.puzzles.board import turned
from tts.puzzles.sudoku import Sudoku


def identity(puzzle: Puzzle) -> str:
    """Return 24 hexadecimal digits, equal for boards that are mirrors or turns of each other.

    A sudoku's digits may be renamed as well; its rows and columns are not exchanged.
    """
    if isinstance(puzzle, Sudoku):
        views = [(puzzle.box_height, puzzle.box_width, grid.tobytes()) for grid in _sudokus(puzzle)]
    else:
        views = [(s.puzzle.height, s.puzzle.width, s.puzzle.tokens().tobytes()) for s in puzzle.symmetries()]
    return blake2b(repr((puzzle.variety, min(views))).encode(), digest_size=12).hexdigest()


def _sudokus(puzzle: Sudoku) -> Iterator[Grid]:
    """Yield the givens in every mirror and turn that keeps the boxes' shape, digits named in order of appearance."""
    clues = np.array(puzzle.clues).reshape(puzzle.side, puzzle.side)
    for which in range(8):
        transposes = (which >= 4) != (which % 2 == 1)
        if not transposes or puzzle.box_height == puzzle.box_width:
            flat = turned(clues, which).ravel()
            digits, first = np.unique(flat[flat > 0], return_index=True)
            names = np.zeros(puzzle.side + 1, np.int64)
            names[digits[np.argsort(first)]] = np.arange(1, len(digits) + 1)
            yield names[flat]
