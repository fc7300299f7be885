"""Store: a search of many puzzles in a folder, in shards that are whole or done again.

    run = Store.open("runs/hard", search, dataset)
    run.fill()
    result = run.result()

Killed at any moment, the same lines continue where they were. Many processes may fill one folder: ``Store.missing``.
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

from tts.datasets import Dataset
from tts.errors import PuzzleError, StoreError
from tts.interfaces import instance
from tts.runs.fingerprint import digest_of
from tts.runs.job import Job
from tts.runs.manifest import MANIFEST, claim, describe_run
from tts.runs.shards import Shard, Table, arrow, is_whole, load, make_folders, result_of, sweep
from tts.search import PuzzleQueue, Result, Search


@attrs.frozen(eq=False, kw_only=True)
class Store:
    """A search of B puzzles with one seed, kept in a folder; made by ``Store.open``.

    The folder holds ``manifest.json``, which says what was run on what, and a Parquet file for each shard in
    ``rollouts/`` (a row for each rollout) and in ``puzzles/`` (a row for each puzzle), which pandas and polars read as
    they are: ``pandas.read_parquet("runs/hard/rollouts")``. What it holds does not depend on the size of the shards,
    on who wrote them, or in which order, but for the column ``seconds``: a shard's, shared evenly among its puzzles.
    Of what the search records, ``q``, ``residual`` and ``answers`` are kept, as ``every_q`` and so on; latents are not.

    Attributes:
        folder: where it is.
        search, dataset, keys, seed: as opened.
        labels: integer [B, L], the right answers in the model's tokens; None where they are not known.
        digest: a hash of all that determines the results.
        shard: puzzles a shard.
    """

    folder: Path
    search: Search = attrs.field(validator=instance(Search))
    dataset: Dataset = attrs.field(validator=instance(Dataset))
    labels: Tensor | None
    keys: Tensor | None
    seed: int
    digest: str
    shard: int

    @staticmethod
    def open(
        folder: str | os.PathLike[str],
        search: Search,
        dataset: Dataset,
        *,
        keys: Tensor | None = None,
        seed: int = 0,
        shard: int = 64,
    ) -> Store:
        """Make a run folder, or continue one.

        Args:
            folder: made where it does not exist.
            search: ``lanes`` may change from one time to the next, as may the device, on which
                results depend in their last bits. A model of one's own is known by its class, its ``config`` and
                ``codec``, and its weights.
            dataset: the puzzles. A tensor may be mapped from a file: it is read once to be hashed, a few puzzles at a
                time, and then shard by shard. Where there are labels the tables say what is correct.
            keys, seed: as a search is called with.
            shard: puzzles a shard, for a new folder; one that is there keeps its own. A killed process loses a shard
                at most. Small shards keep fewer lanes busy: under a stop rule, or with K of 1, take more than 64.

        Raises:
            StoreError: the folder holds another run, or cannot be used; the sentence says what differs.
            PuzzleError, ShapeError: the puzzles do not fit the model, or the labels do not fit the puzzles.
            TTSError: pyarrow is missing.
        """
        arrow()
        path, number, codec = Path(folder), operator.index(seed), search.model.codec
        if not len(dataset):
            raise PuzzleError(f"there is nothing to search: {dataset.name} has no puzzles")
        if operator.index(shard) < 1:
            raise ValueError(f"shard is {shard}; a shard holds 1 puzzle or more")
        dataset.check(search.model)
        labels = dataset.labels(codec) if dataset.labelled else None
        source = PuzzleQueue(codec, dataset.puzzles, dataset.ids, keys)
        run = describe_run(search, source, labels, dataset.ignore, number)
        manifest = claim(path / MANIFEST, run, {"shard": shard, "exchangeable": search.exchangeable})
        make_folders(path)
        digest = digest_of(json.dumps(manifest["run"], sort_keys=True).encode())
        return Store(
            folder=path,
            search=search,
            dataset=dataset,
            labels=labels,
            keys=keys,
            seed=number,
            digest=digest,
            shard=manifest["shard"],
        )

    def __len__(self) -> int:
        """Count the shards."""
        return -(-len(self.dataset) // self.shard)

    def rows(self, shard: int) -> slice:
        """Return the puzzles of a shard, as positions."""
        if not 0 <= shard < len(self):
            raise StoreError(f"there is no shard {shard} in {self.folder}: it has {len(self)}, numbered from 0")
        size = self.shard
        return slice(shard * size, min((shard + 1) * size, len(self.dataset)))

    def missing(self) -> list[int]:
        """List the shards that are not there, or damaged. Reads every file once.

        What ``fill`` does, shared by n processes that each open the folder, of which this is the i-th::

            for shard in run.missing()[i::n]:
                run.write(shard, run.compute(shard))
        """
        return [shard for shard in range(len(self)) if not is_whole(self.folder, shard, self.digest)]

    def job(self, shard: int) -> Job:
        """Return what there is to do for a shard, to be done here or elsewhere."""
        rows, data = self.rows(shard), self.dataset
        puzzles = data.puzzles[rows].clone() if isinstance(data.puzzles, Tensor) else list(data.puzzles[rows])
        ids, keys, labels = (None if x is None else x[rows].clone() for x in (data.ids, self.keys, self.labels))
        return Job(
            folder=self.folder.absolute(),
            digest=self.digest,
            shard=shard,
            dataset=Dataset(data.name, puzzles, answers=labels, ids=ids, ignore=data.ignore),
            first=rows.start,
            keys=keys,
            seed=self.seed,
        )

    def compute(self, shard: int, tick: Callable[[], object] = lambda: None) -> Result:
        """Search the puzzles of a shard; nothing is written. ``tick`` is called after each. Errors as the search's."""
        return self.job(shard).compute(self.search, tick)

    def write(self, shard: int, result: Result) -> None:
        """Keep the result of a shard, whole or not at all; one that is there already stays.

        Raises:
            StoreError: it is the result of other puzzles, or there is no space.
        """
        self.job(shard).write(self.search, result)

    def fill(self, description: str = "search") -> None:
        """Run what is missing, with a progress bar in a terminal. Ctrl-C and errors leave the finished shards."""
        missing = self.missing()
        with self.progress(missing, description) as bar:
            for shard in missing:
                job = self.job(shard)
                if job.done():  # another process was faster
                    bar.update(len(job))
                else:
                    job.write(self.search, job.compute(self.search, bar.update))
        sweep(self.folder)

    def progress(self, missing: Sequence[int], description: str) -> tqdm[Never]:
        """Return a bar of puzzles in a terminal, for one who runs the missing shards."""
        total = len(self.dataset)
        done = total - sum(len(range(total)[self.rows(shard)]) for shard in missing)
        return tqdm(total=total, initial=done, desc=description, unit="puzzle", disable=None, delay=1)

    def results(self) -> Iterator[tuple[slice, Result]]:
        """Yield rows and their results, shard by shard; records of latents are left out. Errors as ``result``."""
        for number, shard in enumerate(self._shards()):
            yield self.rows(number), result_of(shard, self.search)

    def result(self) -> Result:
        """Return all puzzles, as the search does, but for the record of latents; costs add up.

        Raises:
            StoreError: a shard is missing or damaged.
        """
        return Result.join([result for _, result in self.results()], torch.arange(len(self.dataset)))

    def table(self, rows: Literal["rollouts", "puzzles"] = "rollouts") -> Table:
        """Return a pyarrow table, a row for each rollout or each puzzle, in order. Errors as ``result``."""
        return arrow().concat_tables([getattr(shard, rows) for shard in self._shards()])

    def _shards(self) -> Iterator[Shard]:
        for number in range(len(self)):
            shard = load(self.folder, number, self.digest)
            if shard is None:
                raise StoreError(
                    f"{self.folder}: shard {number} of {len(self)} is missing or damaged; call fill() first"
                )
            yield shard
