"""WallBoard: boards of open cells and walls, some walls with a number; lightup and shakashaka."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import PencilBoard, check_size, flat_tokens, ints
from tts.puzzles.puzzlink import NONE, Address, decode_four, encode_four
from tts.verifiers.tokens import LIGHTUP_NUMBER, LIGHTUP_OPEN, LIGHTUP_WALL, UNKNOWN

_TOKENS = {NONE: LIGHTUP_OPEN, UNKNOWN: LIGHTUP_WALL} | {n: LIGHTUP_NUMBER + n for n in range(5)}
_SYMBOLS = {NONE: "", UNKNOWN: "#"} | {n: str(n) for n in range(5)}


@attrs.frozen
class WallBoard(PencilBoard):
    """Open cells and walls.

    Attributes:
        clues: per cell -1 open, -2 a wall without a number, 0 to 4 a wall with one.
    """

    height: int
    width: int
    clues: tuple[int, ...] = attrs.field(converter=ints)

    def __attrs_post_init__(self) -> None:
        check_size(self.variety, self.height, self.width, clues=self.clues)
        for cell, clue in enumerate(self.clues):
            if clue not in _TOKENS:
                raise PuzzleError(
                    f"{self.variety}: a clue of {clue} at {self.place(cell)}; "
                    "expected -1 (open), -2 (a wall without a number) or 0 to 4"
                )

    @classmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int) -> Self:
        """See Board.from_tokens."""
        clues = {token: clue for clue, token in _TOKENS.items()}
        flat = flat_tokens(tokens, height, width).tolist()
        if strange := set(flat) - set(clues):
            raise PuzzleError(f"{cls.variety}: token {min(strange)} is not a cell of a puzzle")
        return cls(height, width, (clues[token] for token in flat))

    @classmethod
    def from_address(cls, address: Address) -> Self:
        """See Board.from_address."""
        return cls(address.height, address.width, decode_four(address))

    def body(self) -> str:
        """See Board.body."""
        return encode_four(self.clues)

    def tokens(self) -> Grid:
        """Return int64 [L]."""
        return np.array([_TOKENS[clue] for clue in self.clues])

    def symbols(self) -> list[str]:
        """Return ``#`` for a wall, or its number."""
        return [_SYMBOLS[clue] for clue in self.clues]

    def moved(self, cells: Grid) -> Self:
        """See PencilBoard.moved."""
        height, width = cells.shape
        return attrs.evolve(self, height=height, width=width, clues=np.array(self.clues)[cells.ravel()])
