"""Dataset: puzzles as a search takes them, with what is known of their answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import overload

import attrs
import numpy as np
import torch
from torch import Tensor

from tts.errors import PuzzleError, ShapeError
from tts.interfaces import Codec, Grid, RecursiveModel, name_of
from tts.puzzles import Board


class Boards(Sequence[Board]):
    """Boards, and the solutions of those that have one. Slices are boards, too."""

    @overload
    def __getitem__(self, row: int) -> Board: ...
    @overload
    def __getitem__(self, row: slice) -> Boards: ...
    @abstractmethod
    def __getitem__(self, row: int | slice) -> Board | Boards: ...

    @abstractmethod
    def solution(self, row: int) -> Grid | None:
        """The answer grid [height, width] of a row; None where none is known."""

    @abstractmethod
    def place(self, row: int) -> str:
        """Where a row comes from, for errors."""


@attrs.frozen(eq=False)
class KnownBoards(Boards):
    """Boards at hand, with all their solutions or none.

    Attributes:
        name: of where they come from, for errors.
    """

    name: str
    boards: tuple[Board, ...]
    solutions: tuple[Grid, ...] | None = None

    def __len__(self) -> int:
        return len(self.boards)

    @overload
    def __getitem__(self, row: int) -> Board: ...
    @overload
    def __getitem__(self, row: slice) -> KnownBoards: ...
    def __getitem__(self, row: int | slice) -> Board | KnownBoards:
        if isinstance(row, slice):
            return KnownBoards(self.name, self.boards[row], self.solutions and self.solutions[row])
        return self.boards[row]

    def solution(self, row: int) -> Grid | None:
        return None if self.solutions is None else self.solutions[row]

    def place(self, row: int) -> str:
        return f"{self.name}, puzzle {row + 1}"


Judge = Callable[[Sequence[Board], Sequence[Grid]], Tensor]
"""Boards and an answer grid [height, width] to each: which are right, bool [n]."""

_NOTHING = -100
"""A label that no cell has, for data where every cell is labelled."""


def _label(ignore: int | None) -> int:
    return _NOTHING if ignore is None else ignore


@attrs.frozen(eq=False)
class Dataset:
    """B puzzles with what is known of their answers. A slice is a data set, too; what is not looked at is not read.

        Dataset("mine", tokens, answers=labels)

    Attributes:
        name: of the file or folder, for errors.
        puzzles: tokens, integer [B, L], which may be mapped from the disk; or boards, parsed when they are looked at.
        answers: label tokens, integer [B, L], in the tokens of the model to search with. None where there are none,
            and with ``Boards``, which bring their solutions.
        ids: int64 [B], puzzle identifiers that go with tokens; None with boards.
        groups: int64 [B], equal for the views of one puzzle (official folders); None elsewhere.
        ignore: the label of cells that may hold anything. Give None where every cell is labelled.
        vocab_size: V, where the data says so.
        pad: the token of cells off the board, where the data says so.
        first: row 0 of this data set is row ``first`` of its file.
        judges: others who say which answers to boards are right, by name.
    """

    name: str
    puzzles: Tensor | Sequence[Board]
    answers: Tensor | None = attrs.field(default=None, kw_only=True)
    ids: Tensor | None = attrs.field(default=None, kw_only=True)
    groups: Tensor | None = attrs.field(default=None, kw_only=True)
    ignore: int = attrs.field(default=0, kw_only=True, converter=_label)
    vocab_size: int | None = attrs.field(default=None, kw_only=True)
    pad: int | None = attrs.field(default=None, kw_only=True)
    first: int = attrs.field(default=0, kw_only=True)
    judges: Mapping[str, Judge] = attrs.field(factory=dict, kw_only=True)

    def __len__(self) -> int:
        return len(self.puzzles)

    def __getitem__(self, part: slice) -> Dataset:
        start, stop, step = part.indices(len(self))
        if step != 1:
            raise IndexError("take rows of a data set in order: data[first:last]")
        rows = slice(start, max(start, stop))
        ids, groups, answers = (None if x is None else x[rows] for x in (self.ids, self.groups, self.answers))
        return attrs.evolve(
            self, puzzles=self.puzzles[rows], ids=ids, groups=groups, answers=answers, first=self.first + start
        )

    def batches(self, size: int) -> Iterator[Dataset]:
        """Yield the data set in slices of ``size`` rows or fewer."""
        if size < 1:
            raise ValueError(f"batches of {size} rows; give 1 or more")
        return (self[start : start + size] for start in range(0, len(self), size))

    @property
    def boards(self) -> Sequence[Board] | None:
        """The puzzles where they are boards; None where they are tokens."""
        return None if isinstance(self.puzzles, Tensor) else self.puzzles

    @property
    def labelled(self) -> bool:
        """Whether the right answers are known, so that there are ``labels``."""
        if self.answers is not None:
            return True
        return isinstance(self.puzzles, Boards) and len(self) > 0 and self.puzzles.solution(0) is not None

    def check(self, model: RecursiveModel) -> None:
        """Raise PuzzleError where the tokens are not those that the model reads. Boards are the codec's to check."""
        if not isinstance(self.puzzles, Tensor):
            return
        codec = model.codec
        sizes = {
            "cells a puzzle": (self.puzzles.shape[-1], codec.height * codec.width),
            "tokens": (self.vocab_size or codec.vocab_size, codec.vocab_size),
            "for the pad token": (codec.pad if self.pad is None else self.pad, codec.pad),
        }
        for what, (theirs, ours) in sizes.items():
            if theirs != ours:
                raise PuzzleError(
                    f"{self.name} has {theirs} {what}, the model {ours}: evaluate it on data of its own kind"
                )
        known = getattr(getattr(model, "config", None), "num_puzzle_identifiers", None)
        if self.ids is not None and known and len(self) and int(self.ids.max()) >= known:
            raise PuzzleError(
                f"{self.name} has puzzle identifier {int(self.ids.max())}, and the model learnt {known}, from 0: "
                "evaluate it on the data set that it was trained with"
            )

    def labels(self, codec: Codec | None = None) -> Tensor:
        """Return the right answers, integer [B, L]; cells whose label is ``ignore`` may hold anything.

        Args:
            codec: whose tokens boards are labelled in; without one each board's own tokens, for boards of one size.

        Raises:
            PuzzleError: the data has no answers, or a row has none, or one that is not a token; names the row.
            ShapeError: ``answers`` do not fit the puzzles.
        """
        if not self.labelled:
            raise PuzzleError(f"{self.name} has no solutions: add them, or take other data")
        if self.answers is None:
            assert isinstance(self.puzzles, Boards)
            return _of_boards(self.puzzles, codec)
        self._check_answers(self.answers, codec)
        return self.answers

    def _check_answers(self, answers: Tensor, codec: Codec | None) -> None:
        cells = self.puzzles.shape[-1] if isinstance(self.puzzles, Tensor) else None
        expected = [len(self), cells if codec is None else codec.height * codec.width]
        if not isinstance(answers, Tensor) or list(answers.shape) != expected or answers.is_floating_point():
            got = f"{answers.dtype} {list(answers.shape)}" if isinstance(answers, Tensor) else f"a {name_of(answers)}"
            raise ShapeError(f"labels must be integer [B, L] = {expected}, a row for each puzzle; got {got}")
        free = answers == self.ignore
        if codec is not None:
            wrong = ~free & ((answers < 0) | (answers >= codec.vocab_size))
            why = f"a label that is not a token; tokens are 0 to {codec.vocab_size - 1}"
            self._refuse(wrong.any(dim=1), why)
        self._refuse(free.all(dim=1), "no labelled cell, so that any answer would be right")

    def _refuse(self, rows: Tensor, why: str) -> None:
        if bool(rows.any()):
            raise PuzzleError(f"{self.name}, row {self.first + int(rows.to(torch.uint8).argmax())}: {why}")


def _of_boards(boards: Boards, codec: Codec | None) -> Tensor:
    height, width = (boards[0].height, boards[0].width) if codec is None else (codec.height, codec.width)
    labels = np.empty((len(boards), height * width), np.int16)
    for row in range(len(boards)):
        board, grid = boards[row], boards.solution(row)
        if grid is None:
            raise PuzzleError(
                f"{boards.place(row)}: no solution, and other rows have one; give all of them one or none"
            )
        if codec is None and (board.height, board.width) != (height, width):
            raise PuzzleError(f"{boards.place(row)}: a board of another size than the first; pass a model's codec")
        try:
            labels[row] = board.answer_tokens(grid) if codec is None else codec.encode_answer(board, grid)
        except PuzzleError as error:
            raise PuzzleError(f"{boards.place(row)}: {error}") from error
    return torch.from_numpy(labels)
