"""Dataset: puzzles as a search takes them, with what is known of their answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import overload

import attrs
import numpy as np
import torch
from torch import Tensor

from tts.errors import PuzzleError
from tts.interfaces import Codec, Grid, Puzzle, RecursiveModel
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


@attrs.frozen(eq=False)
class Dataset:
    """B puzzles. A slice of it is a data set, too; what is not looked at is not read.

    Attributes:
        name: of the file or folder, for errors.
        puzzles: tokens, integer [B, L], mapped from the disk; or boards, parsed when they are looked at.
        ids: int64 [B], puzzle identifiers that go with tokens; None with boards.
        groups: int64 [B], equal for the views of one puzzle (official folders); None elsewhere.
        answers: label tokens, integer [B, L], mapped from the disk; None where there are none, and with boards,
            which bring their solutions.
        ignore: the label of cells that may hold anything; None where every cell is labelled.
        vocab_size: V, where the data says so.
        pad: the token of cells off the board, where the data says so.
        first: row 0 of this data set is row ``first`` of its file.
    """

    name: str
    puzzles: Tensor | Boards
    ids: Tensor | None = None
    groups: Tensor | None = None
    answers: Tensor | None = None
    ignore: int | None = 0
    vocab_size: int | None = None
    pad: int | None = None
    first: int = 0

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
        """The data set in slices of ``size`` rows or fewer."""
        if size < 1:
            raise ValueError(f"batches of {size} rows; give 1 or more")
        return (self[start : start + size] for start in range(0, len(self), size))

    def check(self, model: RecursiveModel) -> None:
        """Raise PuzzleError where the tokens are not those that the model reads. Boards are the codec's to check."""
        if not isinstance(self.puzzles, Tensor):
            return
        codec = model.codec
        sizes = {
            "cells a puzzle": (self.puzzles.shape[1], codec.height * codec.width),
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

    def labels(self, codec: Codec) -> Tensor | None:
        """The right answers in the codec's tokens, integer [B, L]; None where the data has none.

        Raises:
            PuzzleError: a row has no label, or one that is no token; names the row.
        """
        if isinstance(self.puzzles, Boards):
            return _of_boards(self.puzzles, codec)
        if self.answers is not None:
            free = torch.full((), -1 if self.ignore is None else self.ignore)
            wrong = (self.answers != free) & ((self.answers < 0) | (self.answers >= codec.vocab_size))
            self._refuse(wrong.any(dim=1), f"a label that is no token; tokens are 0 to {codec.vocab_size - 1}")
            self._refuse((self.answers == free).all(dim=1), "no labelled cell, so that any answer would be right")
        return self.answers

    def _refuse(self, rows: Tensor, why: str) -> None:
        if bool(rows.any()):
            raise PuzzleError(f"{self.name}, row {self.first + int(rows.to(torch.uint8).argmax())}: {why}")


def _of_boards(boards: Boards, codec: Codec) -> Tensor | None:
    if not boards or boards.solution(0) is None:
        return None
    labels = np.empty((len(boards), codec.height * codec.width), np.int16)
    for row in range(len(boards)):
        grid = boards.solution(row)
        if grid is None:
            raise PuzzleError(
                f"{boards.place(row)}: no solution, and other rows have one; give all of them one or none"
            )
        labels[row] = label_of(codec, boards[row], grid)
    return torch.from_numpy(labels)


def label_of(codec: Codec, board: Puzzle, grid: Grid) -> Grid:
    """The answer tokens int64 [L] that the codec decodes to an answer grid [height, width]; pad off the board.

    Raises:
        PuzzleError: no token of the codec stands for a value of the grid.
    """
    right = board.grid(board.answer_tokens(grid)).astype(np.int64)
    cells = codec.height * codec.width
    meant = np.stack([codec.decode(board, np.full(cells, token)) for token in range(codec.vocab_size)])
    if not (meant == right).any(axis=0).all():
        raise PuzzleError("the solution has a value that is no answer to this puzzle")
    tokens = np.full((codec.height, codec.width), codec.pad)
    tokens[: board.height, : board.width] = (meant == right).argmax(axis=0)
    return tokens.ravel()


Judge = Callable[[Sequence[Board], Sequence[Grid]], Tensor]
"""Boards and an answer grid [height, width] to each: which are right, bool [n]."""


NOTHING = -100
"""A label that no cell has, for data where every cell is labelled."""
