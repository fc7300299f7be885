"""Store: a search of many puzzles in a folder, in shards that are whole or done again.

    run = Store.open("runs/hard", search, puzzles, labels=labels)
    run.fill()
    result = run.result()

Killed at any moment, the same lines go on where they were. Many processes may fill one folder, see ``Store.missing``.
"""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Never

import attrs
import torch
from torch import Tensor
from tqdm import tqdm

from tts.interfaces import instance, name_of
from tts.runs.fingerprint import digest_of
from tts.errors import PuzzleError, ShapeError, StoreError
from tts.runs.manifest import claim, describe_run
from tts.interfaces import Puzzle
from tts.search import Result
from tts.search import Search
from tts.runs.shards import Shard, Table, arrow, is_whole, load, make_folders, result_of, sweep
from tts.search import PuzzleQueue
from tts.runs.job import Job

MANIFEST = "manifest.json"


@attrs.frozen(eq=False)
class Store:
    """A search of B puzzles with one seed, kept in a folder; made by ``Store.open``.

    The folder holds ``manifest.json``, which says what was run on what, and a Parquet file for each shard in
    ``rollouts/`` (a row for each rollout) and in ``puzzles/`` (a row for each puzzle), which pandas and polars read as
    they are: ``pandas.read_parquet("runs/hard/rollouts")``. What it holds does not depend on the size of the shards,
    on who wrote them, or in which order, but for the column ``seconds``: a shard's, shared evenly among its puzzles.
    Of what the search records, ``q``, ``residual`` and ``answers`` are kept, as ``every_q`` and so on; latents are not.

    Attributes:
        folder: where it is.
        search, puzzles, ids, keys, labels, ignore, seed: as opened.
        digest: a hash of all that determines the results.
        shard: puzzles a shard.
    """

    folder: Path
    search: Search = attrs.field(validator=instance(Search))
    puzzles: Tensor | Sequence[Puzzle]
    ids: Tensor | None
    keys: Tensor | None
    labels: Tensor | None
    ignore: int
    seed: int
    digest: str
    shard: int

    @staticmethod
    def open(
        folder: str | os.PathLike[str],
        search: Search,
        puzzles: Tensor | Sequence[Puzzle],
        *,
        ids: Tensor | None = None,
        keys: Tensor | None = None,
        labels: Tensor | None = None,
        ignore: int = 0,
        seed: int = 0,
        shard: int = 64,
    ) -> Store:
        """Make a run folder, or go on with one.

        Args:
            folder: made where it does not exist.
            search: ``lanes`` may change from one time to the next, as may the device, on which
                results depend in their last bits. A model of one's own is known by its class, its ``config`` and
                ``codec``, and its weights.
            puzzles, ids, keys, seed: as a search is called with. A tensor may be mapped from a file: it is read once
                to be hashed, a few puzzles at a time, and then shard by shard.
            labels: int [B, L], the right answers; cells that hold ``ignore`` may be anything. With them the tables
                say what is correct.
            shard: puzzles a shard, for a new folder; one that is there keeps its own. A killed process loses a shard
                at most. Small shards keep fewer lanes busy: under a stop rule, or with K of 1, take more than 64.

        Raises:
            StoreError: the folder holds another run, or cannot be used; the sentence says what differs.
            PuzzleError, ShapeError: the puzzles do not fit the model, or the labels do not fit the puzzles.
            TTSError: pyarrow is missing.
        """
        arrow()
        source, number, where = PuzzleQueue(search.model.codec, puzzles, ids, keys), operator.index(seed), Path(folder)
        if not len(source):
            raise PuzzleError("there is nothing to search: no puzzles were given")
        if operator.index(shard) < 1:
            raise ValueError(f"shard is {shard}; a shard holds 1 puzzle or more")
        _check_labels(labels, [len(source), source.cells])
        run = describe_run(search, source, labels, ignore, number)
        made = claim(where / MANIFEST, run, {"shard": shard})
        make_folders(where)
        digest = digest_of(json.dumps(made["run"], sort_keys=True).encode())
        return Store(where, search, puzzles, ids, keys, labels, ignore, number, digest, made["shard"])

    def __len__(self) -> int:
        """How many shards there are."""
        return -(-len(self.puzzles) // self.shard)

    def rows(self, shard: int) -> slice:
        """The puzzles of a shard."""
        if not 0 <= shard < len(self):
            raise StoreError(f"there is no shard {shard} in {self.folder}: it has {len(self)}, numbered from 0")
        size = self.shard
        return slice(shard * size, min((shard + 1) * size, len(self.puzzles)))

    def missing(self) -> list[int]:
        """Shards that are not there, or damaged. Reads every file once.

        What ``fill`` does, shared by n processes that each open the folder, of which this is the i-th::

            for shard in run.missing()[i::n]:
                run.write(shard, run.compute(shard))
        """
        return [shard for shard in range(len(self)) if not is_whole(self.folder, shard, self.digest)]

    def work(self, shard: int) -> Job:
        """What there is to do for a shard, to be done here or elsewhere."""
        rows = self.rows(shard)
        puzzles = self.puzzles[rows].clone() if isinstance(self.puzzles, Tensor) else list(self.puzzles[rows])
        ids, keys, labels = (None if x is None else x[rows].clone() for x in (self.ids, self.keys, self.labels))
        return Job(
            self.folder.absolute(), self.digest, shard, rows.start, puzzles, ids, keys, labels, self.ignore, self.seed
        )

    def compute(self, shard: int, tick: Callable[[], object] = lambda: None) -> Result:
        """Search the puzzles of a shard; nothing is written. ``tick`` is called after each. Errors as the search's."""
        return self.work(shard).compute(self.search, tick)

    def write(self, shard: int, result: Result) -> None:
        """Keep the result of a shard, whole or not at all; one that is there already stays.

        Raises:
            StoreError: it is the result of other puzzles, or there is no space.
        """
        self.work(shard).write(self.search, result)

    def fill(self, description: str = "search") -> None:
        """Run what is missing, with a progress bar in a terminal. Ctrl-C and errors leave the finished shards."""
        missing = self.missing()
        with self.progress(missing, description) as bar:
            for shard in missing:
                work = self.work(shard)
                if work.done():  # another process was faster
                    bar.update(len(work))
                else:
                    work.write(self.search, work.compute(self.search, bar.update))
        sweep(self.folder)

    def progress(self, missing: Sequence[int], description: str) -> tqdm[Never]:
        """A bar of puzzles in a terminal, for one who runs the missing shards."""
        total = len(self.puzzles)
        done = total - sum(len(range(total)[self.rows(shard)]) for shard in missing)
        return tqdm(total=total, initial=done, desc=description, unit="puzzle", disable=None, delay=1)

    def result(self) -> Result:
        """All puzzles, as the search returns them, but for the record of latents; costs add up.

        Raises:
            StoreError: a shard is missing or damaged.
        """
        parts = [result_of(shard, self.search) for shard in self._shards()]
        return Result.join(parts, torch.arange(len(self.puzzles)))

    def table(self, rows: Literal["rollouts", "puzzles"] = "rollouts") -> Table:
        """A pyarrow table with a row for each rollout, or for each puzzle, in order. Errors as ``result``."""
        return arrow().concat_tables([getattr(shard, rows) for shard in self._shards()])

    def _shards(self) -> Iterator[Shard]:
        for number in range(len(self)):
            shard = load(self.folder, number, self.digest)
            if shard is None:
                raise StoreError(
                    f"{self.folder}: shard {number} of {len(self)} is missing or damaged; call fill() first"
                )
            yield shard


def _check_labels(labels: Tensor | None, expected: list[int]) -> None:
    if labels is None:
        return
    if not isinstance(labels, Tensor) or list(labels.shape) != expected or labels.is_floating_point():
        got = f"{labels.dtype} {list(labels.shape)}" if isinstance(labels, Tensor) else f"a {name_of(labels)}"
        raise ShapeError(f"labels must be integer [B, L] = {expected}, a row for each puzzle; got {got}")
