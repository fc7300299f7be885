"""Grouped: a selector within groups of rollouts, another across them."""

from __future__ import annotations

import attrs
import torch
from attrs.validators import ge
from jaxtyping import Float, Int64
from torch import Tensor

from tts.interfaces import Candidates, Selector


@attrs.frozen
class Grouped(Selector):
    """Pick one rollout in each group with ``within``, then one among those with ``across``.

    With QSelector within and MajorityVote across, this is PTRM's pipeline for ARC (arXiv 2605.19943): best-Q within
    each augmented view, then a vote across the views. Rollout r belongs to group r mod ``n_views``, the view that
    SymmetricViews shows it.

    Args:
        within, across: the selectors.
        n_views: number of groups.

    Examples:
        >>> selector = Grouped(QSelector(), MajorityVote(), n_views=8)
        >>> search = Search(model, SymmetricViews(GaussianNoise(0.3), n_views=8), selector, k=16)
    """

    within: Selector
    across: Selector
    n_views: int = attrs.field(validator=ge(1))

    @property
    def independent(self) -> bool:
        """False: each group has one rollout that may win."""
        return False

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        scores, eligible = self.within.score(candidates), candidates.eligible
        b, k = eligible.shape
        group = torch.arange(k, device=scores.device) % self.n_views
        chosen = torch.zeros(b, min(self.n_views, k), dtype=torch.int64, device=scores.device)
        for view in range(chosen.shape[1]):  # a loop over groups, each of them for all puzzles at once
            allowed = eligible & (group == view)
            best = torch.where(allowed, scores, -torch.inf).amax(dim=1, keepdim=True)
            # the lowest eligible rollout of the group with the best score, or its first rollout where none is eligible
            rank = ((scores == best) & allowed).to(torch.int8) * 2 + (group == view).to(torch.int8)
            chosen[:, view] = rank.argmax(dim=1)
        result = torch.full_like(scores, -torch.inf)
        return result.scatter(1, chosen, self.across.score(_only(candidates, chosen)).to(scores.dtype))


def _only(candidates: Candidates, chosen: Int64[Tensor, "B G"]) -> Candidates:
    """Return the candidates whose rollout numbers are chosen."""

    def take(values: Tensor) -> Tensor:
        index = chosen.reshape(*chosen.shape, *([1] * (values.ndim - 2))).expand(*chosen.shape, *values.shape[2:])
        return values.gather(1, index)

    return attrs.evolve(
        candidates,
        answers=take(candidates.answers),
        q=take(candidates.q),
        steps=take(candidates.steps),
        residual=take(candidates.residual),
        eligible=take(candidates.eligible),
        record={name: take(value) for name, value in candidates.record.items()},
    )
