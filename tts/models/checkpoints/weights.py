"""Weights of any format, by name: safetensors, and what torch.save writes. A file runs no code and maps into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tts.errors import CheckpointError, first_line
from tts.models.checkpoints.torch_files import LIMIT, read_torch

DEPTH = 5  # of dictionaries in dictionaries; names stay short
LONGEST = 200  # characters of a key


@attrs.frozen
class Weights:
    """What a file holds.

    Attributes:
        tensors: by the keys that lead to them, joined by dots; mapped, not in memory.
        notes: the metadata of safetensors.
        plain: the dictionary of a torch file, for the settings that may lie beside the tensors.
    """

    tensors: dict[str, Tensor]
    notes: dict[str, str]
    plain: dict[Any, Any]


def read_weights(path: Path) -> Weights:
    """Read a file's directory, and map its tensors.

    Raises:
        CheckpointError: it is damaged, of another format, or holds what could run code.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    if path.suffix == ".safetensors" or start[8:] == b"{":
        return _read_safetensors(path, start)
    whole = read_torch(path)
    tensors = _tensors(whole)
    for name, tensor in tensors.items():
        # a tensor may be a view that repeats a few numbers without end
        if tensor.nbytes > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"{path}: {name} has shape {list(tensor.shape)}, but fewer numbers in the file")
    if not tensors:
        raise CheckpointError(f"{path} holds no state_dict: expected tensors by name")
    return Weights(tensors, {}, whole)


def _read_safetensors(path: Path, start: bytes) -> Weights:
    length = int.from_bytes(start[:8], "little")
    if length > LIMIT or len(start) < 9:
        raise CheckpointError(
            f"{path} is not a readable safetensors file: its header has {length:,} bytes; {LIMIT:,} is the limit"
        )
    try:
        with safe_open(path, framework="pt") as file:
            return Weights({name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}, {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {first_line(error)}") from error


def _tensors(whole: dict[Any, Any]) -> dict[str, Tensor]:
    """Return the tensors of dictionaries in dictionaries, each dictionary visited once."""
    tensors: dict[str, Tensor] = {}
    level: list[tuple[str, dict[Any, Any]]] = [("", whole)]
    seen = {id(whole)}
    for _ in range(DEPTH):
        deeper: list[tuple[str, dict[Any, Any]]] = []
        for prefix, branch in level:
            for key, value in dict.items(branch):  # the file may hide .items
                if len(str(key)) > LONGEST:
                    continue
                if isinstance(value, Tensor):
                    tensors[f"{prefix}{key}"] = value.detach()
                elif isinstance(value, dict) and id(value) not in seen:
                    seen.add(id(value))
                    deeper.append((f"{prefix}{key}.", value))
        level = deeper
    return tensors
