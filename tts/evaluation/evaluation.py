"""evaluate(): how many puzzles of a data set a search solves, in one table; killed, it continues where it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from tts._util.files import write_atomic
from tts._util.tables import Table
from tts.datasets import Dataset
from tts.errors import StoreError, TTSError
from tts.interfaces import Codec
from tts.metrics import Interval, accuracy_interval
from tts.runs import Store
from tts.search import Result, Search
from tts.strategies import Identity, MajorityVote, QSelector, VerifierSelector

if TYPE_CHECKING:
    import rich.table

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
        """Return the table as plain values, accuracies in [0, 1]: ``pandas.DataFrame(evaluation.records())``."""
        records = []
        for score in self.scores:
            record: dict[str, str | int | float] = {"answer": score.name, "puzzles": self.puzzles}
            for who, interval in score.right.items():
                record |= {who: interval.mean, f"{who}_low": interval.low, f"{who}_high": interval.high}
            records.append(record | {"lane_steps": score.lane_steps, "seconds": score.seconds})
        return records

    def table(self) -> Table:
        """Return the table as text, shares in percent."""
        judges = list(self.scores[0].right)
        rows = tuple(
            (
                score.name,
                *(score.right[who].percent() for who in judges),
                f"{score.lane_steps:,}",
                f"{score.seconds:.1f}",
            )
            for score in self.scores
        )
        return Table(self.caption, ("answer", *(f"by {who}" for who in judges), "lane-steps", "seconds"), rows)

    def rich(self) -> rich.table.Table:
        """Return the table for a terminal: ``rich.print(evaluation.rich())``."""
        return self.table().rich()

    def markdown(self) -> str:
        """Return the table in GitHub's markdown."""
        return self.table().markdown()

    def save(self, folder: Path) -> None:
        """Write ``table.csv`` and ``table.md``. Each appears whole or not at all."""
        try:
            write_atomic(folder / "table.csv", Table.of_records(self.records()).csv().encode())
            write_atomic(folder / "table.md", self.markdown().encode())
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error

    @property
    def caption(self) -> str:
        """What the table shows."""
        return f"{self.data}: {self.puzzles} puzzles, {self.search}; percent right, 95 % intervals over puzzles"


def evaluate(
    search: Search,
    dataset: Dataset,
    *,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    shard: int = 64,
    baseline: bool = True,
    fill: Callable[[Store, str], None] = Store.fill,
) -> Evaluation:
    """Search a data set and count the right answers, by label and by the rules, which differ where a puzzle has several
    solutions (mazes), and by the judges that the data set brings.

    Args:
        search: on the model to evaluate.
        dataset: such as ``open_dataset`` gives. Its judges need a model whose rules are known.
        seed: of all noise.
        out: folder where rollouts and table are kept; the same call continues with what is there. None keeps nothing.
        shard: puzzles that are searched and kept together (of the deterministic model K times as many).
        baseline: run the deterministic model, too: one rollout without noise.
        fill: who runs what is missing in ``out``, under a title; ``tts.runs.workers.fill`` does it on many workers.

    Raises:
        StoreError: ``out`` holds another run, or cannot be used.
        PuzzleError: the data does not fit the model.
        TTSError: there are neither labels nor rules. And whatever a search raises.
    """
    codec = search.model.codec
    dataset.check(search.model)
    labels = dataset.labels(codec) if dataset.labelled else None
    if labels is None and codec.verifier is None:
        raise TTSError(
            f"{dataset.name} has no labels and the model's tokens no known rules: nothing says what is right"
        )
    folder = None if out is None else Path(out)
    task = _Task(dataset=dataset, labels=labels, seed=seed, out=folder, shard=shard, k=search.k, fill=fill)
    scores: list[Score] = []
    if baseline:
        alone = Search(search.model, Identity(), QSelector(), k=1, depth=search.depth, lanes=search.lanes)
        scores += task.scores("deterministic", alone)
    scores += task.scores("search", search)
    evaluation = Evaluation(dataset.name, len(dataset), _in_words(search, seed), tuple(scores))
    if folder is not None:
        evaluation.save(folder)
    return evaluation


@attrs.frozen(eq=False, kw_only=True)
class _Task:
    """What all searches of an evaluation share."""

    dataset: Dataset
    labels: Tensor | None
    seed: int
    out: Path | None
    shard: int
    k: int
    fill: Callable[[Store, str], None]

    def scores(self, name: str, search: Search) -> Iterator[Score]:
        """Yield the rows of one search; what is counted does not grow with K."""
        parts: list[Marks] = []
        steps, seconds = 0, 0.0
        for rows, result in self._results(name, search):
            parts.append(self._marks(rows, result, search))
            steps, seconds = steps + result.cost.lane_steps, seconds + result.cost.seconds
        for row, judged in parts[0].items():
            right = {who: accuracy_interval(torch.cat([part[row][who] for part in parts])) for who in judged}
            yield Score(row if name == "search" else name, right, steps, seconds)

    def _results(self, name: str, search: Search) -> Iterator[tuple[slice, Result]]:
        """Yield results of consecutive rows; from the disk where they are kept."""
        data = self.dataset
        if self.out is None:
            yield slice(0, len(data)), search(data.puzzles, ids=data.ids, seed=self.seed)
            return
        shard = self.shard * (self.k // search.k)  # as many rollouts in a shard of the one search as of the other
        store = Store.open(self.out / name, search, data, seed=self.seed, shard=shard)
        self.fill(store, name)
        yield from store.results()

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
            marks["label"] = ((pick.answers == labels) | (labels == self.dataset.ignore)).all(dim=1)
        if pick.verifier is not None:
            marks["rules"] = pick.valid
        boards = self.dataset[rows].boards
        if self.dataset.judges and boards is not None:
            pairs = zip(boards, pick.answers.numpy(), strict=True)
            grids = [codec.decode(board, answer) for board, answer in pairs]
            marks |= {who: judge(boards, grids) for who, judge in self.dataset.judges.items()}
        return marks

    def _any(self, rows: slice, result: Result, verified: dict[str, Tensor]) -> dict[str, Tensor]:
        """Mark whether any rollout is right. Labels see each of them, the rules and the judges the verified one."""
        marks = dict(verified)
        if self.labels is not None:
            marks["label"] = result.rollouts.correct(self.labels[rows], self.dataset.ignore).any(dim=1)
        return marks


def _name_of(search: Search) -> str:
    if search.selector == QSelector() and search.k > 1:
        return f"best-Q@{search.k}"
    return f"{search.selector}, K {search.k}"


def _in_words(search: Search, seed: int) -> str:
    stop = "" if search.stop is None else f", stop {search.stop}"
    return f"{search.strategy}, K {search.k}, depth {search.depth}{stop}, seed {seed}"
