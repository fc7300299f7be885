"""Dropout on the latents."""

from __future__ import annotations

import attrs
from attrs.validators import and_, ge, lt

from tts.interfaces import State, StepView, Strategy, Streams
from tts.strategies._shared import as_names, latent_of


@attrs.frozen
class Dropout(Strategy):
    """Set each element of the latents to 0 with probability p before each step, and scale the others by 1 / (1 - p).

    The models have no dropout layers, so Monte-Carlo dropout (Gal and Ghahramani, arXiv 1506.02142) can act on their
    latents alone.

    Args:
        p: share of the elements that is dropped, in [0, 1).
        latents: names of the latents.

    Examples:
        >>> search = Search(model, Dropout(0.05), QSelector(), k=16)
    """

    p: float = attrs.field(converter=float, validator=and_(ge(0.0), lt(1.0)))
    latents: tuple[str, ...] = attrs.field(default=("z",), converter=as_names)

    def perturb(self, view: StepView, rng: Streams) -> State:
        state = dict(view.state)
        for name in self.latents:
            latent = latent_of(self, state, name)
            keep = rng.uniform(name, tuple(latent.shape[1:])) > self.p
            state[name] = latent * keep / (1 - self.p)
        return state
