"""The manifest of a run folder: what was run on what, so that another search is refused."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from uuid import uuid4

import torch
from torch import Tensor

from tts._util.version import __version__
from tts.errors import StoreError
from tts.runs.fingerprint import Json, describe_search, differences, digest_of, raw
from tts.search import PuzzleQueue, Search

MANIFEST = "manifest.json"
FORMAT = 1
AT_ONCE = 4096  # puzzles that are encoded together to be hashed


def describe_run(search: Search, source: PuzzleQueue, labels: Tensor | None, ignore: int, seed: int) -> dict[str, Json]:
    """Describe a run as plain values: all that determines its results."""
    return {"search": describe_search(search), "data": describe_data(source, labels, ignore), "seed": seed}


def describe_data(source: PuzzleQueue, labels: Tensor | None, ignore: int) -> dict[str, Json]:
    """Hash puzzles and labels. Reads the whole source, a few puzzles at a time."""
    parts = []
    while (batch := source.take(AT_ONCE)) is not None:
        parts.append(digest_of(*map(raw, (batch.tokens, batch.ids, batch.keys))))
    data: dict[str, Json] = {"puzzles": len(source), "tokens": _joined(parts), "labels": None, "ignore": ignore}
    if labels is not None:
        data["labels"] = _joined([digest_of(raw(rows.to("cpu", torch.int64))) for rows in torch.split(labels, AT_ONCE)])
    return data


def _joined(digests: list[str]) -> str:
    return digest_of("".join(digests).encode())


def claim(path: Path, run: dict[str, Json], more: dict[str, Json]) -> dict[str, Json]:
    """Return the manifest at ``path``, which says whose its folder is: written where there is none, else held against
    ``run``.

    Args:
        run: plain values; where they differ the folder is refused.
        more: plain values that a new manifest holds besides. One that is there keeps its own; what it lacks, having
            been written by an older version, is taken from here.

    Raises:
        StoreError: the folder holds another run, or something else, or cannot be written.
    """
    folder, run = path.parent, json.loads(json.dumps(run))
    try:
        if not path.exists():
            _create(path, {"format": FORMAT, "run": run, **more, "made_with": versions()})
        manifest: dict[str, Json] = {**more, **json.loads(path.read_text(encoding="utf-8"))}
        their_run, their_format = manifest["run"], manifest["format"]
        if any(type(manifest[name]) is not type(value) for name, value in more.items()):
            raise TypeError
    except OSError as error:
        raise StoreError(f"{folder} cannot be used as a run folder: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: restore it, or delete {folder} and run again") from error
    if their_format != FORMAT:
        raise StoreError(f"{folder} was written in format {their_format}, this is {FORMAT}: name another folder")
    different = differences(their_run, run)
    if different:
        others = f" (and {len(different) - 3} more)" if len(different) > 3 else ""
        raise StoreError(
            f"{folder} holds another run: {', '.join(different[:3])}{others}; repeat that run, or name another folder"
        )
    return manifest


def versions() -> dict[str, str]:
    """Return the versions of what computes the results."""
    return {"tts": __version__, "torch": torch.__version__, "python": platform.python_version()}


def _create(path: Path, manifest: dict[str, Json]) -> None:
    """Write a manifest unless another writer was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    others = sorted(x.name for x in path.parent.iterdir() if not x.name.startswith("."))
    if others and not path.exists():
        raise StoreError(
            f"{path.parent} is not a run folder: it holds {others[0]} but no {path.name}; name another folder"
        )
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # unlike a rename it fails where there is one
    except FileExistsError:
        pass
    finally:
        unfinished.unlink(missing_ok=True)
