"""What the engine checks of the code it is given: who failed, on which puzzles, and what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tts.errors import RolloutError, ShapeError
from tts.model import Readout, State


@contextmanager
def blame(what: str, keys: Tensor) -> Iterator[None]:
    """Turn any failure into a RolloutError that names ``what`` failed, on the puzzles with these keys."""
    try:
        yield
    except (RolloutError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        some = [str(key) for key in keys.unique()[:4].tolist()]
        which = f" on puzzle key {', '.join(some[:3])}{', ...' if len(some) > 3 else ''}" if some else ""
        raise RolloutError(f"{what} failed{which}: {error}") from error


def check_state(who: str, state: State, like: State) -> None:
    """Raise ShapeError unless ``state`` holds every latent of ``like`` in its shape and dtype."""
    for name, latent in like.items():
        if name not in state:
            raise ShapeError(f"{who} returned no latent {name!r}; pass on the latents you leave alone")
        if state[name].shape != latent.shape or state[name].dtype != latent.dtype:
            raise ShapeError(
                f"{who} returned latent {name!r} as {state[name].dtype} {list(state[name].shape)}; "
                f"expected {latent.dtype} {list(latent.shape)}"
            )


def check_readout(out: Readout, tokens: Tensor, vocab_size: int) -> None:
    """Raise ShapeError unless the heads answer for tokens [N, L]."""
    expected = {"logits": [*tokens.shape, vocab_size], "q": [len(tokens)], "halt": [len(tokens)]}
    for name, shape in expected.items():
        if list(getattr(out, name).shape) != shape:
            raise ShapeError(f"read returned {name} of shape {list(getattr(out, name).shape)}; expected {shape}")
