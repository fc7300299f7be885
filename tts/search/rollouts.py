"""Every rollout of a search: how it ended, its answer, what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

import attrs
import torch
from torch import Tensor


class Status(IntEnum):
    """How a rollout ended. Selectors see the finished and the halted ones."""

    NOT_STARTED = 0
    FINISHED = 1
    """Ran to full depth."""
    HALTED = 2
    """Retired by a stop rule."""
    CANCELLED = 3
    """Its puzzle ended while it ran."""
    RUNNING = 4
    """In a lane; never seen outside a search."""


@attrs.frozen(eq=False, kw_only=True)
class Rollouts:
    """Every rollout of B puzzles; answers and q are those of the rollout's own last step.

    Attributes:
        answers: int16 [B, K, L] (int32 for vocabularies beyond int16), zeros where not started.
        q: float32 [B, K], the halt logit; -inf where not started. A q just above 0 at an early stop is not comparable
            with the q of a rollout that ran to full depth.
        residual: float32 [B, K], the relative change of y in the last step, |y_t - y_(t-1)| / |y_(t-1)|; inf where not
            started.
        steps: int64 [B, K], supervision steps taken.
        status: int8 [B, K], see Status.
        record: what ``record=`` asked for, by name, [B, K, depth, ...]; NaN (answers: 0) where no step was
            taken.
    """

    answers: Tensor
    q: Tensor
    residual: Tensor
    steps: Tensor
    status: Tensor
    record: dict[str, Tensor]

    @property
    def eligible(self) -> Tensor:
        """bool [B, K]: finished or halted; the cancelled ones where a puzzle has neither."""
        done = (self.status == Status.FINISHED) | (self.status == Status.HALTED)
        return torch.where(done.any(dim=1, keepdim=True), done, self.status == Status.CANCELLED)

    def map(self, change: Callable[[Tensor], Tensor]) -> Rollouts:
        """Apply ``change`` to every tensor."""
        return Rollouts(
            answers=change(self.answers),
            q=change(self.q),
            residual=change(self.residual),
            steps=change(self.steps),
            status=change(self.status),
            record={name: change(x) for name, x in self.record.items()},
        )

    @staticmethod
    def join(parts: Sequence[Rollouts]) -> Rollouts:
        """Join the rollouts of several searches, one after the other."""

        def joined(name: str) -> Tensor:
            return torch.cat([getattr(part, name) for part in parts])

        return Rollouts(
            answers=joined("answers"),
            q=joined("q"),
            residual=joined("residual"),
            steps=joined("steps"),
            status=joined("status"),
            record={name: torch.cat([part.record[name] for part in parts]) for name in parts[0].record},
        )

    def correct(self, labels: Tensor, ignore: int = 0) -> Tensor:
        """Return bool [B, K]: equal to labels [B, L] on every cell whose label is not ``ignore``."""
        labels = labels.unsqueeze(1)
        return ((self.answers == labels) | (labels == ignore)).all(dim=2)


@attrs.frozen(kw_only=True)
class Cost:
    """The cost of a search.

    Attributes:
        lane_steps: supervision steps of rollouts.
        lane_steps_run: the same with the padding of blocks and the steps that were run again.
        seconds: wall-clock.
        flops: floating-point operations of ``lane_steps_run``; 0 where the model does not count them.
        embedded: puzzles embedded; each view of one counts, equal ones that are open together count once (a look-up
            in TRM).
    """

    lane_steps: int
    lane_steps_run: int
    seconds: float
    flops: int
    embedded: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            lane_steps=self.lane_steps + other.lane_steps,
            lane_steps_run=self.lane_steps_run + other.lane_steps_run,
            seconds=self.seconds + other.seconds,
            flops=self.flops + other.flops,
            embedded=self.embedded + other.embedded,
        )
