"""Comparison: what ``tts.compare`` returns, as a table in several forms."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np
from numpy.typing import NDArray

from tts._util.arrays import Bools, Floats
from tts._util.files import write_atomic
from tts._util.tables import Table
from tts.metrics import Interval, accuracy_interval, mcnemar, paired_difference
from tts.search import Search

if TYPE_CHECKING:
    import rich.table

Record = dict[str, str | int | float | None]
"""One line of the exported table; None where a value is not defined."""

HEADS = ("search", "K x depth", "accuracy %", "pass@K", "steps", "seconds", "against first", "p")


@attrs.frozen(eq=False, kw_only=True)
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


@attrs.frozen(kw_only=True)
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
        """Return the table.

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
        """Return the table as plain values, accuracies in [0, 1]: ``pandas.DataFrame(comparison.records())``."""
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

    def table(self) -> Table:
        """Return the table as text, shares in percent."""
        return Table(self._caption(), HEADS, tuple(_cells(row) for row in self.rows()))

    def rich(self) -> rich.table.Table:
        """Return the table for a terminal: ``rich.print(comparison.rich())``."""
        return self.table().rich()

    def markdown(self) -> str:
        """Return the table in GitHub's markdown."""
        return self.table().markdown()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``records`` as CSV. The file appears whole or not at all."""
        write_atomic(Path(path), Table.of_records(self.records()).csv().encode())

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


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.search,
        f"{row.k} x {row.depth}",
        row.accuracy.percent(),
        "" if row.passed is None else f"{100 * row.passed.mean:.1f}",
        f"{row.lane_steps:,.0f}" if row.lane_steps >= 100 else f"{row.lane_steps:.1f}",
        f"{row.seconds:.1f}",
        "" if row.gain is None else row.gain.points(),
        "" if row.p is None else f"{row.p:.2g}",
    )
