"""Stop rules: when to retire a rollout, or to end a whole puzzle."""

from __future__ import annotations

import attrs
import torch
from jaxtyping import Bool
from torch import Tensor

from tts.errors import TTSError
from tts.interfaces import Stop, StopView, Verdict, Verifier, instance, passes, positive


@attrs.frozen
class Halted(Stop):
    """Retire a lane when its Q fires: q > threshold (TRM halts at 0; arXiv 2510.04871, section 4).

    With the default threshold the model's own halting rule decides, which in HRM compares halt with continue.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), QSelector(), k=16, stop=Halted())
    """

    threshold: float = 0.0
    ends_puzzles = False

    def done(self, view: StopView) -> Verdict:
        fired = _fired(view, self.threshold)
        none = torch.zeros_like(fired)
        return Verdict(fired, none, none)


@attrs.frozen
class FirstHalted(Stop):
    """End a puzzle when the Q of n of its rollouts has fired. With n = 1 the first wins; else the selector chooses.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), QSelector(), k=16, stop=FirstHalted())
    """

    n: int = attrs.field(default=1, validator=positive)
    threshold: float = 0.0
    ends_puzzles = True

    @property
    def ends_lanes(self) -> bool:
        return self.n > 1

    def done(self, view: StopView) -> Verdict:
        fired = _fired(view, self.threshold)
        before = view.ended_halt if self.threshold == 0.0 else view.ended_q > self.threshold
        ends = fired & (view.per_puzzle(fired) + before.sum(dim=1)[view.puzzle] >= self.n)
        return Verdict(fired, ends, ends if self.n == 1 else torch.zeros_like(ends))


@attrs.frozen
class Verified(Stop):
    """End a puzzle when a rollout passes the rules; that rollout wins.

    Args:
        verifier: the rules; by default those of the model's codec.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), QSelector(), k=16, stop=Verified())
    """

    verifier: Verifier | None = attrs.field(default=None, validator=attrs.validators.optional(instance(Verifier)))
    ends_puzzles = True
    ends_lanes = False

    def done(self, view: StopView) -> Verdict:
        verifier = self.verifier or view.verifier
        if verifier is None:
            raise TTSError("Verified() needs rules: the model's codec has no verifier; pass Verified(verifier)")
        valid = passes(verifier, view.tokens, view.answers)
        return Verdict(valid, valid, valid)


@attrs.frozen
class Converged(Stop):
    """Retire a lane when its answer is the same as a step before and its latent has stopped moving.

    Args:
        tol: largest relative change of y in a step, |y_t - y_(t-1)| / |y_(t-1)|. ``inf`` asks for an unchanged answer
            only. Noise on y keeps the residual up.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), QSelector(), k=16, stop=Converged(0.01))
    """

    tol: float = attrs.field(validator=attrs.validators.gt(0))
    ends_puzzles = False

    def done(self, view: StopView) -> Verdict:
        still = (view.answers == view.previous).all(dim=1) & (view.residual <= self.tol)
        none = torch.zeros_like(still)
        return Verdict(still, none, none)


@attrs.frozen
class Budget(Stop):
    """End a puzzle when it has spent this many lane-steps. A wave steps together, so it may overshoot by one wave.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), QSelector(), k=16, stop=Budget(100))
    """

    lane_steps: int = attrs.field(validator=positive)
    ends_puzzles = True
    ends_lanes = False

    def done(self, view: StopView) -> Verdict:
        spent = view.spent >= self.lane_steps
        none = torch.zeros_like(spent)
        return Verdict(none, spent, none)


def _fired(view: StopView, threshold: float) -> Bool[Tensor, " N"]:
    """Return the lanes whose Q fires; at a threshold of 0 the model's own rule says which."""
    return view.halt if threshold == 0.0 else view.q > threshold
