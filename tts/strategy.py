"""Strategy: what makes the rollouts of a puzzle differ."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
from torch import Tensor

from tts.model import RecursiveModel, State
from tts.rng import Streams


@attrs.frozen(eq=False)
class StepView:
    """What a strategy sees of N lanes before a supervision step.

    Attributes:
        model: the model that is searched.
        state: the latents by name, each [N, S, D].
        encoded: [N, S, D], the embedded puzzles.
        tokens: int64 [N, L], the puzzles.
        step: int64 [N], supervision steps each lane has taken, from 0.
        answers: int64 [N, L], argmax of the logits after the step before; the puzzle's tokens at step 0.
        q: float32 [N], the halt logit after the step before; -inf at step 0.
        memory: the strategy's own tensors by name, each [N, ...], as ``memory(n)`` made them on admission. Written in
            place.
        depth: supervision steps of a whole rollout.
    """

    model: RecursiveModel
    state: State
    encoded: Tensor
    tokens: Tensor
    step: Tensor
    answers: Tensor
    q: Tensor
    memory: dict[str, Tensor]
    depth: int


class Strategy(ABC):
    """Changes the latents of a rollout before each supervision step.

    Subclasses are frozen and hold no mutable state; they draw noise from ``rng`` alone, whose streams belong to the
    lane's own rollout, so that a result never depends on the batch.
    """

    @abstractmethod
    def perturb(self, view: StepView, rng: Streams) -> State:
        """The latents to step from, shapes and dtypes as in ``view.state``. Latents left alone are passed on."""

    def memory(self, n: int) -> dict[str, Tensor]:
        """Tensors [n, ...] that live as long as a rollout, as they are on admission. None by default."""
        return {}
