"""Codecs: what tokens mean to a model; views: a puzzle seen through a symmetry."""

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
        """Return tokens int64 [L] and the puzzle identifier.

        Raises:
            PuzzleError: the model does not know the variety or the size.
        """

    @abstractmethod
    def decode(self, puzzle: Puzzle, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the answer grid [puzzle.height, puzzle.width] that answer tokens [L] stand for."""

    def encode_answer(self, puzzle: Puzzle, grid: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the answer tokens int64 [L] that ``decode`` turns into a grid [puzzle.height, puzzle.width].

        Cells off the board are pads. Unless overridden, every token is decoded in turn to find those of the grid.

        Raises:
            PuzzleError: no token of this codec stands for a value of the grid.
        """
        cells = self.height * self.width
        grids = np.stack([self.decode(puzzle, np.full(cells, token)) for token in range(self.vocab_size)])
        right = puzzle.grid(puzzle.answer_tokens(grid))
        same = (grids == right) & (right >= 0)  # -1 where the value means nothing
        if not same.any(axis=0).all():
            raise PuzzleError("the solution has a value that is not an answer to this puzzle")
        tokens = np.full((self.height, self.width), self.pad)
        tokens[: puzzle.height, : puzzle.width] = same.argmax(axis=0)
        return tokens.ravel()

    def views(self, tokens: NDArray[np.int64], identifier: int, seed: int = 0) -> Iterator[View]:
        """Yield the symmetric views of tokens [L]: the identity first, the rest in an order drawn from ``seed``.

        Raises:
            PuzzleError: this codec knows no symmetries, or the tokens are not a puzzle.
        """
        raise PuzzleError(f"{type(self).__name__} knows no symmetries; give it a method views, or use VarietyCodec")


@attrs.frozen
class TokenCodec(Codec):
    """Plain tokens: search tensors and compare with labels. Boards cannot be encoded, and rules are known if passed in.

    Args:
        height, width: of the token grid; L = height * width.
        vocab_size: V.
        pad: token of cells off the board.
        verifier: rules over these tokens, if you have some.
    """

    height: int
    width: int
    vocab_size: int
    pad: int = 0
    verifier: Verifier | None = None

    def encode(self, puzzle: Puzzle) -> tuple[NDArray[np.int64], int]:
        raise self._cannot_read(puzzle)

    def encode_answer(self, puzzle: Puzzle, grid: NDArray[np.int64]) -> NDArray[np.int64]:
        raise self._cannot_read(puzzle)

    def decode(self, puzzle: Puzzle, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        return answers.reshape(self.height, self.width)

    def _cannot_read(self, puzzle: Puzzle) -> PuzzleError:
        return PuzzleError(
            f"this model does not say what its tokens mean, so it cannot read a {puzzle.variety} board; "
            "pass tokens [B, L], or load it with codec="
        )
