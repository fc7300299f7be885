"""Job: a shard of a run that is to be searched, with all that it takes but the search, to be done anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import torch
from torch import Tensor

from tts.datasets import Dataset
from tts.errors import StoreError
from tts.runs.shards import is_whole, make_folders, save, shard_of
from tts.search import PuzzleQueue, Result, Search

ATTEMPTS = 30
"""How often a shard is written before the file system is blamed: another writer may come in between, but not always."""


@attrs.frozen(eq=False, kw_only=True)
class Job:
    """n consecutive puzzles of a run, and where their result goes. Holds no more than these, so that it travels light.

    Attributes:
        folder: of the run.
        digest: of the run.
        shard: its number.
        dataset: the n puzzles, in main memory, with labels in the model's tokens where there are any.
        first: position of the first puzzle in the run.
        keys: int64 [n], or None.
        seed: of all noise.
    """

    folder: Path
    digest: str
    shard: int
    dataset: Dataset
    first: int
    keys: Tensor | None
    seed: int

    def __len__(self) -> int:
        return len(self.dataset)

    def done(self) -> bool:
        """Tell whether the shard is there, whole. Reads its files."""
        return is_whole(self.folder, self.shard, self.digest)

    def compute(self, search: Search, tick: Callable[[], object] = lambda: None) -> Result:
        """Search the puzzles; nothing is written. ``tick`` is called after each. Errors as those of the search."""
        parts = []
        data = self.dataset
        for part in search.stream(data.puzzles, ids=data.ids, keys=self.keys, seed=self.seed):
            parts.append(part)
            tick()
        order = torch.tensor([position for position, _ in parts]).argsort()
        return Result.join([result for _, result in parts], order)

    def write(self, search: Search, result: Result) -> None:
        """Keep the result, whole or not at all; one that is there already stays.

        Raises:
            StoreError: it is the result of other puzzles, or there is no space.
        """
        self._check(search, result)
        labels = self.dataset.answers
        correct = None if labels is None else result.rollouts.correct(labels.cpu(), self.dataset.ignore)
        shard = shard_of(result, self.first, correct)
        for _ in range(ATTEMPTS):
            if self.done():
                return
            try:
                save(shard, self.folder, self.shard, self.digest)
            except FileNotFoundError:  # swept away by another writer, which found the shard whole
                make_folders(self.folder)
            except OSError as error:
                raise StoreError(
                    f"{self.folder} cannot be written: {error.strerror or error}; "
                    "the finished shards are safe, so make room and run the same again"
                ) from error
        if not self.done():
            raise StoreError(
                f"{self.folder}: shard {self.shard} does not read back as it was written; is the disk failing?"
            )

    def _check(self, search: Search, result: Result) -> None:
        """Raise StoreError unless the result is one of these puzzles with this search."""
        data = self.dataset
        batch = PuzzleQueue(search.model.codec, data.puzzles, data.ids, self.keys).take(len(self))
        same = batch is not None and torch.equal(batch.keys, result.keys) and torch.equal(batch.tokens, result.tokens)
        if not same or result.scores.shape[1] != search.k:
            raise StoreError(f"{self.folder}: this is not the result of shard {self.shard}; pass compute({self.shard})")
