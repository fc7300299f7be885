"""Nurikabe: the board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import BASE36, PencilBoard, check_size, flat_tokens, ints
from tts.puzzles.puzzlink import NONE, Address, decode_numbers, encode_numbers
from tts.puzzles.puzzlink.codes import MAX_NUMBER
from tts.verifiers import GridVerifier, NurikabeVerifier
from tts.verifiers.tokens import (
    NURIKABE_NUMBER,
    NURIKABE_OPEN,
    NURIKABE_SHADED,
    NURIKABE_UNKNOWN,
    NURIKABE_WHITE,
    UNKNOWN,
)

_LARGE = "+"
"""The symbol of numbers that have no digit of their own."""


@attrs.frozen
class Nurikabe(PencilBoard):
    """A nurikabe board: shaded cells (1) are connected; every white area holds one clue, its size.

    Attributes:
        clues: per cell -1 none, -2 ``?``, or a number from 0.

    Source of the rules: pzpr (https://puzz.link/rules.html?nurikabe).

    Raises:
        PuzzleError: a side or a clue out of range.
    """

    variety: ClassVar[str] = "nurikabe"
    letters: ClassVar[Mapping[int, str]] = {0: "-", 1: "#"}
    rules: ClassVar[type[GridVerifier]] = NurikabeVerifier

    height: int
    width: int
    clues: tuple[int, ...] = attrs.field(converter=ints)

    def __attrs_post_init__(self) -> None:
        check_size(self.variety, self.height, self.width, clues=self.clues)
        for cell, clue in enumerate(self.clues):
            if not UNKNOWN <= clue <= MAX_NUMBER:
                raise PuzzleError(
                    f"nurikabe: a clue of {clue} at {self.place(cell)}; "
                    f"expected -1 (none), -2 (a question mark) or 0 to {MAX_NUMBER}"
                )

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary. Numbers above the cells of the board have no place in it."""
        return NURIKABE_NUMBER + height * width + 1

    @classmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int) -> Self:
        """See Board.from_tokens."""
        flat = flat_tokens(tokens, height, width)
        special = {NURIKABE_OPEN: NONE, NURIKABE_UNKNOWN: UNKNOWN}
        strange = flat[(flat < NURIKABE_NUMBER) & ~np.isin(flat, list(special))]
        if len(strange):
            raise PuzzleError(f"nurikabe: token {strange[0]} is not a cell of a puzzle")
        return cls(height, width, (special.get(token, token - NURIKABE_NUMBER) for token in flat.tolist()))

    @classmethod
    def from_address(cls, address: Address) -> Self:
        """See Board.from_address."""
        return cls(address.height, address.width, decode_numbers(address, address.cells))

    def body(self) -> str:
        """See Board.body."""
        return encode_numbers(self.clues)

    def tokens(self) -> Grid:
        """Return int64 [L]."""
        special = {NONE: NURIKABE_OPEN, UNKNOWN: NURIKABE_UNKNOWN}
        return np.array([special.get(clue, NURIKABE_NUMBER + clue) for clue in self.clues])

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 white, 1 shaded."""
        return {0: NURIKABE_WHITE, 1: NURIKABE_SHADED}

    def symbols(self) -> list[str]:
        """Numbers in base 36, ``+`` for those above 35, or ``?``."""
        special = {NONE: "", UNKNOWN: "?"}
        return [special[clue] if clue < 0 else BASE36[clue] if clue < 36 else _LARGE for clue in self.clues]

    def moved(self, cells: Grid) -> Self:
        """See PencilBoard.moved."""
        height, width = cells.shape
        return attrs.evolve(self, height=height, width=width, clues=np.array(self.clues)[cells.ravel()])
