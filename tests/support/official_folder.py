"""Writes data sets as the official TRM and HRM code does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tts.datasets import sudokus

TOP = sudokus()["top95"][:6]
TOKENS = np.stack([board.tokens() for board in TOP.puzzles])


def write_official(
    folder: Path,
    inputs: NDArray[np.int64],
    labels: NDArray[np.int64],
    vocab_size: int,
    split: str = "test",
    examples: tuple[int, ...] | None = None,
    dtype: type = np.uint8,
) -> Path:
    """Rows [B, L] as ``folder``/``split``; ``examples``: how many rows each puzzle has, one unless given."""
    where = folder / split
    where.mkdir(parents=True)
    sizes = examples or (1,) * len(inputs)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    arrays = {
        "inputs": inputs.astype(dtype),
        "labels": labels.astype(dtype),
        "puzzle_identifiers": np.zeros(len(sizes), np.int32),
        "puzzle_indices": starts.astype(np.int32),
        "group_indices": np.arange(len(sizes) + 1, dtype=np.int32),
    }
    for name, array in arrays.items():
        np.save(where / f"all__{name}.npy", array)
    about = {
        "seq_len": inputs.shape[1],
        "vocab_size": vocab_size,
        "pad_id": 0,
        "ignore_label_id": 0,
        "blank_identifier_id": 0,
        "num_puzzle_identifiers": 1,
        "total_groups": len(sizes),
        "mean_puzzle_examples": len(inputs) / len(sizes),
        "total_puzzles": len(sizes),
        "sets": ["all"],
    }
    (where / "dataset.json").write_text(json.dumps(about))
    (folder / "identifiers.json").write_text('["<blank>"]')
    return folder


def official(folder: Path, **changes: object) -> Path:
    """Six sudokus as ``folder``/data; changes as in write_official."""
    return write_official(folder / "data", TOKENS, TOP.labels().numpy(), 11, **changes)  # type: ignore[arg-type]
