"""RecursiveModel: what the engine needs of a model; Codec: what tokens mean to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from tts.errors import PuzzleError
from tts.puzzle import Puzzle
from tts.verifier import Verifier

State: TypeAlias = dict[str, Tensor]
"""The latents of N lanes by name, each [N, S, D]. In TRM ``y`` is the answer latent, ``z`` the reasoning latent."""


@attrs.frozen(eq=False)
class Readout:
    """What the heads say after a supervision step.

    Attributes:
        logits: [N, L, V], float32.
        q: [N], float32, the halt logit.
        halt: bool [N], the model would stop here: q > 0, or halt > continue where both were trained (HRM).
    """

    logits: Tensor
    q: Tensor
    halt: Tensor


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


class RecursiveModel(nn.Module, ABC):
    """A small network that solves puzzles by refining a latent state step by step.

    The engine calls ``encode`` once a puzzle, ``start`` once a rollout, then ``step`` and ``read`` ``depth`` times.
    Rows must not influence each other.
    """

    codec: Codec

    @abstractmethod
    def encode(self, tokens: Tensor, ids: Tensor) -> Tensor:
        """Embed puzzles: tokens int64 [B, L] and identifiers int64 [B] to [B, S, D]."""

    @abstractmethod
    def start(self, n: int) -> State:
        """The initial latents of n lanes."""

    @abstractmethod
    def step(self, state: State, encoded: Tensor) -> State:
        """One supervision step (a deep recursion) of N lanes; encoded [N, S, D]. Does not change its arguments."""

    @abstractmethod
    def read(self, state: State) -> Readout:
        """Run the heads on N lanes."""

    @property
    def block(self) -> int:
        """Lanes stepped together, fixed for a model on a device."""
        return 32

    @property
    def side_by_side(self) -> bool:
        """Whether blocks are stepped at the same time, each on one core: ``step`` and ``read`` run in threads then."""
        return False

    def step_flops(self) -> int:
        """Floating-point operations of one lane-step, 2 a multiply-add; 0 where unknown."""
        return 0
