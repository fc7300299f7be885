"""Runs, evaluations and comparisons that are kept on the disk, read without the model that made them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor

from tts.cli.expressions import CLASSES
from tts.errors import StoreError
from tts.interfaces import Codec, CoupledStrategy, RewritingStrategy, TokenCodec
from tts.puzzles import MixedCodec, VarietyCodec
from tts.report.chart import Table
from tts.report.charts import evaluation_table
from tts.report.page import Page, page_of
from tts.report.subject import Subject, started
from tts.runs import digest_of
from tts.runs.fingerprint import CLASS, Json
from tts.runs.manifest import FORMAT
from tts.runs.shards import KEPT, load, restored
from tts.runs.store import MANIFEST
from tts.search import Result
from tts.strategies import TargetedNoise

CODECS: dict[str, type[Codec]] = {kind.__name__: kind for kind in (VarietyCodec, MixedCodec, TokenCodec)}
ENDS_NOTHING = (None, "Halted", "Converged")
"""Stop rules that leave rollouts exchangeable."""


def folder_page(source: Path, shown: int, rollouts: int, title: str = "") -> Page:
    """The page of what ``source`` holds: a run folder of ``Store``, a folder of runs such as ``tts evaluate --out``,
    ``tts ablate`` and ``compare(out=)`` make, or the CSV that ``Comparison.save`` writes.

    A run that did not record its steps is played with its final answers alone; of several runs the one with the most
    recorded steps, then rollouts. Wrong cells are told from a rollout that the run says is right.

    Raises:
        StoreError: there is nothing of the kind, or it is damaged, or not finished.
    """
    name = title or source.resolve().stem
    if source.is_file():
        compared, table = _csv(source)
        return page_of([], name, shown, rollouts, compared, table)
    if not source.is_dir():
        raise StoreError(f"there is no {source}: name a run folder, an evaluation, a comparison's CSV, or pass --data")
    if (source / MANIFEST).is_file():
        return page_of([read_run(source, "")], name, shown, rollouts)
    runs = sorted({path.parent for depth in ("*", "*/*") for path in source.glob(f"{depth}/{MANIFEST}")})
    compared, table = _csv(source / "table.csv") if (source / "table.csv").is_file() else ([], [])
    if not runs and not compared and not table:
        raise StoreError(f"{source} holds no run: there is no {MANIFEST} in it or below, and no table.csv")
    found = sorted((read_run(path, str(path.relative_to(source))) for path in runs), key=_interest)
    return page_of(found, name, shown, rollouts, compared, table)


def _interest(found: Subject) -> tuple[bool, int]:
    return "answers" in found.result.rollouts.record, found.result.scores.shape[1]


def read_run(folder: Path, name: str) -> Subject:
    """A run folder, whole, on the CPU.

    Raises:
        StoreError: it is damaged, or some of it was not run yet.
    """
    try:
        made = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        run, size = made["run"], int(made["shard"])
        search, data = run["search"], run["data"]
        if made["format"] != FORMAT:
            raise StoreError(f"{folder} was written in format {made['format']}, this is {FORMAT}")
        codec = _codec(search["model"].get("codec"))
        count = -(-int(data["puzzles"]) // size)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{folder / MANIFEST} is damaged: restore it, or run again") from error
    parts, marks = [], []
    digest = digest_of(json.dumps(run, sort_keys=True).encode())
    for number in range(count):
        shard = load(folder, number, digest)
        if shard is None:
            raise StoreError(f"{folder}: shard {number} of {count} is missing or damaged; finish the run first")
        verifier = None if codec is None else codec.verifier
        parts.append(restored(shard, KEPT, verifier, _exchangeable(search)))
        if "correct" in shard.rollouts.column_names:
            column = shard.rollouts["correct"].combine_chunks()
            marks.append(torch.from_numpy(column.to_numpy(zero_copy_only=False)).view(len(shard.puzzles), -1))
    result = Result.join(parts, torch.arange(sum(len(part.tokens) for part in parts)))
    correct: Tensor | None = torch.cat(marks) & started(result) if marks else None
    noise = _noise(search["strategy"])
    return Subject(name, result, correct, ignore=data["ignore"], codec=codec, words=_words(search), noise=noise)


def _codec(described: Json) -> Codec | None:
    """The codec that a manifest describes; None for one of another's own."""
    if not isinstance(described, dict) or described.get(CLASS) not in CODECS:
        return None
    kind = CODECS[described[CLASS]]
    names = [field.name for field in attrs.fields(kind) if field.init and field.name != "verifier"]  # type: ignore[arg-type]
    given = {name: described[name] for name in names}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def _exchangeable(search: Mapping[str, Json]) -> bool:
    """Whether pass@k and its kin are defined, as far as the manifest says: no for strategies of another's own."""
    kind = CLASSES.get(search["strategy"][CLASS])
    if kind is None or issubclass(kind, CoupledStrategy | RewritingStrategy):
        return False
    stop = search["stop"]
    return (stop and stop[CLASS]) in ENDS_NOTHING


def _noise(described: Mapping[str, Json]) -> TargetedNoise | None:
    parts = described["strategies"] if described[CLASS] == "Chain" else [described]
    for part in parts:
        if part[CLASS] == TargetedNoise.__name__ and part["verifier"] is None:
            return TargetedNoise(part["sigma"], tuple(part["latents"]), part["reach"])
    return None


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
    return f"{value.get(CLASS, '')}({', '.join(f'{k}={_said(v)}' for k, v in value.items() if k != CLASS)})"


def _csv(path: Path) -> tuple[list[dict[str, Any]], list[Table]]:
    """Records of a comparison, or else the table as it is."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            records = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path} cannot be read as CSV: {error}") from error
    if not records or any(None in record or None in record.values() for record in records):
        raise StoreError(f"{path} holds no table: give the CSV that Comparison.save writes")
    if {"search", "k", "depth", "accuracy", "accuracy_low", "accuracy_high", "lane_steps"} <= records[0].keys():
        return _checked(path, records), []
    if {"answer", "puzzles", "lane_steps", "seconds"} <= records[0].keys():
        try:
            return [], [evaluation_table(records, "")]
        except (ValueError, KeyError) as error:
            raise StoreError(f"{path} holds no evaluation: {error}") from error
    raise StoreError(f"{path} is neither the CSV of a comparison nor that of an evaluation")


def _checked(path: Path, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        for record in records:
            for name in ("accuracy", "accuracy_low", "accuracy_high", "lane_steps"):
                float(record[name])
    except ValueError as error:
        raise StoreError(f"{path} holds no comparison: {error}") from error
    return records
