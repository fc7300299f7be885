"""The compiler of the generators, and the small random generator that compiled code draws from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tts._util.extras import require

_numba = require("numba", extra="generate", user="generating puzzles")

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Return ``function`` compiled by numba, its machine code kept beside the source (or in the user's cache).

    Numba compiles again when the function's own file changes, not when one that it calls does: whoever edits this
    folder deletes its ``__pycache__`` first.
    """
    return cast(F, _numba.njit(cache=True)(function))


def random_state(rng: np.random.Generator) -> NDArray[np.uint64]:
    """Return a state uint64 [1] for ``draw``."""
    return rng.integers(0, 2**63, size=1, dtype=np.uint64)


@compiled
def draw(state: NDArray[np.uint64], bound: int) -> np.int64:
    """Return an integer in [0, bound), bound below 2^31, and move ``state`` on.

    Source: splitmix64 (Steele, Lea and Flood 2014).
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    x = state[0]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return np.int64(((x >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))
