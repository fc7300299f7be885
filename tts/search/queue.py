"""Puzzles as the engine takes them: checked, encoded, keyed, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts._util.arrays import Ints
from tts.errors import PuzzleError, ShapeError
from tts.interfaces import Codec, Puzzle, name_of, puzzle_keys


@attrs.frozen(eq=False, kw_only=True)
class Batch:
    """n puzzles.

    Attributes:
        position: [n], in the caller's order.
        tokens: int64 [n, L].
        ids: int64 [n], the puzzle identifiers.
        keys: int64 [n], what tells the noise of equal puzzles apart.
        content: int64 [n], a hash of tokens and identifier, equal for puzzles that are embedded alike.
    """

    position: Ints
    tokens: Tensor
    ids: Tensor
    keys: Tensor
    content: Ints = attrs.field(init=False)

    @content.default
    def _hash(self) -> Ints:
        content: Ints = puzzle_keys(self.tokens, self.ids).numpy()
        return content


class PuzzleQueue:
    """A tensor of tokens, or a sequence of boards, read from front to back.

    Raises:
        ShapeError: tokens, ids or keys have the wrong shape or dtype.
        PuzzleError: a token lies outside the codec's vocabulary, or the codec does not know a board.
    """

    def __init__(self, codec: Codec, puzzles: Tensor | Sequence[Puzzle], ids: Tensor | None, keys: Tensor | None):
        if not isinstance(codec, Codec):
            raise PuzzleError("the model does not say what its tokens mean: build it with codec=, say a TokenCodec")
        self.codec, self.puzzles, self.ids, self.keys = codec, puzzles, ids, keys
        self.cells = codec.height * codec.width
        self.done = 0
        if isinstance(puzzles, Tensor):
            if puzzles.ndim != 2 or puzzles.shape[1] != self.cells or not _is_integer(puzzles):
                raise ShapeError(
                    f"puzzles must be integer tokens [B, L] with L = {self.cells} "
                    f"({codec.height} x {codec.width}); got {puzzles.dtype} {list(puzzles.shape)}"
                )
            self._check(puzzles, 0)
        elif not isinstance(puzzles, Sequence) or isinstance(puzzles, str):
            raise PuzzleError(f"puzzles must be tokens [B, L] or a list of boards; got a {name_of(puzzles)}")
        elif ids is not None:
            raise ShapeError("ids go with tokens; boards bring the identifier of their own variety")
        for name, value in (("ids", ids), ("keys", keys)):
            if value is not None and not (
                isinstance(value, Tensor) and tuple(value.shape) == (len(puzzles),) and _is_integer(value)
            ):
                got = f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else f"a {name_of(value)}"
                raise ShapeError(f"{name} must be an integer tensor [B] with B = {len(puzzles)}; got {got}")

    def __len__(self) -> int:
        return len(self.puzzles)

    def take(self, n: int) -> Batch | None:
        """Return the next n puzzles or fewer; None at the end."""
        rows = slice(self.done, min(self.done + n, len(self)))
        if rows.start == rows.stop:
            return None
        self.done = rows.stop
        tokens, ids = self._encoded(rows)
        keys = puzzle_keys(tokens, ids) if self.keys is None else self.keys[rows].to("cpu", torch.int64)
        return Batch(position=np.arange(rows.start, rows.stop), tokens=tokens, ids=ids, keys=keys)

    def _encoded(self, rows: slice) -> tuple[Tensor, Tensor]:
        if isinstance(self.puzzles, Tensor):
            tokens = self.puzzles[rows].to("cpu", torch.int64)
            ids = self.ids[rows].to("cpu", torch.int64) if self.ids is not None else tokens.new_zeros(len(tokens))
            return tokens, ids
        pairs = [self._board(place, puzzle) for place, puzzle in enumerate(self.puzzles[rows], rows.start)]
        tokens = torch.from_numpy(np.stack([tokens for tokens, _ in pairs]))
        self._check(tokens, rows.start)
        return tokens, torch.tensor([i for _, i in pairs])

    def _board(self, place: int, puzzle: Puzzle) -> tuple[NDArray[np.int64], int]:
        if not isinstance(puzzle, Puzzle):
            raise PuzzleError(f"puzzle {place} is a {name_of(puzzle)}; tts.parse makes boards from text")
        try:
            return self.codec.encode(puzzle)
        except PuzzleError as error:
            raise PuzzleError(f"puzzle {place}: {error}") from error

    def _check(self, tokens: Tensor, first: int) -> None:
        bad = ((tokens < 0) | (tokens >= self.codec.vocab_size)).nonzero()
        if len(bad):
            row, cell = bad[0].tolist()
            raise PuzzleError(
                f"puzzle {first + row} has token {int(tokens[row, cell])} in cell {cell}; "
                f"the model's vocabulary is 0 to {self.codec.vocab_size - 1}"
            )


def _is_integer(values: Tensor) -> bool:
    return not (values.is_floating_point() or values.is_complex())
