"""Selectors that look at how a rollout went: the rules it breaks, whether it settled, when it halted."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from tts.selector import Candidates, Selector
from tts.verifier import Verifier


@attrs.frozen
class FewestViolations(Selector):
    """The rollout with the fewest cells that take part in a broken rule; a verified one has none.

    Args:
        verifier: the rules; by default those of the model's codec.
    """

    verifier: Verifier | None = None

    def score(self, candidates: Candidates) -> Tensor:
        verifier = candidates.rules("FewestViolations", self.verifier)
        b, k, cells = candidates.answers.shape
        tokens = candidates.tokens.unsqueeze(1).expand(b, k, cells).reshape(b * k, cells)
        found = verifier.violations(tokens, candidates.answers.reshape(b * k, cells))
        # A rule may mark no cell of its own, so a broken rule counts for half a cell.
        broken = found.cells.sum(dim=1) + 0.5 * found.rules.any(dim=1)
        return -broken.reshape(b, k).to(candidates.q.dtype)


@attrs.frozen
class ResidualSelector(Selector):
    """The rollout nearest to a fixed point: the smallest relative change of y in its last step (EqR)."""

    def score(self, candidates: Candidates) -> Tensor:
        return -candidates.residual


@attrs.frozen
class FirstHaltedSelector(Selector):
    """The rollout whose Q fired after the fewest steps; those that never fired come last.

    Where the search kept ``record=("q",)`` the first step with q above the threshold counts, else the last step.

    Args:
        threshold: of q; the models halt at 0.
    """

    threshold: float = 0.0

    def score(self, candidates: Candidates) -> Tensor:
        if "q" in candidates.record:
            fired = candidates.record["q"] > self.threshold  # NaN, where no step was taken, is not above
            first = torch.where(fired.any(dim=2), fired.float().argmax(dim=2) + 1, 0)
        else:
            first = torch.where(candidates.q > self.threshold, candidates.steps, 0)
        return torch.where(first > 0, -first.to(candidates.q.dtype), -torch.inf)
