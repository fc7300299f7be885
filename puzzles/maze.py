"""Mazes: the board, its text, its mirrors and turns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import PencilBoard, check_size, flat_tokens, ints
from tts.puzzles.puzzlink import Address
from tts.verifiers import GridVerifier, MazeVerifier
from tts.verifiers.tokens import MAZE_CHARACTERS, MAZE_GOAL, MAZE_OPEN, MAZE_PATH, MAZE_START, MAZE_WALL

_SYMBOLS = {MAZE_WALL: "#", MAZE_OPEN: "", MAZE_START: "S", MAZE_GOAL: "G"}
_CODES = {char: token for token, char in enumerate(MAZE_CHARACTERS, 1)} | {".": MAZE_OPEN}


@attrs.frozen
class Maze(PencilBoard):
    """A maze: the cells of a shortest path from start to goal are marked (1), start and goal themselves are not.

    Steps go to the four neighbours. Where several paths are shortest, each is right.

    Attributes:
        clues: per cell its token: 1 wall, 2 open, 3 start, 4 goal.

    Source: Maze-Hard (HRM, arXiv 2506.21734, section 3.1), whose mazes are 30 x 30.

    Raises:
        PuzzleError: a side or a cell out of range, or not exactly one start and one goal.
    """

    variety: ClassVar[str] = "maze"
    letters: ClassVar[Mapping[int, str]] = {0: ".", 1: "o"}
    rules: ClassVar[type[GridVerifier]] = MazeVerifier

    height: int
    width: int
    clues: tuple[int, ...] = attrs.field(converter=ints)

    def __attrs_post_init__(self) -> None:
        check_size(self.variety, self.height, self.width, clues=self.clues)
        for cell, token in enumerate(self.clues):
            if token not in _SYMBOLS:
                raise PuzzleError(
                    f"maze: a cell of {token} at {self.place(cell)}; expected 1 (wall), 2 (open), 3 (start) or 4 (goal)"
                )
        for name, token in (("S (start)", MAZE_START), ("G (goal)", MAZE_GOAL)):
            if (count := self.clues.count(token)) != 1:
                raise PuzzleError(f"maze: {count} cells are {name}; a maze has exactly one")

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary."""
        return MAZE_PATH + 1

    @classmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int) -> Self:
        """See Board.from_tokens."""
        return cls(height, width, flat_tokens(tokens, height, width).tolist())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a maze in the official characters: ``#`` wall, a space or ``.`` open, ``S`` start, ``G`` goal.

        Rows on lines of their own; in one line, the rows of a square one after the other.

        Raises:
            PuzzleError: rows of different lengths, one line that is not a square, or another character.
        """
        rows = text.strip("\r\n").splitlines()
        if len(rows) == 1:
            side = isqrt(len(rows[0]))
            if side * side != len(rows[0]):
                raise PuzzleError(
                    f"a maze of {len(rows[0])} cells in one line; expected a square such as 900 = 30 x 30, "
                    "or a line for each row"
                )
            rows = [rows[0][start : start + side] for start in range(0, side * side, side)]
        width = len(rows[0]) if rows else 0
        for y, row in enumerate(rows):
            if len(row) != width:
                raise PuzzleError(
                    f"maze: row {y + 1} has {len(row)} cells and row 1 has {width}; write open cells as ."
                )
            if strange := set(row) - set("#. SG"):
                raise PuzzleError(f"maze: {min(strange)!r} in row {y + 1}; expected # . S or G")
        return cls(len(rows), width, [_CODES[char] for row in rows for char in row])

    @classmethod
    def from_address(cls, address: Address) -> Self:
        """Raise PuzzleError: mazes have no puzz.link code."""
        raise PuzzleError("puzz.link has no mazes; give the maze as text, # for walls, S and G for start and goal")

    def body(self) -> str:
        """Raise PuzzleError: mazes have no puzz.link code."""
        raise PuzzleError("puzz.link has no mazes; write the maze with to_text() instead of an address")

    def to_text(self) -> str:
        """Return the text that ``from_text`` reads, a line a row."""
        chars = [symbol or "." for symbol in self.symbols()]
        return "\n".join("".join(chars[y : y + self.width]) for y in range(0, len(chars), self.width))

    def tokens(self) -> Grid:
        """Return int64 [L], as in the official data set."""
        return np.array(self.clues)

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 open, 1 path."""
        return {0: MAZE_OPEN, 1: MAZE_PATH}

    def symbols(self) -> list[str]:
        """Return ``#``, ``S`` and ``G``."""
        return [_SYMBOLS[token] for token in self.clues]

    def moved(self, cells: Grid) -> Self:
        """See PencilBoard.moved."""
        height, width = cells.shape
        return attrs.evolve(self, height=height, width=width, clues=np.array(self.clues)[cells.ravel()])


def is_maze(text: str) -> bool:
    """Return whether a text can only be meant as a maze: maze characters alone, a start and a goal among them.

    (``G`` is a digit of 16 x 16 sudokus; ``S`` is not.)
    """
    return re.fullmatch(r"[#. SG\r\n]+", text) is not None and "S" in text and "G" in text
