"""Selectors: which of the K rollouts answers for the puzzle."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int64, Shaped
from torch import Tensor

from tts.errors import ShapeError, TTSError
from tts.interfaces.checks import instance, name_of
from tts.interfaces.verifier import Verifier


@attrs.frozen(eq=False, kw_only=True)
class Candidates:
    """The rollouts a selector chooses among.

    Attributes:
        tokens: the puzzles.
        answers: the answer of each rollout's own last step.
        q: the halt logit of that step.
        steps: supervision steps taken.
        residual: the relative change of y in that step.
        eligible: the rollouts among which the search picks.
        record: what the search's ``record=`` asked for, by name.
        verifier: the rules over the model's tokens, None where none are known.
    """

    tokens: Int64[Tensor, "B L"]
    answers: Int64[Tensor, "B K L"]
    q: Float32[Tensor, "B K"]
    steps: Int64[Tensor, "B K"]
    residual: Float32[Tensor, "B K"]
    eligible: Bool[Tensor, "B K"]
    record: dict[str, Shaped[Tensor, "B K depth ..."]]
    verifier: Verifier | None

    def rules(self, who: str, own: Verifier | None) -> Verifier:
        """Return the selector's own rules, else those of the model's codec.

        Raises:
            TTSError: there are none; names ``who``.
        """
        rules = own or self.verifier
        if rules is None:
            raise TTSError(f"{who}() needs rules: the model's codec has no verifier; pass one")
        return rules


class Selector(ABC):
    """Scores rollouts; the search takes the highest, the lowest index on ties."""

    @abstractmethod
    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        """Return a score for each rollout, higher is better. Scores of rollouts that are not eligible are ignored."""

    @property
    def independent(self) -> bool:
        """Whether the order of two rollouts depends on these two alone; in a vote it does not.

        best@k, the best of every subset, is defined only then.
        """
        return True

    def then(self, other: Selector) -> Selector:
        """Return a selector that takes this one's choice, and ``other``'s among those it ties."""
        return Then(self, other)


@attrs.frozen
class Then(Selector):
    """Lexicographic: ``first`` decides, ``second`` breaks its ties."""

    first: Selector = attrs.field(validator=instance(Selector))
    second: Selector = attrs.field(validator=instance(Selector))

    @property
    def independent(self) -> bool:
        """True where both selectors are."""
        return self.first.independent and self.second.independent

    def score(self, candidates: Candidates) -> Float64[Tensor, "B K"]:
        """Return the rank under (first, second); equal pairs stay tied."""
        first, second = scored(self.first, candidates), scored(self.second, candidates)
        order = (rank(first) * first.shape[1] + rank(second)).to(torch.float64)
        return torch.where(first.isnan() | second.isnan(), torch.nan, order)


def scored(selector: Selector, candidates: Candidates) -> Float[Tensor, "B K"]:
    """Return the scores of a selector, -inf for rollouts that are not eligible.

    Raises:
        ShapeError: the selector did not return float [B, K].
    """
    scores, expected = selector.score(candidates), candidates.eligible.shape
    if not isinstance(scores, Tensor) or scores.shape != expected or not scores.is_floating_point():
        got = f"{scores.dtype} {list(scores.shape)}" if isinstance(scores, Tensor) else f"a {name_of(scores)}"
        raise ShapeError(f"{name_of(selector)}.score returned {got}; expected floating-point [B, K] = {list(expected)}")
    return scores.masked_fill(~candidates.eligible, -torch.inf)


def rank(scores: Float[Tensor, "B K"]) -> Int64[Tensor, "B K"]:
    """Return how many of a puzzle's rollouts each one beats; ties share a rank."""
    ordered = scores.sort(dim=1).values
    return torch.searchsorted(ordered, scores.contiguous(), right=False)
