"""Comparison: what ``tts.compare`` returns, as a table in several forms."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np
from numpy.typing import NDArray

from tts._util.arrays import Bools, Floats
from tts.metrics import Interval, accuracy_interval, mcnemar, paired_difference
from tts.search import Search

if TYPE_CHECKING:
    from rich.table import Table

Record = dict[str, str | int | float | None]
"""One line of the exported table; None where a value is not defined."""

HEADERS = ("search", "K x depth", "accuracy %", "pass@K", "steps", "seconds", "against first", "p")


@attrs.frozen(eq=False)
class Run:
    """What one search brought on B puzzles with each of the seeds.

    Attributes:
        search: as it ran; k is the one that the budget paid for.
        correct: bool [seeds, B], the answer is the label on every labelled cell.
        passed: bool [seeds, B], any of the K rollouts is; None where rollouts are not exchangeable.
        lane_steps: int64 [seeds, B], supervision steps of the puzzle's rollouts.
        seconds: wall-clock of the rollouts for each seed, whether or not they were shared with another search.
    """

    search: Search
    correct: Bools
    passed: Bools | None
    lane_steps: NDArray[np.int64]
    seconds: tuple[float, ...]


@attrs.frozen
class Row:
    """One search in the table. Means are over puzzles and seeds, intervals 95 % over puzzles.

    Attributes:
        search: its name.
        accuracy: of the picked answers.
        passed: pass@K, the oracle's; None where rollouts are not exchangeable.
        lane_steps: a puzzle.
        seconds: a seed.
        gain: accuracy minus the first search's, paired by puzzle; None for the first.
        p: see ``Comparison.rows``; None for the first.
    """

    search: str
    k: int
    depth: int
    accuracy: Interval
    passed: Interval | None
    lane_steps: float
    seconds: float
    gain: Interval | None
    p: float | None


@attrs.frozen(eq=False)
class Comparison:
    """Searches held against the first of them on the same B puzzles.

    Attributes:
        runs: per-puzzle results by the name of the search, for tests of your own.
        seeds: with which each search ran.
    """

    runs: Mapping[str, Run]
    seeds: tuple[int, ...]

    def rows(self) -> list[Row]:
        """The table.

        A puzzle's accuracy is first averaged over the seeds; puzzles are what the intervals resample. ``p`` is
        McNemar's exact test: of the puzzles that one of the two searches solved with more seeds than the other, each
        is as likely to be either's. It is not corrected for the number of searches.
        """
        runs = list(self.runs.items())
        first = runs[0][1]
        return [self._row(name, run, None if run is first else first) for name, run in runs]

    def _row(self, name: str, run: Run, first: Run | None) -> Row:
        gain = p = None
        if first is not None:
            ours, theirs = run.correct.sum(axis=0), first.correct.sum(axis=0)
            gain = paired_difference(_over_seeds(run.correct), _over_seeds(first.correct))
            p = mcnemar(ours > theirs, theirs > ours)
        return Row(
            search=name,
            k=run.search.k,
            depth=run.search.depth,
            accuracy=accuracy_interval(_over_seeds(run.correct)),
            passed=None if run.passed is None else accuracy_interval(_over_seeds(run.passed)),
            lane_steps=float(run.lane_steps.mean()),
            seconds=float(np.mean(run.seconds)),
            gain=gain,
            p=p,
        )

    def records(self) -> list[Record]:
        """The table as plain values, accuracies in [0, 1]: ``pandas.DataFrame(comparison.records())``."""
        return [self._record(row) for row in self.rows()]

    def _record(self, row: Row) -> Record:
        run = self.runs[row.search]
        return {
            "search": row.search,
            "strategy": str(run.search.strategy),
            "selector": str(run.search.selector),
            "stop": None if run.search.stop is None else str(run.search.stop),
            "k": row.k,
            "depth": row.depth,
            "puzzles": run.correct.shape[1],
            "seeds": len(self.seeds),
            **_flat("accuracy", row.accuracy),
            **_flat("pass_at_k", row.passed),
            "lane_steps": row.lane_steps,
            "seconds": row.seconds,
            **_flat("difference", row.gain),
            "mcnemar_p": row.p,
        }

    def rich(self) -> Table:
        """The table for a terminal: ``rich.print(comparison.rich())``."""
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        table = Table(caption=self._caption(), box=SIMPLE_HEAD, pad_edge=False, padding=0)
        table.add_column(HEADERS[0], overflow="fold")
        for header in HEADERS[1:]:
            table.add_column("\n".join(header.rsplit(" ", 1)), justify="right", no_wrap=True)
        for row in self.rows():
            table.add_row(*(escape(cell) for cell in _cells(row)))
        return table

    def markdown(self) -> str:
        """The table in GitHub's markdown."""
        rule = [":--", *["--:"] * (len(HEADERS) - 1)]
        lines = [HEADERS, rule, *([cell.replace("|", "\\|") for cell in _cells(row)] for row in self.rows())]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{self._caption()}\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``records`` as CSV. The file appears whole or not at all."""
        target = Path(path)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        records = self.records()
        try:
            with unfinished.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(records[0]))
                writer.writeheader()
                writer.writerows(records)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def _caption(self) -> str:
        runs = self.runs.values()
        puzzles, seeds = next(iter(runs)).correct.shape[1], len(self.seeds)
        return (
            f"{puzzles} puzzle{'s' * (puzzles > 1)}, {seeds} seed{'s' * (seeds > 1)}; 95 % intervals over puzzles; "
            "pass@K: any rollout right; steps: lane-steps a puzzle; seconds: a seed; p: exact McNemar, uncorrected"
        )


def _over_seeds(marks: Bools) -> Floats:
    """float64 [B] from bool [seeds, B]."""
    mean: Floats = marks.mean(axis=0, dtype=np.float64)
    return mean


def _flat(name: str, interval: Interval | None) -> Record:
    values = (None, None, None) if interval is None else (interval.mean, interval.low, interval.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def _cells(row: Row) -> list[str]:
    accuracy, gain = row.accuracy, row.gain
    return [
        row.search,
        f"{row.k} x {row.depth}",
        f"{100 * accuracy.mean:.1f} ({100 * accuracy.low:.0f}-{100 * accuracy.high:.0f})",
        "" if row.passed is None else f"{100 * row.passed.mean:.1f}",
        f"{row.lane_steps:,.0f}" if row.lane_steps >= 100 else f"{row.lane_steps:.1f}",
        f"{row.seconds:.1f}",
        "" if gain is None else f"{100 * gain.mean:+.1f} ({100 * gain.low:+.0f} to {100 * gain.high:+.0f})",
        "" if row.p is None else f"{row.p:.2g}",
    ]
