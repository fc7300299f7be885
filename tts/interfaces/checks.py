"""Checks of the code and the values that users bring; errors say who failed, on which puzzles, what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor

from tts.errors import RolloutError, ShapeError, TTSError
from tts.interfaces.codec import View
from tts.interfaces.model import Readout, State
from tts.interfaces.verifier import Verifier

Check = Callable[[object, "attrs.Attribute[Any]", Any], None]


def name_of(plugin: object) -> str:
    """Return what errors call a plugin."""
    return type(plugin).__name__


def instance(kind: type) -> Check:
    """Return an attrs validator that raises TypeError unless the value is a ``kind``."""

    def check(owner: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, kind):
            is_class = isinstance(value, type) and issubclass(value, kind)
            got = f"the class itself; write {value.__name__}(...)" if is_class else f"{value!r:.80}"
            raise TypeError(f"{name_of(owner)}: {attribute.name} must be a {kind.__name__}; got {got}")

    return check


def positive(owner: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validate an attrs field: raise TypeError or ValueError unless it is a whole number, 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name_of(owner)}: {attribute.name} must be a whole number; got {value!r:.80}")
    if value < 1:
        raise ValueError(f"{name_of(owner)}: {attribute.name} must be 1 or more; got {value}")


@contextmanager
def blame(what: str, keys: Callable[[], Tensor] | None = None) -> Iterator[None]:
    """Turn any failure into a RolloutError that names ``what`` failed, on the puzzles with ``keys()``."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        some = list(dict.fromkeys(keys().tolist()))[:4] if keys else []
        which = f" on puzzle key {', '.join(map(str, some[:3]))}{', ...' if len(some) > 3 else ''}" if some else ""
        said = str(error) if isinstance(error, TTSError) else f"{type(error).__name__}: {error}"
        raise RolloutError(f"{what} failed{which}: {said}") from error


def check_encoded(encoded: object, n: int, like: Float[Tensor, "B S D"] | None) -> None:
    """Raise ShapeError unless ``encoded`` is [n, S, D], with the S, D and dtype of ``like`` unless that is None."""
    inner = list(like.shape[1:]) if like is not None else ["S", "D"]
    expected = f"expected [{n}, {inner[0]}, {inner[1]}]"
    if not isinstance(encoded, Tensor):
        raise ShapeError(f"encode returned a {name_of(encoded)}; {expected}")
    fits = encoded.ndim == 3 and len(encoded) == n
    if not fits or (like is not None and (encoded.shape[1:] != like.shape[1:] or encoded.dtype != like.dtype)):
        raise ShapeError(f"encode returned {encoded.dtype} {list(encoded.shape)}; {expected}, of one dtype")


def check_state(who: str, state: object, like: State) -> None:
    """Raise ShapeError unless ``state`` holds every latent of ``like``, in its shape and dtype, and no others."""
    if not isinstance(state, dict):
        raise ShapeError(f"{who} returned a {name_of(state)}; expected the latents by name")
    for name in like.keys() | state.keys():
        if name not in state:
            raise ShapeError(f"{who} returned no latent {name!r}; pass on the latents you leave alone")
        if name not in like:
            raise ShapeError(f"{who} returned a latent {name!r} that start does not; expected {sorted(like)}")
        check_rows(f"{who} returned latent {name!r}", state[name], like[name])


def check_rows(what: str, value: object, like: Tensor) -> None:
    """Raise ShapeError unless ``value`` has the shape and dtype of ``like``."""
    if not isinstance(value, Tensor):
        raise ShapeError(f"{what} as a {name_of(value)}; expected {like.dtype} {list(like.shape)}")
    if value.shape != like.shape or value.dtype != like.dtype:
        raise ShapeError(f"{what} as {value.dtype} {list(value.shape)}; expected {like.dtype} {list(like.shape)}")


def check_readout(out: object, tokens: Int64[Tensor, "N L"], vocab_size: int) -> None:
    """Raise ShapeError unless logits are [N, L, V], q [N] and halt bool [N] for tokens [N, L]."""
    if not isinstance(out, Readout):
        raise ShapeError(f"read returned a {name_of(out)}; expected a Readout")
    expected = {"logits": [*tokens.shape, vocab_size], "q": [len(tokens)], "halt": [len(tokens)]}
    for name, shape in expected.items():
        value = getattr(out, name)
        if list(value.shape) != shape or value.is_floating_point() == (name == "halt"):
            kind = "bool" if name == "halt" else "floating-point"
            raise ShapeError(f"read returned {name} as {value.dtype} {list(value.shape)}; expected {kind} {shape}")


def check_flags(what: str, flags: object, n: int) -> None:
    """Raise ShapeError unless ``flags`` is bool [n]."""
    if not isinstance(flags, Tensor) or flags.dtype != torch.bool or list(flags.shape) != [n]:
        got = f"{flags.dtype} {list(flags.shape)}" if isinstance(flags, Tensor) else f"a {name_of(flags)}"
        raise ShapeError(f"{what} returned {got}; expected bool [{n}]")


def check_parents(parents: object, like: Int64[Tensor, "P K"]) -> None:
    """Raise ShapeError unless ``parents`` is int64 [P, K] as ``like``, of numbers from 0 to K - 1."""
    k = like.shape[1]
    if not isinstance(parents, Tensor) or parents.dtype != torch.int64 or parents.shape != like.shape:
        got = f"{parents.dtype} {list(parents.shape)}" if isinstance(parents, Tensor) else f"a {name_of(parents)}"
        raise ShapeError(f"resample returned {got}; expected torch.int64 {list(like.shape)}")
    if bool(((parents < 0) | (parents >= k)).any()):
        raise ShapeError(
            f"resample returned parents {int(parents.min())} to {int(parents.max())}; expected 0 to {k - 1}"
        )


def check_views(views: Sequence[View], cells: int, vocab_size: int) -> None:
    """Raise ShapeError unless there are views, each of tokens [L], with permutations as cells and values."""
    if not views:
        raise ShapeError("views_of returned no views; the first one is the identity")
    for place, view in enumerate(views):
        if view.tokens.shape != (cells,) or view.tokens.min() < 0 or view.tokens.max() >= vocab_size:
            raise ShapeError(
                f"views_of returned a view {place} whose tokens are not [{cells}], from 0 to {vocab_size - 1}"
            )
        for name, n in (("cells", cells), ("values", vocab_size)):
            if not np.array_equal(np.sort(getattr(view, name)), np.arange(n)):
                raise ShapeError(f"views_of returned a view {place} whose {name} are not a permutation of 0 to {n - 1}")


def check_rewritten(tokens: Tensor, like: Int64[Tensor, "P L"], vocab_size: int) -> None:
    """Raise ShapeError unless ``tokens`` is int64 [P, L] as ``like``, in the vocabulary."""
    check_rows("rewrite returned tokens", tokens, like)
    if bool(((tokens < 0) | (tokens >= vocab_size)).any()):
        low, high = int(tokens.min()), int(tokens.max())
        raise ShapeError(f"rewrite returned tokens {low} to {high}; the vocabulary is 0 to {vocab_size - 1}")


def passes(
    verifier: Verifier, tokens: Integer[Tensor, "B L"], answers: Integer[Tensor, "B *K L"]
) -> Bool[Tensor, " B *K"]:
    """Return which answers pass the rules.

    Args:
        verifier: the rules.
        tokens: the puzzles.
        answers: one answer or K answers to each, integer [B, L] or [B, K, L].

    Raises:
        RolloutError: the verifier failed, or returned something else than one flag an answer.
    """
    with blame(f"{name_of(verifier)}.valid"):
        rows = answers.flatten(0, -2)
        puzzles = (tokens if answers.ndim == 2 else tokens.unsqueeze(1).expand_as(answers)).flatten(0, -2)
        valid = verifier.valid(puzzles, rows)
        check_flags("valid", valid, len(rows))
    return valid.reshape(answers.shape[:-1])
