"""Gaussian noise on the latents."""

from __future__ import annotations

import attrs
from attrs.validators import ge

from tts.interfaces import State, StepView, Strategy, Streams
from tts.strategies._shared import add_noise, as_names, latent_of
from tts.strategies.schedules import Constant, Schedule


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
        schedule: how sigma changes over the steps; PTRM's is constant.
    """

    sigma: float = attrs.field(converter=float, validator=ge(0.0))
    latents: tuple[str, ...] = attrs.field(default=("z",), converter=as_names)
    schedule: Schedule = attrs.field(factory=Constant)

    def perturb(self, view: StepView, rng: Streams) -> State:
        sigma = self.sigma * self.schedule.factor(view.step, view.depth)[:, None, None]
        state = dict(view.state)
        for name in self.latents:
            state[name] = add_noise(latent_of(self, state, name), name, rng, sigma)
        return state
