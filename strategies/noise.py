"""Gaussian noise on the latents."""

from __future__ import annotations

import attrs
from attrs.validators import ge

from tts.errors import ShapeError
from tts.model import State
from tts.rng import Streams
from tts.strategy import StepView, Strategy


@attrs.frozen
class Identity(Strategy):
    """Leaves the latents alone: the deterministic model, of which one rollout is enough."""

    def perturb(self, view: StepView, rng: Streams) -> State:
        return view.state


@attrs.frozen
class GaussianNoise(Strategy):
    """Add sigma * eps, eps ~ N(0, I), to whole latents [N, S, D] before each step, prefix included.

    PTRM (arXiv 2605.19943, figure 4) perturbs z alone. Where a model runs few latent updates a step the noise on z is
    forgotten within the step; noise on y survives. So ``latents`` is worth a sweep.

    Args:
        sigma: standard deviation, in the units of the latents (rms-normed models: about 1).
        latents: names of the latents that are perturbed.
    """

    sigma: float = attrs.field(converter=float, validator=ge(0.0))
    latents: tuple[str, ...] = attrs.field(default=("z",), converter=tuple)

    def perturb(self, view: StepView, rng: Streams) -> State:
        state = dict(view.state)
        for name in self.latents:
            if name not in state:
                raise ShapeError(f"GaussianNoise perturbs latent {name!r}, but the model has {sorted(state)}")
            latent = state[name]
            noise = rng.normal(name, tuple(latent.shape[1:]))
            # Added in float32 and rounded once: the steps of bfloat16 near 1 are 0.008.
            state[name] = noise.mul_(self.sigma).add_(latent).to(latent.dtype)
        return state
