"""Pinning: cells that confident rollouts agree on are written into the puzzle."""

from __future__ import annotations

import attrs
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

from tts.interfaces import RewritingStrategy, State, StepView, Strategy, Streams, positive
from tts.strategies._shared import plain_strategy
from tts.strategies.noise import Identity


@attrs.frozen
class Pinning(RewritingStrategy):
    """Write into the puzzle what its confident rollouts agree on, for the rollouts of the next wave.

    A rollout is confident when it ended with q > ``threshold``. Where a puzzle has ``least`` of them or more, every
    blank cell to which all of them give the same token holds that token for the rollouts of the next wave. Each wave
    begins from the puzzle itself, so a later rollout that disagrees frees a cell again. A rollout that saw pinned cells
    is likely to repeat them, so their agreement is worth less than that of the first waves.

    The model must read answers as clues, as sudoku models do. Each rewritten puzzle is embedded again, which
    ``cost.embedded`` counts.

    Args:
        inner: what makes the rollouts differ.
        threshold: of q.
        least: confident rollouts that must agree.
        blank: the token of a cell to be filled: 1 in the default tokens of all varieties but heyawake, whose empty
            cells have many.

    Examples:
        >>> search = Search(model, Pinning(GaussianNoise(0.3), threshold=2.0), QSelector(), k=16)
    """

    inner: Strategy = attrs.field(factory=Identity, validator=plain_strategy)
    threshold: float = attrs.field(default=0.0, kw_only=True)
    least: int = attrs.field(default=2, validator=positive, kw_only=True)
    blank: int = attrs.field(default=1, kw_only=True)

    def perturb(self, view: StepView, rng: Streams) -> State:
        return self.inner.perturb(view, rng)

    def memory(self, n: int) -> dict[str, Shaped[Tensor, "{n} ..."]]:
        return self.inner.memory(n)

    def rewrite(
        self, tokens: Int64[Tensor, "P L"], answers: Int64[Tensor, "P K L"], q: Float32[Tensor, "P K"]
    ) -> Int64[Tensor, "P L"]:
        confident = q > self.threshold
        first = answers.take_along_dim(confident.byte().argmax(dim=1)[:, None, None], dim=1)
        agreed = ((answers == first) | ~confident[:, :, None]).all(dim=1)
        pinned = agreed & (confident.sum(dim=1) >= self.least)[:, None] & (tokens == self.blank)
        return tokens.where(~pinned, first[:, 0])
