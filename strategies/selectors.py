"""Which rollout answers: by the model's own Q head, by a vote, by the rules."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from tts.errors import TTSError
from tts.rollouts import verify
from tts.selector import Candidates, Selector
from tts.verifier import Verifier


@attrs.frozen
class QSelector(Selector):
    """The rollout of which the Q head thinks best at its last step: best-Q@K (PTRM, arXiv 2605.19943, section 3)."""

    def score(self, candidates: Candidates) -> Tensor:
        return candidates.q


@attrs.frozen
class MajorityVote(Selector):
    """The most frequent whole answer: mode@K. On ties, the answer of the lowest rollout."""

    def score(self, candidates: Candidates) -> Tensor:
        return votes(candidates.answers, candidates.eligible.to(candidates.q.dtype))


@attrs.frozen
class VerifierSelector(Selector):
    """A rollout that passes the rules: score 1, else 0. Verified@K; equals pass@K where solutions are unique.

    Args:
        verifier: the rules; by default those of the model's codec.
    """

    verifier: Verifier | None = None

    def score(self, candidates: Candidates) -> Tensor:
        verifier = self.verifier or candidates.verifier
        if verifier is None:
            raise TTSError("VerifierSelector() needs rules: the model's codec has no verifier; pass one")
        return verify(verifier, candidates.tokens, candidates.answers).to(candidates.q.dtype)


def votes(answers: Tensor, weights: Tensor) -> Tensor:
    """float [B, K]: for each of answers [B, K, L], the summed weights [B, K] of the rollouts that give it."""
    b, k, cells = answers.shape
    puzzle = torch.arange(b, device=answers.device).repeat_interleave(k).unsqueeze(1)
    rows = torch.cat([puzzle, answers.reshape(b * k, cells)], dim=1)
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    total = weights.new_zeros(b * k).index_add_(0, group, weights.reshape(-1))
    return total[group].reshape(b, k)
