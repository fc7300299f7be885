"""Job: a shard of a run that is to be searched, with all that it takes but the search, to be done anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import torch
from torch import Tensor

from tts.errors import StoreError
from tts.interfaces import Puzzle
from tts.search import Result
from tts.search import Search
from tts.runs.shards import is_whole, make_folders, save, shard_of
from tts.search import PuzzleQueue

ATTEMPTS = 30
"""How often a shard is written before the file system is blamed: another writer may come in between, but not always."""


@attrs.frozen(eq=False)
class Job:
    """n consecutive puzzles of a run, and where their result goes. Holds no more than these, so that it travels light.

    Attributes:
        folder: of the run.
        digest: of the run.
        shard: its number.
        first: position of the first puzzle.
        puzzles: tokens, integer [n, L], or boards.
        ids, keys: int64 [n], or None.
        labels: integer [n, L], or None; cells that hold ``ignore`` may be anything.
        seed: of all noise.
    """

    folder: Path
    digest: str
    shard: int
    first: int
    puzzles: Tensor | Sequence[Puzzle]
    ids: Tensor | None
    keys: Tensor | None
    labels: Tensor | None
    ignore: int
    seed: int

    def __len__(self) -> int:
        return len(self.puzzles)

    def done(self) -> bool:
        """Whether the shard is there, whole. Reads its files."""
        return is_whole(self.folder, self.shard, self.digest)

    def compute(self, search: Search, tick: Callable[[], object] = lambda: None) -> Result:
        """Search the puzzles; nothing is written. ``tick`` is called after each. Errors as those of the search."""
        parts = []
        for part in search.stream(self.puzzles, ids=self.ids, keys=self.keys, seed=self.seed):
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
        correct = None if self.labels is None else result.rollouts.correct(self.labels.cpu(), self.ignore)
        made = shard_of(result, self.first, correct)
        for _ in range(ATTEMPTS):
            if self.done():
                return
            try:
                save(made, self.folder, self.shard, self.digest)
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
        batch = PuzzleQueue(search.model.codec, self.puzzles, self.ids, self.keys).take(len(self))
        same = batch is not None and torch.equal(batch.keys, result.keys) and torch.equal(batch.tokens, result.tokens)
        if not same or result.scores.shape[1] != search.k:
            raise StoreError(
                f"{self.folder}: what was given is not the result of shard {self.shard}; pass compute({self.shard})"
            )
