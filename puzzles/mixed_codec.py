"""MixedCodec: boards of several varieties in one vocabulary, for a model that solves them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import attrs
import numpy as np
import torch
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.interfaces import Codec, Puzzle, Verifier, View
from tts.puzzles.board import Board
from tts.puzzles.varieties import variety_of
from tts.puzzles.variety_codec import VarietyCodec
from tts.verifiers.mixed import MixedVerifier, own_tokens, token_starts
from tts.verifiers.tokens import PAD


def _names(varieties: Iterable[str]) -> tuple[str, ...]:
    return tuple(varieties)


def _box(box: Iterable[int] | None) -> tuple[int, int] | None:
    if box is None:
        return None
    high, wide = box
    return high, wide


@attrs.frozen
class MixedCodec(Codec):
    """Each variety has its own range of tokens and its own puzzle identifier, its place in ``varieties``.

    The pad, 0, is shared; the other default tokens of a variety come after those of the one before.

    Attributes:
        varieties: their names.
        height, width: the largest board, L = height * width.
        box: height and width of the sudokus' boxes; unless given, the usual ones of a board of this size. (3, 3) puts
            sudokus of 9x9 on a larger board.
        vocab_size: V, what the varieties need on boards of this size.
        pad: 0.
        verifier: the rules of all of them, those of its own variety for each board.

    Raises:
        PuzzleError: no varieties, one twice, an unknown one, or a size that one of them does not have.
    """

    varieties: tuple[str, ...] = attrs.field(converter=_names)
    height: int
    width: int
    box: tuple[int, int] | None = attrs.field(default=None, converter=_box)
    vocab_size: int = attrs.field(init=False)
    pad: int = attrs.field(default=PAD, init=False)
    verifier: Verifier = attrs.field(init=False, eq=False, repr=False)
    parts: tuple[VarietyCodec, ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.varieties or len(set(self.varieties)) != len(self.varieties):
            raise PuzzleError(f"MixedCodec: varieties {self.varieties}; give one or more, each once")
        parts = tuple(self._part(name) for name in self.varieties)
        sizes = tuple(part.vocab_size for part in parts)
        rules = tuple(part.verifier for part in parts if part.verifier is not None)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "vocab_size", token_starts(sizes)[-1])
        object.__setattr__(self, "verifier", MixedVerifier(rules, sizes))

    def _part(self, name: str) -> VarietyCodec:
        if self.box is not None and variety_of(name).board.boxed:
            return VarietyCodec(name, self.height, self.width, self.box)
        return VarietyCodec(name, self.height, self.width)

    def range(self, variety: str) -> tuple[int, int]:
        """Return the first token of a variety and the one after its last.

        Raises:
            PuzzleError: it is not among ``varieties``.
        """
        return self._ranges()[self._place(variety)]

    def encode(self, puzzle: Puzzle) -> tuple[NDArray[np.int64], int]:
        """Return tokens int64 [L] and the puzzle identifier: the place of the variety.

        Raises:
            PuzzleError: another variety, a larger board, other boxes, or a clue outside the vocabulary.
        """
        place = self._place(puzzle.variety)
        tokens, _ = self.parts[place].encode(puzzle)
        return self._shifted(tokens, place), place

    def encode_answer(self, puzzle: Puzzle, grid: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the answer tokens int64 [L] of a grid [puzzle.height, puzzle.width]; clue cells repeat their clue.

        Raises:
            PuzzleError: the puzzle is not one of this codec, or the grid has a value that is not an answer to it.
        """
        place = self._place(puzzle.variety)
        return self._shifted(self.parts[place].encode_answer(puzzle, grid), place)

    def decode(self, puzzle: Puzzle, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the answer grid [puzzle.height, puzzle.width] that answer tokens [L] stand for; -1 where they are
        none.
        """
        place = self._place(puzzle.variety)
        return self.parts[place].decode(puzzle, self._own(answers, place))

    def board(self, tokens: NDArray[np.int64]) -> Board:
        """Return the board that tokens [L] stand for, cut from its pads.

        Raises:
            PuzzleError: the tokens are not a board of one of the varieties.
        """
        for place, (start, end) in enumerate(self._ranges()):
            if ((tokens == self.pad) | ((tokens >= start) & (tokens < end))).all():
                return self.parts[place].board(self._own(tokens, place))
        raise PuzzleError(f"tokens of several varieties for a codec of {', '.join(self.varieties)}")

    def views(self, tokens: NDArray[np.int64], identifier: int, seed: int = 0) -> Iterator[View]:
        """Yield the board of tokens [L] through its symmetries, see Codec.views; those that do not fit are left out."""
        if not 0 <= identifier < len(self.parts):
            raise PuzzleError(
                f"identifier {identifier} is not a variety of this codec; give 0 to {len(self.parts) - 1}"
            )
        start, end = self._ranges()[identifier]
        for view in self.parts[identifier].views(self._own(tokens, identifier), 0, seed):
            values = np.arange(self.vocab_size)
            values[start:end] = np.where(view.values[1:] == PAD, PAD, view.values[1:] + start - 1)
            shown = np.where(view.tokens == PAD, PAD, view.tokens + start - 1)
            yield View(shown, identifier, view.cells, values)

    def _shifted(self, tokens: NDArray[np.int64], place: int) -> NDArray[np.int64]:
        """Return a variety's own tokens in its range of this codec's."""
        return np.where(tokens == PAD, PAD, tokens + self._ranges()[place][0] - 1)

    def _own(self, tokens: NDArray[np.int64], place: int) -> NDArray[np.int64]:
        start, end = self._ranges()[place]
        return own_tokens(torch.from_numpy(np.asarray(tokens)), start, end).numpy()

    def _ranges(self) -> list[tuple[int, int]]:
        return list(pairwise(token_starts(tuple(part.vocab_size for part in self.parts))))

    def _place(self, variety: str) -> int:
        if variety not in self.varieties:
            raise PuzzleError(f"a {variety} board for a codec of {', '.join(self.varieties)}")
        return self.varieties.index(variety)
