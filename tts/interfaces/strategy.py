"""Strategies: what makes the rollouts of a puzzle differ, each by itself, through the others, or by what they see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import attrs
from jaxtyping import Float, Float32, Int64, Shaped
from torch import Tensor

from tts.interfaces.codec import Codec, View
from tts.interfaces.model import RecursiveModel, State
from tts.interfaces.puzzle import Grid
from tts.interfaces.streams import Streams


@attrs.frozen(eq=False, kw_only=True)
class StepView:
    """N lanes before a supervision step, as a strategy sees them.

    Attributes:
        model: the model that is searched.
        state: the latents by name.
        encoded: the embedded puzzles.
        tokens: the puzzles, as an InputStrategy shows them; so are the answers.
        step: supervision steps each lane has taken, from 0.
        answers: argmax of the logits after the step before; the puzzle's tokens at step 0.
        q: the halt logit after the step before; -inf at step 0.
        memory: the strategy's own tensors by name, as ``memory(n)`` made them on admission. Written in place.
        depth: supervision steps of a whole rollout.
    """

    model: RecursiveModel
    state: State
    encoded: Float[Tensor, "N S D"]
    tokens: Int64[Tensor, "N L"]
    step: Int64[Tensor, " N"]
    answers: Int64[Tensor, "N L"]
    q: Float32[Tensor, " N"]
    memory: dict[str, Shaped[Tensor, "N ..."]]
    depth: int


class Strategy(ABC):
    """Changes the latents of a rollout before each supervision step.

    The engine calls the hooks of a strategy in this order; every strategy has ``perturb``, and may have ``memory``::

        puzzle opened          views_of      InputStrategy: what its rollouts see of it
          wave starts          rewrite       RewritingStrategy: from the second wave on
            rollout starts     memory        the rollout's own tensors, as they begin
              every step       resample      CoupledStrategy: from the second step on
                               perturb       the latents to step from
                               model.step, model.read

    Subclasses are frozen and hold no mutable state: what changes while a rollout runs lives in its ``memory``. They
    draw noise from ``rng`` alone, whose streams belong to the lane's own rollout, so that a result never depends on
    the batch. One call of ``perturb`` serves N lanes, which are at different steps of different puzzles. It may run in
    several threads at once, each on lanes of its own (``RecursiveModel.parallel_blocks``).
    """

    @property
    def exchangeable(self) -> bool:
        """Whether the rollouts of a puzzle know nothing of each other, without which pass@k is not defined."""
        return True

    @property
    def lockstep(self) -> bool:
        """Whether the rollouts of a wave must start and step together, and a wave wait for the one before."""
        return False

    @abstractmethod
    def perturb(self, view: StepView, rng: Streams) -> State:
        """Return the latents to step from, in the shapes and dtypes of ``view.state``; pass on those left alone.

        Called before every step. Must not change anything in place but ``view.memory``.

        Args:
            view: the N lanes.
            rng: the streams of their rollouts at this step.
        """

    def memory(self, n: int) -> dict[str, Shaped[Tensor, "{n} ..."]]:
        """Return tensors that live as long as a rollout, as they are when it starts. None by default."""
        return {}


class CoupledStrategy(Strategy):
    """A strategy whose rollouts of one puzzle depend on each other: before a step each may continue from another.

    All K rollouts of a puzzle run together in one wave, so no rule may stop them one by one, and pass@k is not defined.
    The rollouts of k = 64 are not the first 64 of k = 128.
    """

    @property
    def exchangeable(self) -> bool:
        """False: rollouts that continue from others are not independent."""
        return False

    @property
    def lockstep(self) -> bool:
        """True: all K step together."""
        return True

    @abstractmethod
    def resample(self, q: Float32[Tensor, "P K"], step: Int64[Tensor, " P"], rng: Streams) -> Int64[Tensor, "P K"]:
        """Return the rollout of its own puzzle from which each rollout continues.

        Called before every step but the first, and before ``perturb``.

        Args:
            q: the halt logits after the step before, of the P puzzles in flight.
            step: steps taken, from 1.
            rng: the streams of the P puzzles, those of their rollout 0; draw under a name that is not a latent's.

        Returns:
            Parents, from 0 to K - 1. A rollout takes its parent's latents, memory, answers and q, and continues with
            its own noise.
        """


class InputStrategy(Strategy):
    """A strategy whose rollouts see their puzzle through different views.

    Stop rules, selectors and results see the puzzle itself.
    """

    n_views: int
    """V, the largest number of views. Rollout r sees view r mod V."""

    @abstractmethod
    def views_of(self, codec: Codec, tokens: Grid, identifier: int) -> Sequence[View]:
        """Return 1 to V views of one puzzle's tokens [L]; they are taken in turn where there are fewer than V.

        Called once, when the puzzle is opened; each view is then embedded.
        """


class RewritingStrategy(Strategy):
    """A strategy that rewrites a puzzle between waves, from what the rollouts that have ended answered.

    Rollouts run in waves, with or without a stop rule, and pass@k is not defined. Stop rules, selectors and results
    see the puzzle itself.
    """

    @property
    def exchangeable(self) -> bool:
        """False: later waves depend on earlier ones."""
        return False

    @property
    def lockstep(self) -> bool:
        """True: a wave is over before its puzzle is rewritten for the next."""
        return True

    @abstractmethod
    def rewrite(
        self, tokens: Int64[Tensor, "P L"], answers: Int64[Tensor, "P K L"], q: Float32[Tensor, "P K"]
    ) -> Int64[Tensor, "P L"]:
        """Return what the rollouts of the next wave see.

        Called when a wave has ended with the puzzle still open.

        Args:
            tokens: the P puzzles themselves.
            answers: of the rollouts that have ended.
            q: their last halt logits; -inf where a rollout has not started.
        """
