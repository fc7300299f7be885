"""Names of array types, and arrays from whatever a caller has."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = Tensor | NDArray[Any] | list[Any]
"""What every function takes: a tensor on any device, an array, or nested lists."""


def as_array(values: Numbers) -> NDArray[Any]:
    """Values as a numpy array."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return values.double().numpy() if values.is_floating_point() else values.numpy()
    return np.asarray(values)


def as_floats(name: str, values: Numbers, shape: str) -> Floats:
    """Finite float64 values of as many axes as ``shape`` has words, none of them empty; ValueError otherwise."""
    array = as_array(values).astype(np.float64)
    if array.ndim != len(shape.split()) or array.size == 0:
        raise ValueError(f"{name} has shape {list(array.shape)}; expected [{shape.replace(' ', ', ')}], none empty")
    if not np.isfinite(array).all():
        where = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(
            f"{name}{list(where)} is {array[where]}: every rollout needs a finite value; "
            "leave out puzzles of which some rollouts did not run, or search without a stop rule for whole puzzles"
        )
    return array


def as_bools(name: str, values: Numbers, shape: str) -> Bools:
    """Bool values, given as bool or as 0 and 1, of as many axes as ``shape`` has words; ValueError otherwise."""
    array = as_floats(name, values, shape)
    marks: Bools = array == 1
    if not (marks | (array == 0)).all():
        raise ValueError(f"{name} holds {array[~marks & (array != 0)][0]:g}; pass bool, or 0 and 1")
    return marks
