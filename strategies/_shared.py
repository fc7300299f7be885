"""What the strategies share: latents by name, Gaussian noise on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from torch import Tensor

from tts.errors import ShapeError
from tts.interfaces import CoupledStrategy, InputStrategy, RewritingStrategy, State, Strategy, Streams


def plain_strategy(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """An attrs validator: TypeError unless the value is a strategy that changes latents alone."""
    outer = type(owner).__name__
    if not isinstance(value, Strategy):
        raise TypeError(f"{outer}: {attribute.name} must be a Strategy; got {value!r:.80}")
    if isinstance(value, CoupledStrategy | InputStrategy | RewritingStrategy):
        name = type(value).__name__
        raise TypeError(f"{outer} cannot hold {name}, which acts on more than the latents; write {name}(...) outermost")


def as_names(latents: Iterable[str]) -> tuple[str, ...]:
    """Names of latents; a lone string is refused, since its letters would be taken for names."""
    if isinstance(latents, str):
        raise TypeError(f"latents is {latents!r}; write a tuple of names, such as ({latents!r},)")
    return tuple(latents)


def latent_of(strategy: Strategy, state: State, name: str) -> Tensor:
    """The latent [N, S, D] of that name.

    Raises:
        ShapeError: the model has none.
    """
    if name not in state:
        raise ShapeError(f"{type(strategy).__name__} perturbs latent {name!r}, but the model has {sorted(state)}")
    return state[name]


def add_noise(latent: Tensor, name: str, rng: Streams, size: float | Tensor) -> Tensor:
    """latent [N, S, D] + size * eps, eps ~ N(0, I) from the stream ``name``; size broadcasts to [N, S, D].

    Added in float32 and rounded once: the steps of bfloat16 near 1 are 0.008.
    """
    return rng.normal(name, tuple(latent.shape[1:])).mul_(size).add_(latent.float()).to(latent.dtype)
