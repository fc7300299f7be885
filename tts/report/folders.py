"""Runs, evaluations and comparisons on the disk, read without the model that made them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tts._util.tables import Table
from tts.errors import StoreError
from tts.report.charts import evaluation_table
from tts.report.page import Page, page_of
from tts.report.subject import Subject
from tts.runs import CLASS, MANIFEST, read
from tts.strategies import Chain, TargetedNoise


def folder_page(source: Path, shown: int, rollouts: int, title: str = "") -> Page:
    """Return the page of what ``source`` holds: a run folder of ``Store``, a folder of runs such as
    ``tts evaluate --out``, ``tts ablate`` and ``compare(out=)`` make, or the CSV that ``Comparison.save`` writes.

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
    subjects = sorted((read_run(path, str(path.relative_to(source))) for path in runs), key=_interest)
    return page_of(subjects, name, shown, rollouts, compared, table)


def _interest(subject: Subject) -> tuple[bool, int]:
    return "answers" in subject.result.rollouts.record, subject.result.scores.shape[1]


def read_run(folder: Path, name: str) -> Subject:
    """Read a run folder, whole, on the CPU.

    Raises:
        StoreError: it is damaged, or some of it was not run yet.
    """
    stored = read(folder)
    return Subject(
        name=name,
        result=stored.result,
        correct=stored.correct,
        ignore=stored.ignore,
        codec=stored.codec,
        words=stored.words,
        noise=_noise(stored.search["strategy"]),
    )


def _noise(described: Mapping[str, Any]) -> TargetedNoise | None:
    parts = described["strategies"] if described[CLASS] == Chain.__name__ else [described]
    for part in parts:
        if part[CLASS] == TargetedNoise.__name__ and part["verifier"] is None:
            return TargetedNoise(part["sigma"], tuple(part["latents"]), part["reach"])
    return None


def _csv(path: Path) -> tuple[list[dict[str, Any]], list[Table]]:
    """Read the records of a comparison, or else the table as it is."""
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
