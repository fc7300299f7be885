"""Tapa: the board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import PencilBoard, check_size, flat_tokens, ints
from tts.puzzles.puzzlink import Address, decode_tapa, encode_tapa
from tts.verifiers import GridVerifier, TapaVerifier
from tts.verifiers.tokens import TAPA_CLUE, TAPA_CLUES, TAPA_OPEN, TAPA_SHADED, TAPA_WHITE

_TOKENS = {(): TAPA_OPEN} | {clue: TAPA_CLUE + index for index, clue in enumerate(TAPA_CLUES)}
_ALPHABET = "?012345678ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
"""One character a clue, in the order of TAPA_CLUES: single entries as they are, the rest by letter."""
_SYMBOLS = {(): ""} | dict(zip(TAPA_CLUES, _ALPHABET, strict=True))


def _clues(clues: Iterable[Iterable[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(sorted(ints(clue))) for clue in clues)


@attrs.frozen
class Tapa(PencilBoard):
    """A tapa board: shaded cells (1) are connected; a clue lists the runs of shaded cells around it.

    Attributes:
        clues: per cell () none, else the entries in ascending order, ``?`` (-2) first. Their order means nothing.

    Source of the rules: pzpr (https://puzz.link/rules.html?tapa).

    Raises:
        PuzzleError: a side out of range, or a clue that an address cannot express.
    """

    variety: ClassVar[str] = "tapa"
    letters: ClassVar[Mapping[int, str]] = {0: "-", 1: "#"}
    rules: ClassVar[type[GridVerifier]] = TapaVerifier

    height: int
    width: int
    clues: tuple[tuple[int, ...], ...] = attrs.field(converter=_clues)

    def __attrs_post_init__(self) -> None:
        check_size(self.variety, self.height, self.width, clues=self.clues)
        for cell, clue in enumerate(self.clues):
            if clue not in _TOKENS:
                raise PuzzleError(
                    f"tapa: a clue of {clue} at {self.place(cell)}; expected one entry of 0 to 8, two of 1 to 5, "
                    "three of 1 to 3 or four of 1, -2 (a question mark) anywhere"
                )

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary."""
        return TAPA_CLUE + len(TAPA_CLUES)

    @classmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int) -> Self:
        """See Board.from_tokens."""
        clues = {token: clue for clue, token in _TOKENS.items()}
        flat = flat_tokens(tokens, height, width).tolist()
        if strange := set(flat) - set(clues):
            raise PuzzleError(f"tapa: token {min(strange)} is not a cell of a puzzle")
        return cls(height, width, (clues[token] for token in flat))

    @classmethod
    def from_address(cls, address: Address) -> Self:
        """See Board.from_address."""
        return cls(address.height, address.width, decode_tapa(address))

    def body(self) -> str:
        """See Board.body."""
        return encode_tapa(self.clues)

    def tokens(self) -> Grid:
        """Return int64 [L]."""
        return np.array([_TOKENS[clue] for clue in self.clues])

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 white, 1 shaded."""
        return {0: TAPA_WHITE, 1: TAPA_SHADED}

    def symbols(self) -> list[str]:
        """Return a character a clue; see _ALPHABET."""
        return [_SYMBOLS[clue] for clue in self.clues]

    def moved(self, cells: Grid) -> Self:
        """See PencilBoard.moved."""
        height, width = cells.shape
        return attrs.evolve(self, height=height, width=width, clues=(self.clues[cell] for cell in cells.ravel()))
