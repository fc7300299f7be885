"""What a search returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

import attrs
import torch
from torch import Tensor

from tts.errors import RolloutError, TTSError
from tts.interfaces import Candidates, Selector, Verifier, blame, name_of, scored
from tts.interfaces.checks import verify
from tts.metrics import Curve, best_at_k, mode_at_k, pass_at_k


class Status(IntEnum):
    """How a rollout ended. Selectors see the finished and the halted ones."""

    NOT_STARTED = 0
    FINISHED = 1
    """Ran to full depth."""
    HALTED = 2
    """Retired by a stop rule."""
    CANCELLED = 3
    """Its puzzle ended while it ran."""


@attrs.frozen(eq=False)
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
        """Those of several searches, one after the other."""

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
        """bool [B, K]: equal to labels [B, L] on every cell whose label is not ``ignore``."""
        labels = labels.unsqueeze(1)
        return ((self.answers == labels) | (labels == ignore)).all(dim=2)


@attrs.frozen
class Cost:
    """What was spent.

    Attributes:
        lane_steps: supervision steps of rollouts.
        lane_steps_run: the same with the padding of blocks and the steps that were run again.
        seconds: wall-clock.
        flops: floating-point operations of ``lane_steps_run``; 0 where the model does not count them.
        embedded: puzzles embedded, each view of one counted, equal ones open together once (a look-up in TRM).
    """

    lane_steps: int
    lane_steps_run: int
    seconds: float
    flops: int
    embedded: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.lane_steps + other.lane_steps,
            self.lane_steps_run + other.lane_steps_run,
            self.seconds + other.seconds,
            self.flops + other.flops,
            self.embedded + other.embedded,
        )


@attrs.frozen(eq=False)
class Result:
    """Answers to B puzzles, and the rollouts they were picked from.

    Attributes:
        tokens: int64 [B, L], the puzzles.
        keys: int64 [B], the puzzle keys.
        answers: int64 [B, L].
        index: int64 [B], the rollout that answers.
        scores: [B, K], the selector's; -inf for rollouts it may not pick.
        winner: int64 [B], the rollout with which a stop rule ended the puzzle, else -1.
        rollouts: all of them.
        cost: what was spent.
        dtype, device: of the model that ran.
        verifier: the rules over the model's tokens, None where none are known.
        exchangeable: all rollouts ran and knew nothing of each other, so that pass@k and its kin are defined.
        independent: the scores are such that best@k is defined, too, see ``Selector.independent``.
    """

    tokens: Tensor
    keys: Tensor
    answers: Tensor
    index: Tensor
    scores: Tensor
    winner: Tensor
    rollouts: Rollouts
    cost: Cost
    dtype: torch.dtype
    device: torch.device
    verifier: Verifier | None
    exchangeable: bool = True
    independent: bool = True

    @property
    def valid(self) -> Tensor:
        """bool [B]: the answer passes the rules.

        Raises:
            TTSError: no rules are known for the model's tokens.
        """
        if self.verifier is None:
            raise TTSError("result.valid needs rules: the model's codec has no verifier; compare with labels instead")
        return self.verifier.valid(self.tokens, self.answers)

    def verified(self) -> Tensor:
        """bool [B, K]: the rollout passes the rules. Raises TTSError where none are known."""
        if self.verifier is None:
            raise TTSError("result.verified() needs rules: the model's codec has no verifier")
        started = self.rollouts.status != Status.NOT_STARTED
        return verify(self.verifier, self.tokens, self.rollouts.answers) & started

    def pass_at_k(self, labels: Tensor, ignore: int = 0) -> Curve:
        """pass@k for labels [B, L]. TTSError, as for its kin, where the rollouts are not exchangeable."""
        return pass_at_k(self._exchangeable().correct(labels, ignore))

    def best_at_k(self, labels: Tensor, ignore: int = 0) -> Curve:
        """best@k by the selector's scores for labels [B, L].

        Raises:
            TTSError: the rollouts are not exchangeable, or the scores are those of a vote, which change with k.
        """
        rollouts = self._exchangeable()
        if not self.independent:
            raise TTSError(
                "best@k needs scores that do not depend on the other rollouts, such as Q's; for a vote take mode_at_k, "
                "or result.select(QSelector()).best_at_k"
            )
        return best_at_k(rollouts.correct(labels, ignore), self.scores)

    def mode_at_k(self, labels: Tensor, ignore: int = 0) -> Curve:
        """mode@k for labels [B, L]; where an unlabelled cell makes equal answers differ, they vote apart."""
        rollouts = self._exchangeable()
        return mode_at_k(rollouts.correct(labels, ignore), rollouts.answers)

    def _exchangeable(self) -> Rollouts:
        if not self.exchangeable:
            raise TTSError(
                "pass@k and its kin are defined for exchangeable rollouts, not where a strategy couples them or a rule "
                "ends puzzles early; take the accuracy of .answers instead"
            )
        return self.rollouts

    @staticmethod
    def join(results: Sequence[Result], order: Tensor) -> Result:
        """Results one after the other, then their puzzles taken in ``order`` [B]; costs add up."""

        def joined(name: str) -> Tensor:
            return torch.cat([getattr(result, name) for result in results])[order]

        return attrs.evolve(
            results[0],
            tokens=joined("tokens"),
            keys=joined("keys"),
            answers=joined("answers"),
            index=joined("index"),
            scores=joined("scores"),
            winner=joined("winner"),
            rollouts=Rollouts.join([result.rollouts for result in results]).map(lambda x: x[order]),
            cost=sum((result.cost for result in results[1:]), start=results[0].cost),
        )

    def select(self, selector: Selector) -> Result:
        """The same rollouts, picked again. Nothing is run; puzzles that a stop rule ended are picked anew, too."""
        return choose(selector, attrs.evolve(self, winner=torch.full_like(self.winner, -1)))


def choose(selector: Selector, result: Result) -> Result:
    """Fill ``answers``, ``index`` and ``scores``: the winner where there is one, else the highest score."""
    rollouts = result.rollouts
    eligible = rollouts.eligible
    candidates = Candidates(
        tokens=result.tokens,
        answers=rollouts.answers.long(),
        q=rollouts.q,
        steps=rollouts.steps,
        residual=rollouts.residual,
        eligible=eligible,
        record=rollouts.record,
        verifier=result.verifier,
    )
    with blame(f"{name_of(selector)}.score", lambda: result.keys):
        scores = scored(selector, candidates)
    if bool(scores.isnan().any()):
        row, rollout = scores.isnan().nonzero()[0].tolist()
        raise RolloutError(
            f"{name_of(selector)}.score is NaN on puzzle key {int(result.keys[row])}, rollout {rollout}; "
            "give -inf to a rollout that shall not be picked"
        )
    # An eligible rollout with score -inf still beats one that may not be picked.
    best = scores.amax(dim=1, keepdim=True)
    index = ((scores == best) & eligible).to(torch.uint8).argmax(dim=1)
    index = torch.where(result.winner >= 0, result.winner, index)
    answers = rollouts.answers[torch.arange(len(index), device=index.device), index].long()
    return attrs.evolve(result, answers=answers, index=index, scores=scores, independent=selector.independent)
