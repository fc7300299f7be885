"""Selectors that ask the rules of the puzzle."""

from __future__ import annotations

import attrs
from jaxtyping import Float
from torch import Tensor

from tts.interfaces import Candidates, Selector, Verifier, passes


@attrs.frozen
class VerifierSelector(Selector):
    """Pick a rollout that passes the rules: score 1, else 0. Verified@K; equals pass@K where solutions are unique.

    Args:
        verifier: the rules; by default those of the model's codec.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), VerifierSelector().then(QSelector()), k=16)
    """

    verifier: Verifier | None = None

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        verifier = candidates.rules("VerifierSelector", self.verifier)
        return passes(verifier, candidates.tokens, candidates.answers).to(candidates.q.dtype)


@attrs.frozen
class FewestViolations(Selector):
    """Pick the rollout with the fewest cells that take part in a broken rule; a verified one has none.

    Args:
        verifier: the rules; by default those of the model's codec.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), FewestViolations().then(QSelector()), k=16)
    """

    verifier: Verifier | None = None

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        verifier = candidates.rules("FewestViolations", self.verifier)
        b, k, cells = candidates.answers.shape
        tokens = candidates.tokens.unsqueeze(1).expand(b, k, cells).reshape(b * k, cells)
        violations = verifier.violations(tokens, candidates.answers.reshape(b * k, cells))
        # A rule may mark no cell of its own, so a broken rule counts for half a cell.
        broken = violations.cells.sum(dim=1) + 0.5 * violations.rules.any(dim=1)
        return -broken.reshape(b, k).to(candidates.q.dtype)
