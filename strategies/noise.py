"""GaussianNoise on the latents, and Identity, which leaves them alone."""

from __future__ import annotations

import attrs
from attrs.validators import ge

from tts.interfaces import State, StepView, Strategy, Streams
from tts.strategies._shared import add_noise, as_names, latent_of
from tts.strategies.schedules import Constant, Schedule


@attrs.frozen
class Identity(Strategy):
    """Leave the latents alone: all rollouts are the model's own deterministic one, so k = 1 is enough.

    Examples:
        >>> search = Search(model, Identity(), QSelector(), k=1)
    """

    def perturb(self, view: StepView, rng: Streams) -> State:
        return view.state


@attrs.frozen
class GaussianNoise(Strategy):
    """Add sigma * eps, eps ~ N(0, I), to whole latents before each step, prefix included.

    PTRM (arXiv 2605.19943, figure 4) perturbs z alone. In a model that runs few latent updates a step, noise on z is
    forgotten within the step and noise on y survives. So try several ``latents``.

    Args:
        sigma: standard deviation, in the units of the latents (rms-normed models: about 1).
        latents: names of the latents that are perturbed.
        schedule: how sigma changes over the steps; PTRM's is constant.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3, ("y", "z")), QSelector(), k=16)
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
