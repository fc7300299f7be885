"""TokenCodec, for models whose tokens stand for no variety that we know."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.model import Codec
from tts.puzzle import Puzzle
from tts.verifier import Verifier


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
