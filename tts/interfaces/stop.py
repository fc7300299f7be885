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

from tts.errors import ShapeError
from tts.interfaces.checks import blame, check_flags, instance, name_of
from tts.interfaces.verifier import Verifier


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
        retire: bool [N], retire the lane; its rollout counts as halted and stays eligible.
        end: bool [N], end the lane's puzzle; its other lanes are cancelled.
        win: bool [N], the lane's answer is the puzzle's. The least rollout of the puzzle wins; where a puzzle ends
            with no winner, the selector chooses.
    """

    retire: Tensor
    end: Tensor
    win: Tensor


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
        return Verdict(a.retire | b.retire, a.end | b.end, a.win | b.win)


def judged(stop: Stop, view: StopView) -> Verdict:
    """What a rule decides, checked. RolloutError, naming the rule, where it fails or returns other shapes."""
    with blame(f"{name_of(stop)}.done"):
        verdict = stop.done(view)
        if not isinstance(verdict, Verdict):
            raise ShapeError(f"done returned a {name_of(verdict)}; expected a Verdict")
        for name in ("retire", "end", "win"):
            check_flags(f"done ({name})", getattr(verdict, name), len(view.step))
    return verdict
