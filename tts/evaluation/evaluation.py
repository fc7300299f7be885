"""evaluate(): how many puzzles of a data set a search solves, in one table; killed, it goes on where it was."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch import Tensor

from tts._util.files import write_atomic
from tts.datasets import NOTHING, Boards, Dataset, Judge
from tts.errors import StoreError, TTSError
from tts.interfaces import Codec
from tts.metrics import Interval, accuracy_interval, percent
from tts.runs import Store
from tts.runs.shards import load, result_of
from tts.search import Result, Search
from tts.strategies import Identity, MajorityVote, QSelector, VerifierSelector

if TYPE_CHECKING:
    from rich.table import Table

Marks = dict[str, dict[str, Tensor]]
"""Which answers are right, bool [B], by row of the table and by who says so."""


@attrs.frozen
class Score:
    """A row of the table.

    Attributes:
        name: who picked the answers.
        right: the share of puzzles that were answered right, with 95 % (Wilson) intervals over puzzles, by who says
            so: ``label``, ``rules``, or the name of another judge.
        lane_steps: supervision steps of the rollouts it was picked from.
        seconds: wall-clock of these rollouts.
    """

    name: str
    right: Mapping[str, Interval]
    lane_steps: int
    seconds: float


@attrs.frozen
class Evaluation:
    """What a search is worth on a data set.

    Attributes:
        data: its name.
        puzzles: B.
        search: in words.
        scores: the rows: one deterministic rollout; the selector's pick; mode@K and, where rules are known, verified@K
            and pass@K among the same rollouts. Where a rule ends puzzles early or rollouts are coupled, mode@K and its
            kin are not defined, and left out.
    """

    data: str
    puzzles: int
    search: str
    scores: tuple[Score, ...]

    def records(self) -> list[dict[str, str | int | float]]:
        """The table as plain values, accuracies in [0, 1]: ``pandas.DataFrame(evaluation.records())``."""
        found = []
        for score in self.scores:
            record: dict[str, str | int | float] = {"answer": score.name, "puzzles": self.puzzles}
            for who, interval in score.right.items():
                record |= {who: interval.mean, f"{who}_low": interval.low, f"{who}_high": interval.high}
            found.append(record | {"lane_steps": score.lane_steps, "seconds": score.seconds})
        return found

    def rich(self) -> Table:
        """The table for a terminal: ``rich.print(evaluation.rich())``."""
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        table = Table(caption=escape(self.caption), box=SIMPLE_HEAD, pad_edge=False)
        heads, *rows = self._cells()
        for place, head in enumerate(heads):
            table.add_column(head, justify="right" if place else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """The table in GitHub's markdown."""
        heads, *rows = self._cells()
        lines = [heads, [":--", *["--:"] * (len(heads) - 1)], *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{self.caption}\n"

    def save(self, folder: Path) -> None:
        """Write ``table.csv`` and ``table.md``. Each appears whole or not at all."""
        text = io.StringIO()
        records = self.records()
        writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        try:
            write_atomic(folder / "table.csv", text.getvalue().encode())
            write_atomic(folder / "table.md", self.markdown().encode())
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error

    @property
    def caption(self) -> str:
        """What the table shows."""
        return f"{self.data}: {self.puzzles} puzzles, {self.search}; percent right, 95 % intervals over puzzles"

    def _cells(self) -> list[list[str]]:
        judges = list(self.scores[0].right)
        rows = [["answer", *(f"by {who}" for who in judges), "lane-steps", "seconds"]]
        for score in self.scores:
            percents = [percent(score.right[who]) for who in judges]
            rows.append([score.name, *percents, f"{score.lane_steps:,}", f"{score.seconds:.1f}"])
        return rows


def evaluate(
    search: Search,
    data: Dataset,
    *,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    shard: int = 64,
    baseline: bool = True,
    judges: Mapping[str, Judge] | None = None,
    fill: Callable[[Store, str], None] = Store.fill,
) -> Evaluation:
    """Search a data set and count the right answers, by label and by the rules, which differ where a puzzle has several
    solutions (mazes).

    Args:
        search: on the model to evaluate.
        data: such as ``open_dataset`` gives.
        seed: of all noise.
        out: folder where rollouts and table are kept; the same call goes on with what is there. None keeps nothing.
        shard: puzzles that are searched and kept together (of the deterministic model K times as many).
        baseline: run the deterministic model, too: one rollout without noise.
        judges: others who say what is right of boards, by name; they need a model whose rules are known.
        fill: who runs what is missing in ``out``, under a title; ``tts.runs.workers.fill`` does it on many workers.

    Raises:
        StoreError: ``out`` holds another run, or cannot be used.
        PuzzleError: the data does not fit the model.
        TTSError: there are neither labels nor rules. And whatever a search raises.
    """
    codec = search.model.codec
    data.check(search.model)
    labels = data.labels(codec)
    if labels is None and codec.verifier is None:
        raise TTSError(f"{data.name} has no labels and the model's tokens no known rules: nothing says what is right")
    source = _Source(data, labels, seed, None if out is None else Path(out), shard, search.k, judges or {}, fill)
    scores: list[Score] = []
    if baseline:
        alone = Search(search.model, Identity(), QSelector(), k=1, depth=search.depth, lanes=search.lanes)
        scores += source.scores("deterministic", alone)
    scores += source.scores("search", search)
    found = Evaluation(data.name, len(data), _in_words(search, seed), tuple(scores))
    if out is not None:
        found.save(Path(out))
    return found


@attrs.frozen(eq=False)
class _Source:
    """What all searches of an evaluation share."""

    data: Dataset
    labels: Tensor | None
    seed: int
    out: Path | None
    shard: int
    k: int
    judges: Mapping[str, Judge]
    fill: Callable[[Store, str], None]

    def scores(self, name: str, search: Search) -> Iterator[Score]:
        """The rows of one search; what is counted does not grow with K."""
        parts: list[Marks] = []
        steps, seconds = 0, 0.0
        for rows, result in self._results(name, search):
            parts.append(self._marks(rows, result, search))
            steps, seconds = steps + result.cost.lane_steps, seconds + result.cost.seconds
        for row, judged in parts[0].items():
            right = {who: accuracy_interval(torch.cat([part[row][who] for part in parts])) for who in judged}
            yield Score(row if name == "search" else name, right, steps, seconds)

    def _results(self, name: str, search: Search) -> Iterator[tuple[slice, Result]]:
        """Results of consecutive rows; from the disk where they are kept."""
        puzzles, ids = self.data.puzzles, self.data.ids
        if self.out is None:
            yield slice(0, len(self.data)), search(puzzles, ids=ids, seed=self.seed)
            return
        shard = self.shard * (self.k // search.k)  # as many rollouts in a shard of the one search as of the other
        known: dict[str, Any] = {"ids": ids, "labels": self.labels, "ignore": self._ignore}
        run = Store.open(self.out / name, search, puzzles, **known, seed=self.seed, shard=shard)
        self.fill(run, name)
        for number in range(len(run)):
            kept = load(run.folder, number, run.digest)
            if kept is None:
                raise StoreError(f"{run.folder}: shard {number} is damaged; run the same again")
            yield run.rows(number), result_of(kept, search)

    def _marks(self, rows: slice, result: Result, search: Search) -> Marks:
        picks = {_name_of(search): result}
        if search.exchangeable and search.k > 1:
            picks[f"mode@{search.k}"] = result.select(MajorityVote())
            if result.verifier is not None:
                picks[f"verified@{search.k}"] = result.select(VerifierSelector().then(QSelector()))
        marks = {name: self._judged(rows, pick, search.model.codec) for name, pick in picks.items()}
        if search.exchangeable and search.k > 1:
            marks[f"pass@{search.k}"] = self._any(rows, result, marks.get(f"verified@{search.k}", {}))
        return marks

    def _judged(self, rows: slice, pick: Result, codec: Codec) -> dict[str, Tensor]:
        marks = {}
        if self.labels is not None:
            labels = self.labels[rows]
            marks["label"] = ((pick.answers == labels) | (labels == self._ignore)).all(dim=1)
        if pick.verifier is not None:
            marks["rules"] = pick.valid
        if self.judges and isinstance(self.data.puzzles, Boards):
            boards = self.data.puzzles[rows]
            pairs = zip(boards, pick.answers.numpy(), strict=True)
            grids = [codec.decode(board, answer) for board, answer in pairs]
            marks |= {who: judge(boards, grids) for who, judge in self.judges.items()}
        return marks

    def _any(self, rows: slice, result: Result, verified: dict[str, Tensor]) -> dict[str, Tensor]:
        """Whether any rollout is right: by label, each is compared; the rules and the judges see the verified one."""
        marks = dict(verified)
        if self.labels is not None:
            marks["label"] = result.rollouts.correct(self.labels[rows], self._ignore).any(dim=1)
        return marks

    @property
    def _ignore(self) -> int:
        return NOTHING if self.data.ignore is None else self.data.ignore


def _name_of(search: Search) -> str:
    if search.selector == QSelector() and search.k > 1:
        return f"best-Q@{search.k}"
    return f"{search.selector}, K {search.k}"


def _in_words(search: Search, seed: int) -> str:
    stop = "" if search.stop is None else f", stop {search.stop}"
    return f"{search.strategy}, K {search.k}, depth {search.depth}{stop}, seed {seed}"
