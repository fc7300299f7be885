"""Selector: which of the K rollouts answers for the puzzle."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
import torch
from torch import Tensor

from tts.errors import ShapeError, TTSError
from tts.interfaces.checks import instance, name_of
from tts.interfaces.verifier import Verifier


@attrs.frozen(eq=False)
class Candidates:
    """The rollouts a selector chooses among.

    Attributes:
        tokens: int64 [B, L], the puzzles.
        answers: int64 [B, K, L], the answer of each rollout's own last step.
        q: float32 [B, K], the halt logit of that step.
        steps: int64 [B, K], supervision steps taken.
        residual: float32 [B, K], the relative change of y in that step.
        eligible: bool [B, K]; the search never picks a rollout outside it.
        record: what the search's ``record=`` asked for, by name, [B, K, depth, ...].
        verifier: the rules over the model's tokens, None where none are known.
    """

    tokens: Tensor
    answers: Tensor
    q: Tensor
    steps: Tensor
    residual: Tensor
    eligible: Tensor
    record: dict[str, Tensor]
    verifier: Verifier | None

    def rules(self, who: str, own: Verifier | None) -> Verifier:
        """The selector's own rules, else those of the model's codec; TTSError naming ``who`` where there are none."""
        rules = own or self.verifier
        if rules is None:
            raise TTSError(f"{who}() needs rules: the model's codec has no verifier; pass one")
        return rules


class Selector(ABC):
    """Scores rollouts; the search takes the highest, the lowest index on ties."""

    @abstractmethod
    def score(self, candidates: Candidates) -> Tensor:
        """float [B, K], higher is better. Scores of rollouts that are not eligible are ignored."""

    @property
    def independent(self) -> bool:
        """Whether which of two rollouts scores higher depends on these two alone; in a vote it does not.

        best@k, the best of every subset, is defined where it does.
        """
        return True

    def then(self, other: Selector) -> Selector:
        """This selector first, ``other`` among those it ties."""
        return Then(self, other)


@attrs.frozen
class Then(Selector):
    """Lexicographic: ``first`` decides, ``second`` breaks its ties."""

    first: Selector = attrs.field(validator=instance(Selector))
    second: Selector = attrs.field(validator=instance(Selector))

    @property
    def independent(self) -> bool:
        """Where both are."""
        return self.first.independent and self.second.independent

    def score(self, candidates: Candidates) -> Tensor:
        """float64 [B, K]: the dense rank under (first, second); equal pairs stay tied."""
        first, second = scored(self.first, candidates), scored(self.second, candidates)
        order = (rank(first) * first.shape[1] + rank(second)).to(torch.float64)
        return torch.where(first.isnan() | second.isnan(), torch.nan, order)


def scored(selector: Selector, candidates: Candidates) -> Tensor:
    """The scores [B, K] of a selector, -inf for rollouts that are not eligible.

    Raises:
        ShapeError: the selector returned something else than float [B, K].
    """
    scores, expected = selector.score(candidates), candidates.eligible.shape
    if not isinstance(scores, Tensor) or scores.shape != expected or not scores.is_floating_point():
        got = f"{scores.dtype} {list(scores.shape)}" if isinstance(scores, Tensor) else f"a {name_of(scores)}"
        raise ShapeError(f"{name_of(selector)}.score returned {got}; expected floating-point [B, K] = {list(expected)}")
    return scores.masked_fill(~candidates.eligible, -torch.inf)


def rank(scores: Tensor) -> Tensor:
    """int64 [B, K]: how many of a puzzle's rollouts each one beats; ties share a rank."""
    ordered = scores.sort(dim=1).values
    return torch.searchsorted(ordered, scores.contiguous(), right=False)
