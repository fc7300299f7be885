"""Which rollout answers: by the model's own Q head, by a vote, by the rules."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from tts.interfaces import Candidates, Selector


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


def votes(answers: Tensor, weights: Tensor) -> Tensor:
    """float [B, K]: for each of answers [B, K, L], the summed weights [B, K] of the rollouts that give it."""
    b, k, cells = answers.shape
    puzzle = torch.arange(b, device=answers.device).repeat_interleave(k).unsqueeze(1)
    rows = torch.cat([puzzle, answers.reshape(b * k, cells)], dim=1)
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    total = weights.new_zeros(b * k).index_add_(0, group, weights.reshape(-1))
    return total[group].reshape(b, k)
