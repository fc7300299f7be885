"""What a search is, as plain values: equal descriptions give equal results."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from tts.errors import StoreError
from tts.interfaces import name_of
from tts.search import Search

Json = Any
"""None, bool, int, float, str, and lists and dicts (keys: str) of these."""

CLASS = "class"
FREE = ("lanes",)
"""Fields of a search that its results do not depend on."""


def digest_of(*parts: bytes | memoryview) -> str:
    """Return a 128-bit hash of bytes, in hex."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def describe_search(search: Search) -> dict[str, Json]:
    """Describe the model with a hash of its weights, and every field but ``lanes``, down to the plugins' own fields."""
    fields = (field.name for field in attrs.fields(Search) if field.name not in FREE)
    return {name: describe(getattr(search, name), f"search.{name}") for name in fields}


def describe(value: Any, where: str) -> Json:
    """Describe a value by plain ones: attrs objects by class and fields, tensors and modules by hash, others by pickle.

    Raises:
        StoreError: what is at ``where`` cannot be told from its like.
    """
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): describe(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [describe(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return sorted((describe(item, where) for item in value), key=json.dumps)
    if isinstance(value, nn.Module):
        return _module(value, where)
    if isinstance(value, Tensor):
        return {CLASS: "Tensor", "dtype": str(value.dtype), "shape": list(value.shape), "hash": digest_of(raw(value))}
    if isinstance(value, np.ndarray):
        return describe(torch.from_numpy(np.ascontiguousarray(value)), where)
    if isinstance(value, torch.dtype | torch.device):
        return str(value)
    if attrs.has(type(value)):
        names = [field.name for field in attrs.fields(type(value)) if field.init]
        return {CLASS: name_of(value), **{name: describe(getattr(value, name), f"{where}.{name}") for name in names}}
    return _other(value, where)


def _module(module: nn.Module, where: str) -> dict[str, Json]:
    """Describe by class, ``config`` and ``codec`` where it has them, and weights; other attributes are ignored."""
    weights = sorted(module.state_dict().items())
    described = {name: getattr(module, name) for name in ("config", "codec") if hasattr(module, name)}
    return {
        CLASS: name_of(module),
        **{name: describe(value, f"{where}.{name}") for name, value in described.items()},
        "dtype": ", ".join(sorted({str(value.dtype).removeprefix("torch.") for _, value in weights})),
        "weights": digest_of(*(part for name, value in weights for part in (name.encode(), raw(value)))),
    }


def raw(tensor: Tensor) -> memoryview:
    """Return the bytes of a tensor."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def _other(value: Any, where: str) -> Json:
    if isinstance(value, type):
        return value.__qualname__
    try:
        content = pickle.dumps(value, protocol=4)
    except Exception as error:  # each type fails in its own way
        raise StoreError(
            f"{where} is a {name_of(value)}, which cannot be written down to tell this run from others: "
            "make it an attrs class of plain values"
        ) from error
    return {CLASS: name_of(value), "pickle": digest_of(content)}


def differences(theirs: Json, ours: Json, where: str = "") -> list[str]:
    """Say where two descriptions differ, most telling first, as in ``search.k is 16 there and 32 here``."""
    if theirs == ours:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.get(CLASS) == ours.get(CLASS):
        sentences = []
        for name in dict.fromkeys([*theirs, *ours]):
            path = f"{where}.{name}" if where else name
            sentences += differences(theirs.get(name), ours.get(name), path)
        return sentences
    return [f"{where} is {_short(theirs)} there and {_short(ours)} here"]


def _short(value: Json) -> str:
    text = value[CLASS] if isinstance(value, dict) and CLASS in value else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
