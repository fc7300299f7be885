"""RecursiveModel: what the engine needs of a model; Codec: what tokens mean to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import attrs
import torch
from torch import Tensor, nn

from tts.interfaces.codec import Codec

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

    def last_recursion(self, state: State, encoded: Tensor) -> State:
        """Run the last part of a step that changes every latent, differentiably; the whole step unless overridden."""
        return self.step(state, encoded)

    @abstractmethod
    def read(self, state: State) -> Readout:
        """Run the heads on N lanes."""

    @property
    def block(self) -> int:
        """Lanes stepped together, fixed for a model on a device."""
        return 32

    @property
    def parallel_blocks(self) -> bool:
        """Whether blocks are stepped at the same time, each on one core: ``step`` and ``read`` run in threads then."""
        return False

    def step_flops(self) -> int:
        """Floating-point operations of one lane-step, 2 a multiply-add; 0 where unknown."""
        return 0


def device_of(model: RecursiveModel) -> torch.device:
    """Where the model's weights lie."""
    return next(model.parameters(), torch.empty(0)).device
