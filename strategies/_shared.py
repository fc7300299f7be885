"""Code shared by the strategies: latents by name, Gaussian noise on them, the check of a wrapped strategy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from jaxtyping import Float
from torch import Tensor

from tts.errors import ShapeError
from tts.interfaces import CoupledStrategy, InputStrategy, RewritingStrategy, State, Strategy, Streams


def plain_strategy(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate an attrs field: raise TypeError unless it is a strategy that changes latents alone."""
    outer = type(owner).__name__
    if not isinstance(value, Strategy):
        raise TypeError(f"{outer}: {attribute.name} must be a Strategy; got {value!r:.80}")
    if isinstance(value, CoupledStrategy | InputStrategy | RewritingStrategy):
        name = type(value).__name__
        raise TypeError(f"{outer} cannot hold {name}, which acts on more than the latents; write {name}(...) outermost")


def as_names(latents: Iterable[str]) -> tuple[str, ...]:
    """Return names of latents as a tuple.

    Raises:
        TypeError: for a single string, whose letters would be taken for names.
    """
    if isinstance(latents, str):
        raise TypeError(f"latents is {latents!r}; write a tuple of names, such as ({latents!r},)")
    return tuple(latents)


def latent_of(strategy: Strategy, state: State, name: str) -> Float[Tensor, "N S D"]:
    """Return the latent of that name.

    Raises:
        ShapeError: the model has none; names the strategy.
    """
    if name not in state:
        raise ShapeError(f"{type(strategy).__name__} perturbs latent {name!r}, but the model has {sorted(state)}")
    return state[name]


def add_noise(
    latent: Float[Tensor, "N S D"], name: str, rng: Streams, size: float | Float[Tensor, "#N #S #D"]
) -> Float[Tensor, "N S D"]:
    """Return latent + size * eps, eps ~ N(0, I) from the stream ``name``.

    Added in float32 and rounded once: the steps of bfloat16 near 1 are 0.008.
    """
    return rng.normal(name, tuple(latent.shape[1:])).mul_(size).add_(latent.float()).to(latent.dtype)
