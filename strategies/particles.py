"""GuidedParticles: rollouts with a low Q are replaced by copies of those with a high Q."""

from __future__ import annotations

import attrs
import torch
from attrs.validators import and_, ge, gt, le
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

from tts.interfaces import CoupledStrategy, State, StepView, Strategy, Streams, positive
from tts.strategies._shared import plain_strategy


@attrs.frozen
class GuidedParticles(CoupledStrategy):
    """Resample the rollouts of a puzzle by Q while they run (arXiv 2605.25230).

    Every ``every`` steps a rollout weighs w = softmax(q / temperature) over the K of its puzzle. Where the effective
    sample size 1 / sum w^2 is below ``threshold`` * K, the K rollouts continue from parents drawn by systematic
    resampling: one uniform u, and the rollouts in which the cumulated weights pass (u + i) / K for i = 0 to K - 1. A
    rollout with weight w has floor(K w) or ceil(K w) children.

    Args:
        inner: what makes the rollouts differ, also those of one parent.
        every: steps from one resampling to the next.
        temperature: of the softmax; the lower, the more the best rollouts are favoured.
        threshold: of the effective sample size, as a share of K: 1 resamples whenever weights differ, 0 never.

    Examples:
        >>> search = Search(model, GuidedParticles(GaussianNoise(0.3)), QSelector(), k=16)
    """

    inner: Strategy = attrs.field(validator=plain_strategy)
    every: int = attrs.field(default=1, validator=positive, kw_only=True)
    temperature: float = attrs.field(default=1.0, validator=gt(0.0), kw_only=True)
    threshold: float = attrs.field(default=0.5, validator=and_(ge(0.0), le(1.0)), kw_only=True)

    def perturb(self, view: StepView, rng: Streams) -> State:
        return self.inner.perturb(view, rng)

    def memory(self, n: int) -> dict[str, Shaped[Tensor, "{n} ..."]]:
        return self.inner.memory(n)

    def resample(self, q: Float32[Tensor, "P K"], step: Int64[Tensor, " P"], rng: Streams) -> Int64[Tensor, "P K"]:
        k = q.shape[1]
        weight = torch.softmax(q.double() / self.temperature, dim=1)
        degenerate = 1 / weight.square().sum(dim=1) < self.threshold * k
        now = degenerate & (step % self.every == 0)
        own = torch.arange(k, device=q.device).expand_as(weight)
        places = (own + rng.uniform("resample", ()).double()[:, None]) / k
        parents = torch.searchsorted(weight.cumsum(dim=1), places).clamp(max=k - 1)  # the sum may end just below 1
        return torch.where(now[:, None], parents, own)
