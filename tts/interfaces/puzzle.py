"""Puzzle: what a search is asked to solve; Symmetry: the same puzzle, transformed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.int64]


class Puzzle(ABC):
    """One board with its clues: frozen, hashable, equal when the boards are equal.

    A *grid* is an answer in the values that puzz.link uses, int64 [height, width] (sudoku: digits, 0 = empty; shading
    varieties: 1 shaded, 0 not; lightup: 1 bulb; shakashaka: 0 or the triangles 2 to 5). *Tokens* are what a model
    reads, int64 [height * width], row-major, pad = 0.
    """

    variety: ClassVar[str]

    @property
    @abstractmethod
    def height(self) -> int:
        """Rows."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns."""

    @abstractmethod
    def tokens(self) -> Grid:
        """Return the variety's default encoding, int64 [height * width]."""

    @abstractmethod
    def answer_tokens(self, grid: Grid) -> Grid:
        """Return the tokens of an answer grid, int64 [height * width]; clue cells repeat their clue."""

    @abstractmethod
    def grid(self, answers: Grid) -> Grid:
        """Return the answer grid [height, width] that answer tokens [height * width] stand for.

        The inverse of answer_tokens; tokens that are not an answer become -1.
        """

    @abstractmethod
    def violations(self, grid: Grid) -> tuple[str, ...]:
        """Return the failcodes of an answer, in pzpr's declared order, then ``illegalCell``; none when it is solved."""

    @abstractmethod
    def to_url(self) -> str:
        """Return the puzz.link address of this board."""

    @abstractmethod
    def symmetries(self, seed: int = 0) -> Iterator[Symmetry]:
        """Yield the variety's symmetry group: the identity first, the rest in an order drawn from ``seed``."""

    @abstractmethod
    def text(self, answer: Grid | None = None) -> str:
        """Draw the board in unicode for a terminal."""

    @abstractmethod
    def svg(self, answer: Grid | None = None, violations: NDArray[np.bool_] | None = None) -> str:
        """Draw the board as an SVG picture; ``violations`` bool [height, width] marks cells."""


@attrs.frozen(eq=False)
class Symmetry:
    """A puzzle transformed by one symmetry of its variety, and the way back for its answers.

    Attributes:
        puzzle: the transformed board.
        cells: int64 [L], cell c of the transformed board is cell ``cells[c]`` of the original.
        values: int64 [V], what each answer token of the original becomes.
    """

    puzzle: Puzzle
    cells: Grid
    values: Grid

    def apply(self, answers: Grid) -> Grid:
        """Turn answer tokens [..., L] of the original into answer tokens of the transformed board."""
        return self.values[answers[..., self.cells]]

    def invert(self, answers: Grid) -> Grid:
        """Turn answer tokens [..., L] of the transformed board into answer tokens of the original."""
        back = np.empty_like(self.values)
        back[self.values] = np.arange(len(self.values))
        out = np.empty_like(answers)
        out[..., self.cells] = back[answers]
        return out
