"""Heyawake: the board, its walls stored edge by edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import PencilBoard, check_size, flags, flat_tokens, ints
from tts.puzzles.puzzlink import NONE, Address, decode_numbers, decode_walls, encode_numbers, encode_walls
from tts.puzzles.puzzlink.codes import MAX_NUMBER
from tts.verifiers import GridVerifier, HeyawakeVerifier
from tts.verifiers.tokens import HEYAWAKE_CELL, HEYAWAKE_SHADED, HEYAWAKE_WHITE, UNKNOWN


@attrs.frozen
class Heyawake(PencilBoard):
    """A heyawake board: no two shaded cells (1) touch, white is connected and crosses no two walls in a row.

    Walls need not close a room: pzpr counts the walls that a white run crosses, so every edge is stored.

    Attributes:
        right: per cell, a wall between it and its right neighbour; False on the rim.
        below: per cell, a wall between it and its lower neighbour; False on the rim.
        clues: per cell -1 none, -2 ``?``, or how many cells of the room are shaded; on a room's first cell in row-major
            order only.

    Source of the rules: pzpr (https://puzz.link/rules.html?heyawake).

    Raises:
        PuzzleError: a side or a clue out of range, a wall on the rim, a clue elsewhere than on a room's first cell.
    """

    variety: ClassVar[str] = "heyawake"
    letters: ClassVar[Mapping[int, str]] = {0: "-", 1: "#"}
    rules: ClassVar[type[GridVerifier]] = HeyawakeVerifier

    height: int
    width: int
    right: tuple[bool, ...] = attrs.field(converter=flags)
    below: tuple[bool, ...] = attrs.field(converter=flags)
    clues: tuple[int, ...] = attrs.field(converter=ints)

    def __attrs_post_init__(self) -> None:
        check_size(self.variety, self.height, self.width, clues=self.clues, right=self.right, below=self.below)
        if any(self.right[self.width - 1 :: self.width]) or any(self.below[-self.width :]):
            raise PuzzleError(
                "heyawake: a wall on the rim of the board; the last column has none at its right, "
                "the last row none below"
            )
        rooms = self.rooms()
        for cell, clue in enumerate(self.clues):
            if not UNKNOWN <= clue <= MAX_NUMBER:
                raise PuzzleError(
                    f"heyawake: a clue of {clue} at {self.place(cell)}; "
                    f"expected -1 (none), -2 (a question mark) or 0 to {MAX_NUMBER}"
                )
            if clue != NONE and rooms[cell] != cell:
                raise PuzzleError(
                    f"heyawake: a clue at {self.place(cell)}; this room's belongs on its first cell, "
                    f"{self.place(rooms[cell])}"
                )

    def rooms(self) -> tuple[int, ...]:
        """Return per cell the first cell, in row-major order, of its room."""
        return _rooms(self.right, self.below, self.width)

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary. Numbers above the cells of the board have no place in it."""
        return HEYAWAKE_CELL + 4 * (2 + height * width + 1)

    @classmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int) -> Self:
        """See Board.from_tokens."""
        flat = flat_tokens(tokens, height, width) - HEYAWAKE_CELL
        if len(flat) and flat.min() < 0:
            raise PuzzleError(f"heyawake: token {flat.min() + HEYAWAKE_CELL} is not a cell of a puzzle")
        clues = np.select([flat < 4, flat < 8], [NONE, UNKNOWN], flat // 4 - 2)
        right, below = flags(flat % 2 == 1), flags(flat // 2 % 2 == 1)
        firsts = np.array(_rooms(right, below, width))
        repeated = (firsts != np.arange(len(flat))) & (clues == clues[firsts])
        return cls(height, width, right, below, np.where(repeated, NONE, clues))

    @classmethod
    def from_address(cls, address: Address) -> Self:
        """See Board.from_address."""
        right, below, rest = decode_walls(address)
        firsts = sorted(set(_rooms(right, below, address.width)))
        clues = [NONE] * address.cells
        for cell, clue in zip(firsts, decode_numbers(rest, len(firsts)), strict=True):
            clues[cell] = clue
        return cls(address.height, address.width, right, below, clues)

    def body(self) -> str:
        """See Board.body."""
        firsts = sorted(set(self.rooms()))
        return encode_walls(self.right, self.below, self.width) + encode_numbers(self.clues[cell] for cell in firsts)

    def tokens(self) -> Grid:
        """Return int64 [L]; every cell of a room has its clue."""
        clues = np.array([{NONE: 0, UNKNOWN: 1}.get(clue, clue + 2) for clue in self.clues])[list(self.rooms())]
        tokens: Grid = HEYAWAKE_CELL + np.array(self.right) + 2 * np.array(self.below) + 4 * clues
        return tokens

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 white, 1 shaded."""
        return {0: HEYAWAKE_WHITE, 1: HEYAWAKE_SHADED}

    def symbols(self) -> list[str]:
        """Return no symbols: every cell takes an answer, those with a clue too."""
        return [""] * (self.height * self.width)

    def moved(self, cells: Grid) -> Self:
        """See PencilBoard.moved; a wall stays between its two cells, a clue in its room."""
        height, width = cells.shape
        right, below = np.zeros(cells.shape, bool), np.zeros(cells.shape, bool)
        right[:, :-1] = self._walls(cells[:, :-1], cells[:, 1:])
        below[:-1] = self._walls(cells[:-1], cells[1:])
        rooms = _rooms(right.ravel().tolist(), below.ravel().tolist(), width)
        clues = [NONE] * (height * width)
        for cell, origin in enumerate(cells.ravel().tolist()):
            if self.clues[origin] != NONE:
                clues[rooms[cell]] = self.clues[origin]
        return attrs.evolve(self, height=height, width=width, right=right.ravel(), below=below.ravel(), clues=clues)

    def _walls(self, one: Grid, other: Grid) -> NDArray[np.bool_]:
        """Return whether walls stand between neighbouring cells, elementwise."""
        first = np.minimum(one, other)
        beside = one // self.width == other // self.width
        walls: NDArray[np.bool_] = np.where(beside, np.array(self.right)[first], np.array(self.below)[first])
        return walls


def _rooms(right: Sequence[bool], below: Sequence[bool], width: int) -> tuple[int, ...]:
    """Return per cell the first cell of its room."""
    cells = len(right)
    rooms = [-1] * cells
    for first in range(cells):
        if rooms[first] >= 0:
            continue
        rooms[first] = first
        stack = [first]
        while stack:
            cell = stack.pop()
            x = cell % width
            for near, wall in (
                (cell + 1, x + 1 == width or right[cell]),
                (cell - 1, x == 0 or right[cell - 1]),
                (cell + width, cell + width >= cells or below[cell]),
                (cell - width, cell < width or below[cell - width]),
            ):
                if not wall and rooms[near] < 0:
                    rooms[near] = first
                    stack.append(near)
    return tuple(rooms)
