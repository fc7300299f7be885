"""The result of a search: the answers, and the rollouts they were picked from."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from tts.errors import RolloutError, TTSError
from tts.interfaces import Candidates, Selector, Verifier, blame, name_of, passes, scored
from tts.metrics import Curve, best_at_k, mode_at_k, pass_at_k
from tts.search.rollouts import Cost, Rollouts, Status


@attrs.frozen(eq=False, kw_only=True)
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
        independent: best@k is defined for the scores, too, see ``Selector.independent``.
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
        return passes(self.verifier, self.tokens, self.answers)

    def verified(self) -> Tensor:
        """Return bool [B, K]: the rollout passes the rules.

        Raises:
            TTSError: no rules are known.
        """
        if self.verifier is None:
            raise TTSError("result.verified() needs rules: the model's codec has no verifier")
        started = self.rollouts.status != Status.NOT_STARTED
        return passes(self.verifier, self.tokens, self.rollouts.answers) & started

    def pass_at_k(self, labels: Tensor, ignore: int = 0) -> Curve:
        """Return pass@k for labels [B, L].

        Raises:
            TTSError: the rollouts are not exchangeable.
        """
        return pass_at_k(self._exchangeable().correct(labels, ignore))

    def best_at_k(self, labels: Tensor, ignore: int = 0) -> Curve:
        """Return best@k by the selector's scores for labels [B, L].

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
        """Return mode@k for labels [B, L]; answers that differ on an unlabelled cell alone vote apart.

        Raises:
            TTSError: the rollouts are not exchangeable.
        """
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
        """Join results one after the other, then take their puzzles in ``order`` [B]; costs add up."""

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
        """Pick again among the same rollouts, without running any; puzzles that a stop rule ended included."""
        return choose(selector, attrs.evolve(self, winner=torch.full_like(self.winner, -1)))


@attrs.frozen(eq=False)
class Pick:
    """The rollouts that answer for B puzzles: answers, index, scores and independent as in Result."""

    answers: Tensor
    index: Tensor
    scores: Tensor
    independent: bool


def pick_of(
    selector: Selector, *, tokens: Tensor, keys: Tensor, rollouts: Rollouts, winner: Tensor, verifier: Verifier | None
) -> Pick:
    """Return the winner where there is one, else the rollout with the selector's highest score.

    Raises:
        RolloutError: the selector failed, or gave a NaN to a rollout that may be picked.
    """
    eligible = rollouts.eligible
    candidates = Candidates(
        tokens=tokens,
        answers=rollouts.answers.long(),
        q=rollouts.q,
        steps=rollouts.steps,
        residual=rollouts.residual,
        eligible=eligible,
        record=rollouts.record,
        verifier=verifier,
    )
    with blame(f"{name_of(selector)}.score", lambda: keys):
        scores = scored(selector, candidates)
    if bool(scores.isnan().any()):
        row, rollout = scores.isnan().nonzero()[0].tolist()
        raise RolloutError(
            f"{name_of(selector)}.score is NaN on puzzle key {int(keys[row])}, rollout {rollout}; "
            "give -inf to a rollout that shall not be picked"
        )
    # An eligible rollout with score -inf still beats one that may not be picked.
    best = scores.amax(dim=1, keepdim=True)
    index = ((scores == best) & eligible).to(torch.uint8).argmax(dim=1)
    index = torch.where(winner >= 0, winner, index)
    answers = rollouts.answers[torch.arange(len(index), device=index.device), index].long()
    return Pick(answers, index, scores, selector.independent)


def choose(selector: Selector, result: Result) -> Result:
    """Pick again among the rollouts of a result; puzzles that a stop rule ended keep their winner."""
    pick = pick_of(
        selector,
        tokens=result.tokens,
        keys=result.keys,
        rollouts=result.rollouts,
        winner=result.winner,
        verifier=result.verifier,
    )
    return attrs.evolve(
        result, answers=pick.answers, index=pick.index, scores=pick.scores, independent=pick.independent
    )
