"""Which rollout answers: by the model's own Q head, by a vote, by the rules."""

from __future__ import annotations

from typing import Literal

import attrs
import torch
from attrs.validators import in_
from torch import Tensor

from tts.errors import TTSError
from tts.rollouts import verify
from tts.selector import Candidates, Selector
from tts.verifier import Verifier


@attrs.frozen
class QSelector(Selector):
    """The rollout of which the Q head thinks best: best-Q@K (PTRM, arXiv 2605.19943, section 3).

    Args:
        over: the q of the "last" step, or the "max" or "mean" over the steps taken; these two need a search with
            ``record=("q",)``.
    """

    over: Literal["last", "max", "mean"] = attrs.field(default="last", validator=in_(("last", "max", "mean")))

    def score(self, candidates: Candidates) -> Tensor:
        if self.over == "last":
            return candidates.q
        if "q" not in candidates.record:
            raise TTSError(f"QSelector({self.over!r}) needs q of every step: search with record=('q',)")
        q = candidates.record["q"]  # NaN where no step was taken
        if self.over == "max":
            return q.nan_to_num(nan=-torch.inf).amax(dim=2)
        return q.nanmean(dim=2)


@attrs.frozen
class MajorityVote(Selector):
    """The most frequent whole answer: mode@K. On ties, the answer of the lowest rollout.

    Args:
        weighted: a rollout's vote counts sigmoid(q) instead of 1.
    """

    weighted: bool = False

    @property
    def independent(self) -> bool:
        """No: votes are counted over all rollouts."""
        return False

    def score(self, candidates: Candidates) -> Tensor:
        weight = candidates.q.sigmoid() if self.weighted else torch.ones_like(candidates.q)
        return votes(candidates.answers, torch.where(candidates.eligible, weight, 0))


@attrs.frozen
class CellMajority(Selector):
    """The rollout that agrees on most cells with the majority of each cell."""

    @property
    def independent(self) -> bool:
        """No: the majority is that of all rollouts."""
        return False

    def score(self, candidates: Candidates) -> Tensor:
        answers, voters = candidates.answers, candidates.eligible.to(candidates.q.dtype)
        agreeing = torch.zeros_like(answers, dtype=candidates.q.dtype)
        for other in range(answers.shape[1]):  # a loop over K keeps the memory at [B, K, L]
            same = answers == answers[:, other : other + 1]
            agreeing += same * voters[:, other, None, None]
        majority = agreeing.argmax(dim=1, keepdim=True)  # per cell, the lowest rollout with the most agreement
        return (answers == answers.gather(1, majority)).sum(dim=2).to(candidates.q.dtype)


@attrs.frozen
class VerifierSelector(Selector):
    """A rollout that passes the rules: score 1, else 0. Verified@K; equals pass@K where solutions are unique.

    Args:
        verifier: the rules; by default those of the model's codec.
    """

    verifier: Verifier | None = None

    def score(self, candidates: Candidates) -> Tensor:
        verifier = candidates.rules("VerifierSelector", self.verifier)
        return verify(verifier, candidates.tokens, candidates.answers).to(candidates.q.dtype)


def votes(answers: Tensor, weights: Tensor) -> Tensor:
    """float [B, K]: for each of answers [B, K, L], the summed weights [B, K] of the rollouts that give it."""
    b, k, cells = answers.shape
    puzzle = torch.arange(b, device=answers.device).repeat_interleave(k).unsqueeze(1)
    rows = torch.cat([puzzle, answers.reshape(b * k, cells)], dim=1)
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    total = weights.new_zeros(b * k).index_add_(0, group, weights.reshape(-1))
    return total[group].reshape(b, k)
