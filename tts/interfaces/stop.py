"""Stop rules: when to retire a rollout, or to end a whole puzzle.

Without a rule a search runs every rollout to full depth (PTRM, arXiv 2605.19943, figure 4). A rule that can end a
puzzle makes the search run its rollouts in waves, so that the later ones are started only while the puzzle is open.

A q just above 0 at an early stop is not comparable with the q of +6 that a solved rollout reaches at full depth. Where
lanes stop early, pick by rules or by a vote, or take the first that stopped, rather than by Q.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from tts.errors import ShapeError
from tts.interfaces.checks import blame, check_flags, instance, name_of
from tts.interfaces.verifier import Verifier


@attrs.frozen(eq=False, kw_only=True)
class StopView:
    """The N lanes in flight after a supervision step, as a rule sees them.

    Attributes:
        tokens: the puzzles.
        answers: after this step.
        previous: the answers after the step before; the puzzle's tokens at step 1.
        q: the halt logit.
        halt: whether the model would stop here.
        residual: the relative change of y in this step.
        step: steps taken, from 1.
        puzzle: lanes with the same number work on the same puzzle; numbers run below P.
        ended_q: the halt logit at the last step of rollouts that have ended; -inf for the others.
        ended_halt: whether the model would have stopped there.
        spent: lane-steps of the lane's puzzle so far, this step included.
        verifier: the rules over the model's tokens, None where none are known.
    """

    tokens: Int64[Tensor, "N L"]
    answers: Int64[Tensor, "N L"]
    previous: Int64[Tensor, "N L"]
    q: Float32[Tensor, " N"]
    halt: Bool[Tensor, " N"]
    residual: Float32[Tensor, " N"]
    step: Int64[Tensor, " N"]
    puzzle: Int64[Tensor, " N"]
    ended_q: Float32[Tensor, "P K"]
    ended_halt: Bool[Tensor, "P K"]
    spent: Int64[Tensor, " N"]
    verifier: Verifier | None

    def per_puzzle(self, flags: Bool[Tensor, " N"]) -> Int64[Tensor, " N"]:
        """Return how many lanes of the lane's own puzzle have their flag set."""
        count = torch.zeros(len(self.ended_q), dtype=torch.int64, device=flags.device)
        return count.index_add_(0, self.puzzle, flags.long())[self.puzzle]


@attrs.frozen(eq=False)
class Verdict:
    """The decision of a rule over N lanes.

    Attributes:
        retire: the lane is retired; its rollout counts as halted and stays eligible.
        end: the lane's puzzle ends; its other lanes are cancelled.
        win: the lane's answer is the puzzle's. Among several the lowest rollout wins; where a puzzle ends without a
            winner, the selector chooses.
    """

    retire: Bool[Tensor, " N"]
    end: Bool[Tensor, " N"]
    win: Bool[Tensor, " N"]


class Stop(ABC):
    """Decides after each supervision step which lanes to retire and which puzzles to end."""

    @property
    @abstractmethod
    def ends_puzzles(self) -> bool:
        """Whether the rule can end a whole puzzle. Then rollouts run in waves, and pass@k is not defined."""

    @property
    def ends_lanes(self) -> bool:
        """Whether the rule can retire a rollout and leave its puzzle open, which coupled strategies do not allow."""
        return True

    @abstractmethod
    def done(self, view: StopView) -> Verdict:
        """Return the verdict over N lanes."""

    def __or__(self, other: Stop) -> Stop:
        """Return a rule that stops when either does."""
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
        return Verdict(a.retire | b.retire, a.end | b.end, a.win | b.win)


def judged(stop: Stop, view: StopView) -> Verdict:
    """Return the checked verdict of a rule.

    Raises:
        RolloutError: the rule failed or returned other shapes; names it.
    """
    with blame(f"{name_of(stop)}.done"):
        verdict = stop.done(view)
        if not isinstance(verdict, Verdict):
            raise ShapeError(f"done returned a {name_of(verdict)}; expected a Verdict")
        for name in ("retire", "end", "win"):
            check_flags(f"done ({name})", getattr(verdict, name), len(view.step))
    return verdict
