"""Puzzles as the engine takes them: checked, encoded, keyed, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tts.engine import Batch
from tts.errors import PuzzleError, ShapeError
from tts.model import Codec
from tts.puzzle import Puzzle
from tts.rng import puzzle_keys


class Source:
    """A tensor of tokens, or a sequence of boards, read front to back.

    Raises:
        ShapeError: tokens, ids or keys have the wrong shape or dtype.
        PuzzleError: a token lies outside the codec's vocabulary, or the codec does not know a board.
    """

    def __init__(self, codec: Codec, puzzles: Tensor | Sequence[Puzzle], ids: Tensor | None, keys: Tensor | None):
        self.codec, self.puzzles, self.keys = codec, puzzles, keys
        self.cells = codec.height * codec.width
        self.done = 0
        if isinstance(puzzles, Tensor):
            if puzzles.ndim != 2 or puzzles.shape[1] != self.cells or puzzles.is_floating_point():
                raise ShapeError(
                    f"puzzles must be integer tokens [B, L] with L = {self.cells} "
                    f"({codec.height} x {codec.width}); got {puzzles.dtype} {list(puzzles.shape)}"
                )
        elif ids is not None:
            raise ShapeError("ids go with tokens; boards bring the identifier of their own variety")
        for name, value in (("ids", ids), ("keys", keys)):
            if value is not None and (tuple(value.shape) != (len(puzzles),) or value.is_floating_point()):
                raise ShapeError(f"{name} must be integers [B] with B = {len(puzzles)}; got {list(value.shape)}")
        self.ids = ids

    def __len__(self) -> int:
        return len(self.puzzles)

    def take(self, n: int) -> Batch | None:
        """The next n puzzles or fewer; None at the end."""
        rows = slice(self.done, min(self.done + n, len(self)))
        if rows.start == rows.stop:
            return None
        self.done = rows.stop
        tokens, ids = self._encoded(rows)
        self._check(tokens, rows.start)
        content = puzzle_keys(tokens, ids)
        keys = content if self.keys is None else self.keys[rows].to("cpu", torch.int64)
        return Batch(np.arange(rows.start, rows.stop), tokens, ids, keys, content.numpy())

    def _encoded(self, rows: slice) -> tuple[Tensor, Tensor]:
        if isinstance(self.puzzles, Tensor):
            tokens = self.puzzles[rows].to("cpu", torch.int64)
            ids = self.ids[rows].to("cpu", torch.int64) if self.ids is not None else tokens.new_zeros(len(tokens))
            return tokens, ids
        pairs = [self.codec.encode(puzzle) for puzzle in self.puzzles[rows]]
        return torch.from_numpy(np.stack([tokens for tokens, _ in pairs])), torch.tensor([i for _, i in pairs])

    def _check(self, tokens: Tensor, first: int) -> None:
        bad = ((tokens < 0) | (tokens >= self.codec.vocab_size)).nonzero()
        if len(bad):
            row, cell = bad[0].tolist()
            raise PuzzleError(
                f"puzzle {first + row} has token {int(tokens[row, cell])} in cell {cell}; "
                f"the model's vocabulary is 0 to {self.codec.vocab_size - 1}"
            )
