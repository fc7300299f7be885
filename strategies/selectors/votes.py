"""Selectors that ask the other rollouts, by a vote."""

from __future__ import annotations

import attrs
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from tts.interfaces import Candidates, Selector


@attrs.frozen
class MajorityVote(Selector):
    """Pick the most frequent whole answer: mode@K. On ties, the answer of the lowest rollout.

    Args:
        weighted: a rollout's vote counts sigmoid(q) instead of 1.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), MajorityVote(weighted=True), k=16)
    """

    weighted: bool = False

    @property
    def independent(self) -> bool:
        """False: votes are counted over all rollouts."""
        return False

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        q = candidates.q.double()  # whose sums are rounded once: no order of adding shows, on GPUs neither
        # Not torch.sigmoid: with AVX2 its last bits depend on the place in memory, in float64 too; those of exp do not.
        weight = 1 / (1 + torch.exp(-q)) if self.weighted else torch.ones_like(q)
        return votes(candidates.answers, torch.where(candidates.eligible, weight, 0)).to(candidates.q.dtype)


@attrs.frozen
class CellMajority(Selector):
    """Pick the rollout that agrees on most cells with the majority of each cell.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), CellMajority(), k=16)
    """

    @property
    def independent(self) -> bool:
        """False: the majority is that of all rollouts."""
        return False

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        answers, voters = candidates.answers, candidates.eligible.to(candidates.q.dtype)
        agreeing = torch.zeros_like(answers, dtype=candidates.q.dtype)
        for other in range(answers.shape[1]):  # a loop over K keeps the memory at [B, K, L]
            same = answers == answers[:, other : other + 1]
            agreeing += same * voters[:, other, None, None]
        majority = agreeing.argmax(dim=1, keepdim=True)  # per cell, the lowest rollout with the most agreement
        return (answers == answers.gather(1, majority)).sum(dim=2).to(candidates.q.dtype)


def votes(answers: Int64[Tensor, "B K L"], weights: Float[Tensor, "B K"]) -> Float[Tensor, "B K"]:
    """Return for each answer the summed weights of the rollouts that give it."""
    b, k, cells = answers.shape
    puzzle = torch.arange(b, device=answers.device).repeat_interleave(k).unsqueeze(1)
    rows = torch.cat([puzzle, answers.reshape(b * k, cells)], dim=1)
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    total = weights.new_zeros(b * k).index_add_(0, group, weights.reshape(-1))
    return total[group].reshape(b, k)
