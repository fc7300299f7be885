"""Selectors that ask the rules."""

from __future__ import annotations

import attrs
from torch import Tensor

from tts.interfaces import Candidates, Selector, Verifier
from tts.interfaces.checks import verify


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
