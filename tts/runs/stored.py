"""A run folder read back, without the model that filled it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import attrs
import torch
from torch import Tensor

from tts.errors import StoreError
from tts.interfaces import Codec, TokenCodec
from tts.puzzles import MixedCodec, VarietyCodec
from tts.runs.fingerprint import CLASS, Json, digest_of
from tts.runs.manifest import FORMAT, MANIFEST
from tts.runs.shards import RECORDED, load, restored
from tts.search import Result, Status

CODECS: dict[str, type[Codec]] = {kind.__name__: kind for kind in (VarietyCodec, MixedCodec, TokenCodec)}


@attrs.frozen(eq=False, kw_only=True)
class StoredRun:
    """A whole run, on the CPU.

    Attributes:
        result: of B puzzles, as the search returned it, but for latents.
        correct: bool [B, K], equal to the label; None where the run had no labels.
        ignore: the label of cells that may hold anything.
        codec: the model's; None where it is of a class that this package does not know.
        search: the search as plain values, see ``describe_search``.
        words: strategy, selector and so on, as they would be written in Python.
    """

    result: Result
    correct: Tensor | None
    ignore: int
    codec: Codec | None
    search: Mapping[str, Json]
    words: dict[str, str]


def read(folder: str | os.PathLike[str]) -> StoredRun:
    """Read the folder of a finished run.

    The manifest says whether the rollouts are exchangeable. Manifests of before do not; there they count as if they
    were not, so that no curve over k is drawn of them.

    Raises:
        StoreError: the folder is damaged, or some of the run is missing.
    """
    path = Path(folder)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        run, version, exchangeable = manifest["run"], manifest["format"], bool(manifest.get("exchangeable", False))
        search, data = run["search"], run["data"]
        codec, words = _codec(search["model"].get("codec")), _words(search)
        count, ignore = -(-int(data["puzzles"]) // int(manifest["shard"])), int(data["ignore"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise StoreError(f"{path / MANIFEST} is damaged: restore it, or run again") from error
    if version != FORMAT:
        raise StoreError(f"{path} was written in format {version}, this is {FORMAT}")
    parts, marks = [], []
    digest = digest_of(json.dumps(run, sort_keys=True).encode())
    for number in range(count):
        shard = load(path, number, digest)
        if shard is None:
            raise StoreError(f"{path}: shard {number} of {count} is missing or damaged; finish the run first")
        parts.append(restored(shard, RECORDED, None if codec is None else codec.verifier, exchangeable))
        if "correct" in shard.rollouts.column_names:
            column = shard.rollouts["correct"].combine_chunks()
            marks.append(torch.from_numpy(column.to_numpy(zero_copy_only=False)).view(len(shard.puzzles), -1))
    result = Result.join(parts, torch.arange(sum(len(part.tokens) for part in parts)))
    correct = torch.cat(marks) & (result.rollouts.status != Status.NOT_STARTED) if marks else None
    return StoredRun(result=result, correct=correct, ignore=ignore, codec=codec, search=search, words=words)


def _codec(described: Json) -> Codec | None:
    """Rebuild the codec that a manifest describes; None for a class of another's own."""
    if not isinstance(described, dict) or described.get(CLASS) not in CODECS:
        return None
    kind = CODECS[described[CLASS]]
    names = [field.name for field in attrs.fields(kind) if field.init and field.name != "verifier"]  # type: ignore[arg-type]
    values = {name: described[name] for name in names}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _words(search: Mapping[str, Json]) -> dict[str, str]:
    words = {"strategy": _said(search["strategy"]), "selector": _said(search["selector"])}
    if search["stop"] is not None:
        words["stop rule"] = _said(search["stop"])
    return {**words, "rollouts K": str(search["k"]), "depth": str(search["depth"]), "model": search["model"][CLASS]}


def _said(value: Json) -> str:
    """A description as it would be written in Python."""
    if isinstance(value, list):
        return f"({', '.join(map(_said, value))})"
    if not isinstance(value, dict):
        return str(value)
    fields = (f"{name}={_said(field)}" for name, field in value.items() if name != CLASS)
    return f"{value.get(CLASS, '')}({', '.join(fields)})"
