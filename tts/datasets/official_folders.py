"""The processed folders of the official TRM and HRM code, mapped from the disk.

A folder holds ``train`` and ``test``, each with a ``dataset.json`` and five arrays: ``all__inputs.npy``, ``__labels``,
``__puzzle_identifiers``, ``__puzzle_indices`` and ``__group_indices``. Example e belongs to the puzzle p with
puzzle_indices[p] <= e < puzzle_indices[p + 1], and puzzles to groups likewise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts.datasets.dataset import Dataset
from tts.errors import PuzzleError, first_line

DESCRIPTION = "dataset.json"
_TENSORS = (np.uint8, np.int8, np.int16, np.int32, np.int64)


def read_processed(folder: Path) -> Dataset:
    """Read the split in ``folder``. Nothing but the index arrays is read; rows are when they are used.

    Raises:
        PuzzleError: a file is missing, damaged, or does not fit the others; names it.
    """
    about = _json(folder / DESCRIPTION)
    if not isinstance(about, dict):
        raise PuzzleError(f"{folder / DESCRIPTION}: not an object; expected the official description of a data set")
    name = _set_name(about, folder)
    length, vocab_size = (_whole(about, key, folder) for key in ("seq_len", "vocab_size"))
    inputs, labels, identifiers, puzzles, groups = (
        _array(folder / f"{name}__{part}.npy")
        for part in ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices")
    )
    for part, array in (("inputs", inputs), ("labels", labels)):
        if array.shape != (len(inputs), length):
            raise PuzzleError(
                f"{folder / f'{name}__{part}.npy'} has shape {list(array.shape)}; expected [{len(inputs)}, {length}], "
                f"seq_len = {length} being that of {DESCRIPTION}"
            )
    owner = _owners(puzzles, len(inputs), folder / f"{name}__puzzle_indices.npy")
    if identifiers.shape != (len(puzzles) - 1,):
        raise PuzzleError(
            f"{folder / f'{name}__puzzle_identifiers.npy'} has shape {list(identifiers.shape)}; "
            f"expected [{len(puzzles) - 1}], one a puzzle of {name}__puzzle_indices.npy"
        )
    group = _owners(groups, len(identifiers), folder / f"{name}__group_indices.npy")
    return Dataset(
        name=str(folder),
        puzzles=_tensor(inputs),
        ids=torch.from_numpy(np.asarray(identifiers, np.int64)[owner]),
        groups=torch.from_numpy(group[owner]),
        answers=_tensor(labels),
        ignore=_whole(about, "ignore_label_id", folder, optional=True),
        vocab_size=vocab_size,
        pad=_whole(about, "pad_id", folder, optional=True),
    )


def identifier_names(folder: Path) -> list[str]:
    """Return what the puzzle identifiers stand for: ``identifiers.json`` of a folder of splits, or beside a split."""
    places = (folder / "identifiers.json", folder.parent / "identifiers.json")
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        raise PuzzleError(f"{folder} has no identifiers.json: it is not an official data set, or an incomplete one")
    names = _json(path)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PuzzleError(f"{path} is not a list of names; copy it again")
    return names


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise PuzzleError(f"{path} is not readable JSON; copy it again: {error}") from error


def _set_name(about: dict[str, Any], folder: Path) -> str:
    names = about.get("sets", ["all"])
    if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str) or not names[0].isidentifier():
        raise PuzzleError(f'{folder / DESCRIPTION}: sets is {names!r:.80}; data of one set, such as ["all"], is read')
    return names[0]


def _whole(about: dict[str, Any], key: str, folder: Path, optional: bool = False) -> Any:
    value = about.get(key)
    if (value is None and optional) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise PuzzleError(f"{folder / DESCRIPTION}: {key} is {value!r:.80}; expected a whole number")


def _array(path: Path) -> NDArray[Any]:
    """Map a file of integers. Nothing that would need unpickling is read."""
    if not path.is_file():
        raise PuzzleError(f"{path} is missing: the data set is incomplete; copy it again")
    try:
        array = np.lib.format.open_memmap(path, mode="c")  # copy on write: torch wants arrays that could be written
    except Exception as error:  # numpy fails in many ways on damaged headers
        raise PuzzleError(f"{path} is damaged or not an array; copy it again: {first_line(error)}") from error
    if array.dtype.kind not in "iu" or array.ndim == 0:
        raise PuzzleError(f"{path} holds {array.dtype} {list(array.shape)}; expected rows of whole numbers")
    return array


def _tensor(array: NDArray[Any]) -> Tensor:
    if array.dtype in _TENSORS:
        return torch.from_numpy(array)
    return torch.from_numpy(np.asarray(array, np.int64))


def _owners(indices: NDArray[Any], count: int, path: Path) -> NDArray[np.int64]:
    """Return to which run each of ``count`` things belongs, runs beginning at ``indices``."""
    starts = np.asarray(indices)
    if starts.ndim != 1 or not len(starts) or starts[0] != 0 or starts[-1] != count:
        raise PuzzleError(f"{path}: expected places that run from 0 to {count}; its files do not belong together")
    starts = starts.astype(np.int64)
    sizes = starts[1:] - starts[:-1]
    if (sizes < 0).any():
        raise PuzzleError(f"{path}: entry {int((sizes < 0).argmax()) + 1} is less than the one before; copy it again")
    return np.repeat(np.arange(len(sizes)), sizes)
