"""Codec: what tokens mean to a model; View: a puzzle seen through a symmetry; TokenCodec: plain tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.interfaces.puzzle import Puzzle
from tts.interfaces.verifier import Verifier


@attrs.frozen(eq=False)
class View:
    """A puzzle seen through a symmetry, in the tokens of a codec, and the way back for its answers.

    Attributes:
        tokens: int64 [L], what is seen.
        identifier: of the puzzle that is seen.
        cells: int64 [L], a permutation: cell c of the view is cell ``cells[c]`` of the puzzle.
        values: int64 [V], a permutation: what each answer token of the puzzle becomes in the view.
    """

    tokens: NDArray[np.int64]
    identifier: int
    cells: NDArray[np.int64]
    values: NDArray[np.int64]


class Codec(ABC):
    """Between puzzles and the tokens of one model. Boards are padded to ``height`` x ``width`` = L cells.

    Attributes:
        height, width: the board after padding.
        vocab_size: V; tokens run from 0 to V - 1.
        pad: the token of cells off the board.
        verifier: the rules over this codec's tokens; None where none are known.
    """

    height: int
    width: int
    vocab_size: int
    pad: int
    verifier: Verifier | None

    @abstractmethod
    def encode(self, puzzle: Puzzle) -> tuple[NDArray[np.int64], int]:
        """Tokens int64 [L] and puzzle identifier.

        Raises:
            PuzzleError: the variety or the size is not one that the model knows.
        """

    @abstractmethod
    def decode(self, puzzle: Puzzle, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The answer grid [puzzle.height, puzzle.width] that answer tokens [L] stand for."""

    def views(self, tokens: NDArray[np.int64], identifier: int, seed: int = 0) -> Iterator[View]:
        """The puzzle of tokens [L] through its symmetries: the identity first, the rest in an order drawn from seed.

        Raises:
            PuzzleError: this codec knows of no symmetries, or the tokens are no puzzle.
        """
        raise PuzzleError(f"{type(self).__name__} knows of no symmetries; give it a method views, or use VarietyCodec")


@attrs.frozen
class TokenCodec(Codec):
    """Plain tokens: boards cannot be encoded and no rules are known; search tensors and compare with labels.

    Args:
        height, width: of the token grid; L = height * width.
        vocab_size: V.
        pad: token of cells off the board.
        verifier: rules over these tokens, where you have some.
    """

    height: int
    width: int
    vocab_size: int
    pad: int = 0
    verifier: Verifier | None = None

    def encode(self, puzzle: Puzzle) -> tuple[NDArray[np.int64], int]:
        raise PuzzleError(
            f"this model does not say what its tokens mean, so it cannot read a {puzzle.variety} board; "
            "pass tokens [B, L], or load it with codec="
        )

    def decode(self, puzzle: Puzzle, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        return answers.reshape(self.height, self.width)
