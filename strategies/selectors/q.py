"""Selectors that ask the model: by its Q head, by how far its latents still moved, by when it halted."""

from __future__ import annotations

from typing import Literal

import attrs
import torch
from attrs.validators import in_
from jaxtyping import Float
from torch import Tensor

from tts.errors import TTSError
from tts.interfaces import Candidates, Selector


@attrs.frozen
class QSelector(Selector):
    """Pick the rollout with the highest Q: best-Q@K (PTRM, arXiv 2605.19943, section 3).

    Args:
        over: the q of the "last" step, or the "max" or "mean" over the steps taken; these two need a search with
            ``record=("q",)``.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), QSelector("max"), k=16, record=("q",))
    """

    over: Literal["last", "max", "mean"] = attrs.field(default="last", validator=in_(("last", "max", "mean")))

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        if self.over == "last":
            return candidates.q
        if "q" not in candidates.record:
            raise TTSError(f"QSelector({self.over!r}) needs q of every step: search with record=('q',)")
        q = candidates.record["q"]  # NaN where no step was taken
        if self.over == "max":
            return q.nan_to_num(nan=-torch.inf).amax(dim=2)
        return q.nanmean(dim=2)


@attrs.frozen
class ResidualSelector(Selector):
    """Pick the rollout nearest to a fixed point, with the smallest relative change of y in its last step (EqR).

    Examples:
        >>> search = Search(model, Restarts(), ResidualSelector(), k=16)
    """

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        return -candidates.residual


@attrs.frozen
class FirstHaltedSelector(Selector):
    """Pick the rollout whose Q fired after the fewest steps; those that never fired come last.

    In a search with ``record=("q",)`` the first step with q above the threshold counts, else the last step.

    Args:
        threshold: of q; the models halt at 0.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3), FirstHaltedSelector(), k=16, record=("q",))
    """

    threshold: float = 0.0

    def score(self, candidates: Candidates) -> Float[Tensor, "B K"]:
        if "q" in candidates.record:
            fired = candidates.record["q"] > self.threshold  # NaN, where no step was taken, is not above
            first = torch.where(fired.any(dim=2), fired.float().argmax(dim=2) + 1, 0)
        else:
            first = torch.where(candidates.q > self.threshold, candidates.steps, 0)
        return torch.where(first > 0, -first.to(candidates.q.dtype), -torch.inf)
