"""Strategy: what makes the rollouts of a puzzle differ, each by itself, by each other, or by what they see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import attrs
from torch import Tensor

from tts.interfaces.codec import Codec, View
from tts.interfaces.model import RecursiveModel, State
from tts.interfaces.puzzle import Grid
from tts.interfaces.streams import Streams


@attrs.frozen(eq=False)
class StepView:
    """What a strategy sees of N lanes before a supervision step.

    Attributes:
        model: the model that is searched.
        state: the latents by name, each [N, S, D].
        encoded: [N, S, D], the embedded puzzles.
        tokens: int64 [N, L], the puzzles, as an InputStrategy shows them; so are the answers.
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
    lane's own rollout, so that a result never depends on the batch. ``perturb`` may run in several threads at once,
    each on lanes of its own (``RecursiveModel.parallel_blocks``).
    """

    @abstractmethod
    def perturb(self, view: StepView, rng: Streams) -> State:
        """The latents to step from, shapes and dtypes as in ``view.state``. Latents left alone are passed on."""

    def memory(self, n: int) -> dict[str, Tensor]:
        """Tensors [n, ...] that live as long as a rollout, as they are on admission. None by default."""
        return {}


class CoupledStrategy(Strategy):
    """A strategy whose rollouts of one puzzle take part in each other: before a step each may go on from another.

    All K rollouts of a puzzle run together, so no rule may stop them one by one, and pass@k is not defined. The
    rollouts of k = 64 are not the first 64 of k = 128.
    """

    @abstractmethod
    def resample(self, q: Tensor, step: Tensor, rng: Streams) -> Tensor:
        """From which rollout of its own puzzle each rollout goes on. Called before every step but the first.

        Args:
            q: float32 [P, K], the halt logits after the step before, of the P puzzles in flight.
            step: int64 [P], steps taken, from 1.
            rng: the streams of the P puzzles, those of their rollout 0; draw under a name that is no latent's.

        Returns:
            Parents, int64 [P, K], from 0 to K - 1. A rollout takes its parent's latents, memory, answers and q, and
            goes on with its own noise.
        """


class InputStrategy(Strategy):
    """A strategy whose rollouts see their puzzle from different sides; all that is not the strategy sees the puzzle."""

    n_views: int
    """V, at most how many sides there are. Rollout r sees side r mod V."""

    @abstractmethod
    def views_of(self, codec: Codec, tokens: Grid, identifier: int) -> Sequence[View]:
        """The sides of one puzzle, tokens int64 [L]: 1 to V of them, taken in turn where there are fewer.

        Called once when the puzzle is opened; each view is then embedded.
        """


class RewritingStrategy(Strategy):
    """A strategy that rewrites a puzzle between waves, in the light of the rollouts that have ended.

    Rollouts run in waves, with or without a stop rule, and pass@k is not defined. Stop rules, selectors and results
    see the puzzle itself.
    """

    @abstractmethod
    def rewrite(self, tokens: Tensor, answers: Tensor, q: Tensor) -> Tensor:
        """What the rollouts of the next wave see, int64 [P, L]. Called when a wave has ended with the puzzle open.

        Args:
            tokens: int64 [P, L], the P puzzles themselves.
            answers: int64 [P, K, L], of the rollouts that have ended.
            q: float32 [P, K], their last halt logits; -inf where a rollout has not started.
        """
