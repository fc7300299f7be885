"""RecursiveModel: what the engine needs of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import attrs
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor, nn

from tts.interfaces.codec import Codec

State: TypeAlias = dict[str, Float[Tensor, "N S D"]]
"""The latents of N lanes by name. In TRM ``y`` is the answer latent, ``z`` the reasoning latent."""


@attrs.frozen(eq=False)
class Readout:
    """The output of the heads after a supervision step.

    Attributes:
        logits: of the answer tokens.
        q: the halt logit.
        halt: the model would stop here: q > 0, or halt > continue where both were trained (HRM).
    """

    logits: Float32[Tensor, "N L V"]
    q: Float32[Tensor, " N"]
    halt: Bool[Tensor, " N"]


class RecursiveModel(nn.Module, ABC):
    """A small network that solves puzzles by refining a latent state step by step.

    The engine calls ``encode`` once a puzzle, ``start`` once a rollout, then ``step`` and ``read`` ``depth`` times.
    Rows must not influence each other.
    """

    codec: Codec

    @abstractmethod
    def encode(self, tokens: Int64[Tensor, "B L"], ids: Int64[Tensor, " B"]) -> Float[Tensor, "B S D"]:
        """Embed puzzles, given as tokens and identifiers."""

    @abstractmethod
    def start(self, n: int) -> State:
        """Return the initial latents of n lanes; at least the answer latent ``y``."""

    @abstractmethod
    def step(self, state: State, encoded: Float[Tensor, "N S D"]) -> State:
        """Take one supervision step (a deep recursion) of N lanes. Must not change its arguments."""

    def last_recursion(self, state: State, encoded: Float[Tensor, "N S D"]) -> State:
        """Run the last part of a step that changes every latent, differentiably; the whole step unless overridden."""
        return self.step(state, encoded)

    @abstractmethod
    def read(self, state: State) -> Readout:
        """Run the heads on N lanes."""

    @property
    def block(self) -> int:
        """How many lanes are stepped together, fixed for a model on a device."""
        return 32

    @property
    def parallel_blocks(self) -> bool:
        """Whether blocks are stepped at the same time, each on one core: ``step`` and ``read`` run in threads then."""
        return False

    def step_flops(self) -> int:
        """Return the floating-point operations of one lane-step, 2 a multiply-add; 0 where unknown."""
        return 0


def device_of(model: RecursiveModel) -> torch.device:
    """Return the device that holds the model's weights."""
    return next(model.parameters(), torch.empty(0)).device
