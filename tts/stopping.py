"""Stop rules: when a rollout, or a whole puzzle, has had enough.

Without a rule a search runs every rollout to full depth (PTRM, arXiv 2605.19943, figure 4). A rule that can end a
puzzle makes the search run its rollouts in waves, so that the later ones are started only while the puzzle is open.

A q just above 0 at an early stop is not comparable with the q of +6 that a solved rollout reaches at full depth. Where
lanes stop early, pick by rules or by a vote, or take the first that stopped, rather than by Q.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
import torch
from torch import Tensor

from tts.checks import blame, check_flags, instance, name_of, passes, positive
from tts.errors import ShapeError, TTSError
from tts.verifier import Verifier


@attrs.frozen(eq=False)
class StopView:
    """What a rule sees of the N lanes in flight after a supervision step.

    Attributes:
        tokens: int64 [N, L], the puzzles.
        answers: int64 [N, L], after this step.
        previous: int64 [N, L], after the step before; the puzzle's tokens at step 1.
        q: float32 [N], the halt logit. halt: bool [N], the model would stop here.
        residual: float32 [N], the relative change of y in this step.
        step: int64 [N], steps taken, from 1.
        puzzle: int64 [N], lanes with the same number work on the same puzzle; numbers run below P.
        ended_q: float32 [P, K], the halt logit at the last step of rollouts that have ended; -inf for the others.
        ended_halt: bool [P, K], the model would have stopped there.
        spent: int64 [N], lane-steps of the lane's puzzle so far, this step included.
        verifier: the rules over the model's tokens, None where none are known.
    """

    tokens: Tensor
    answers: Tensor
    previous: Tensor
    q: Tensor
    halt: Tensor
    residual: Tensor
    step: Tensor
    puzzle: Tensor
    ended_q: Tensor
    ended_halt: Tensor
    spent: Tensor
    verifier: Verifier | None

    def per_puzzle(self, flags: Tensor) -> Tensor:
        """int64 [N]: how many lanes of the lane's own puzzle have flags [N] set."""
        count = torch.zeros(len(self.ended_q), dtype=torch.int64, device=flags.device)
        return count.index_add_(0, self.puzzle, flags.long())[self.puzzle]


@attrs.frozen(eq=False)
class Verdict:
    """What a rule decides.

    Attributes:
        lane: bool [N], retire the lane; its rollout counts as halted and stays eligible.
        puzzle: bool [N], end the lane's puzzle; its other lanes are cancelled.
        wins: bool [N], the lane's answer is the puzzle's. The least rollout of the puzzle wins; where a puzzle ends
            with no winner, the selector chooses.
    """

    lane: Tensor
    puzzle: Tensor
    wins: Tensor


class Stop(ABC):
    """Decides after each supervision step which lanes to retire and which puzzles to end."""

    @property
    @abstractmethod
    def ends_puzzles(self) -> bool:
        """Whether the rule can end a whole puzzle. Then rollouts run in waves, and pass@k is not defined."""

    @property
    def ends_lanes(self) -> bool:
        """Whether the rule can retire a rollout and leave its puzzle open, which coupled strategies do not bear."""
        return True

    @abstractmethod
    def done(self, view: StopView) -> Verdict:
        """The verdict over N lanes."""

    def __or__(self, other: Stop) -> Stop:
        """Stop when either rule says so."""
        return Either(self, other)


@attrs.frozen
class Either(Stop):
    """``first | second``."""

    first: Stop = attrs.field(validator=instance(Stop))
    second: Stop = attrs.field(validator=instance(Stop))

    @property
    def ends_puzzles(self) -> bool:
        return self.first.ends_puzzles or self.second.ends_puzzles

    @property
    def ends_lanes(self) -> bool:
        return self.first.ends_lanes or self.second.ends_lanes

    def done(self, view: StopView) -> Verdict:
        a, b = judged(self.first, view), judged(self.second, view)
        return Verdict(a.lane | b.lane, a.puzzle | b.puzzle, a.wins | b.wins)


@attrs.frozen
class Halted(Stop):
    """A lane retires when its Q fires: q > threshold (TRM halts at 0; arXiv 2510.04871, section 4).

    With the default threshold the model's own halting rule decides, which in HRM compares halt with continue.
    """

    threshold: float = 0.0
    ends_puzzles = False

    def done(self, view: StopView) -> Verdict:
        fired = _fired(view, self.threshold)
        none = torch.zeros_like(fired)
        return Verdict(fired, none, none)


@attrs.frozen
class FirstHalted(Stop):
    """A puzzle ends when n of its rollouts have fired. With n = 1 the first to halt wins; else the selector chooses."""

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
    """A puzzle ends when a rollout passes the rules; that rollout wins.

    Args:
        verifier: the rules; by default those of the model's codec.
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
    """A lane retires when its answer is the one of the step before and its latent has stopped moving.

    Args:
        tol: largest relative change of y in a step, |y_t - y_(t-1)| / |y_(t-1)|. ``inf`` asks for an unchanged answer
            only. Noise on y keeps the residual up.
    """

    tol: float = attrs.field(validator=attrs.validators.gt(0))
    ends_puzzles = False

    def done(self, view: StopView) -> Verdict:
        still = (view.answers == view.previous).all(dim=1) & (view.residual <= self.tol)
        none = torch.zeros_like(still)
        return Verdict(still, none, none)


@attrs.frozen
class Budget(Stop):
    """A puzzle ends when it has spent this many lane-steps. A wave goes in step, so it may overshoot by one wave."""

    lane_steps: int = attrs.field(validator=positive)
    ends_puzzles = True
    ends_lanes = False

    def done(self, view: StopView) -> Verdict:
        spent = view.spent >= self.lane_steps
        none = torch.zeros_like(spent)
        return Verdict(none, spent, none)


def judged(stop: Stop, view: StopView) -> Verdict:
    """What a rule decides, checked. RolloutError, naming the rule, where it fails or returns other shapes."""
    with blame(f"{name_of(stop)}.done"):
        verdict = stop.done(view)
        if not isinstance(verdict, Verdict):
            raise ShapeError(f"done returned a {name_of(verdict)}; expected a Verdict")
        for name in ("lane", "puzzle", "wins"):
            check_flags(f"done ({name})", getattr(verdict, name), len(view.step))
    return verdict


def _fired(view: StopView, threshold: float) -> Tensor:
    return view.halt if threshold == 0.0 else view.q > threshold
