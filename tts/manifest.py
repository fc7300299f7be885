"""The manifest of a run folder: what was run on what, so that another search is refused."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

import attrs
import torch
from torch import Tensor

from tts.describe import Json, describe_search, differences, digest_of, raw
from tts.errors import StoreError
from tts.search import Search
from tts.source import Source

NAME, FORMAT = "manifest.json", 1
AT_ONCE = 4096  # puzzles that are encoded together to be hashed


@attrs.frozen
class Manifest:
    """A run that a folder belongs to.

    Attributes:
        run: what determines its results: the search, the data, the seed; plain values.
        puzzles: B, how many there are.
        shard: puzzles a shard.
    """

    run: dict[str, Json]
    puzzles: int
    shard: int

    @property
    def digest(self) -> str:
        """A hash of the run."""
        return digest_of(json.dumps(self.run, sort_keys=True).encode())


def describe_run(search: Search, source: Source, labels: Tensor | None, ignore: int, seed: int) -> dict[str, Json]:
    """The run as plain values; reads the whole source, a few puzzles at a time."""
    parts = []
    while (batch := source.take(AT_ONCE)) is not None:
        parts.append(digest_of(*map(raw, (batch.tokens, batch.ids, batch.keys))))
    data: dict[str, Json] = {"puzzles": len(source), "tokens": _joined(parts), "labels": None, "ignore": ignore}
    if labels is not None:
        data["labels"] = _joined([digest_of(raw(rows.to("cpu", torch.int64))) for rows in torch.split(labels, AT_ONCE)])
    run = {"search": describe_search(search), "data": data, "seed": seed}
    found: dict[str, Json] = json.loads(json.dumps(run))
    return found


def _joined(digests: list[str]) -> str:
    return digest_of("".join(digests).encode())


def claim(folder: Path, run: dict[str, Json], puzzles: int, shard: int) -> Manifest:
    """The manifest of a folder: written where there is none, else held against the run.

    Raises:
        StoreError: the folder holds another run, or something else, or cannot be written.
    """
    path = folder / NAME
    try:
        if not path.exists():
            _create(path, {"format": FORMAT, "run": run, "shard": shard, "made_with": versions()})
        made = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(made["run"], puzzles, int(made["shard"]))
    except OSError as error:
        raise StoreError(f"{folder} cannot be used as a run folder: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged: restore it, or delete {folder} and run again") from error
    if made.get("format") != FORMAT:
        raise StoreError(f"{folder} was written in format {made.get('format')}, this is {FORMAT}: name another folder")
    found = differences(manifest.run, run)
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise StoreError(
            f"{folder} holds another run: {', '.join(found[:3])}{more}; repeat that run, or name another folder"
        )
    return manifest


def versions() -> dict[str, str]:
    """Of what computes the results."""
    try:
        own = version("test-time-search")
    except PackageNotFoundError:
        own = "unknown"
    return {"tts": own, "torch": torch.__version__, "python": platform.python_version()}


def put(path: Path, content: bytes | memoryview) -> None:
    """Write a file, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")  # writers on other machines have their own
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _create(path: Path, made: dict[str, Json]) -> None:
    """Write a manifest unless another writer was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    others = sorted(x.name for x in path.parent.iterdir() if not x.name.startswith("."))
    if others and not path.exists():
        raise StoreError(f"{path.parent} is no run folder: it holds {others[0]} but no {NAME}; name another folder")
    unfinished = path.with_name(f".{NAME}.{uuid4().hex}.tmp")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(made, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # unlike a rename it fails where there is one
    except FileExistsError:
        pass
    finally:
        unfinished.unlink(missing_ok=True)
