"""Files of one puzzle a line: plain lists, JSON lines and the csv of sudoku-extreme and Maze-Hard."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import overload

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.datasets.dataset import Boards
from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles import Board, parse
from tts.puzzles.maze import is_maze

Split = Callable[[str], tuple[str, str | None]]
"""Puzzle and solution of a line, as text."""
LONGEST = 1 << 16
"""Bytes of a line; longer ones are not puzzles."""
_AT_ONCE = 1 << 26
_HASH, _SPACES = ord("#"), tuple(b" \t\r\v\f")


@attrs.frozen(eq=False)
class Lines:
    """The lines of a file that hold puzzles; found in one pass, each read when it is asked for.

    Attributes:
        path: of the file.
        starts, ends: int64 [n], bytes.
        numbers: int64 [n], of the lines, from 1.
    """

    path: Path
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, path: Path) -> Lines:
        """Find all lines that are not empty."""
        try:
            data = np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.zeros(0, np.uint8)
        except (OSError, ValueError) as error:
            raise PuzzleError(f"{path} cannot be read: {error}") from error
        breaks = [
            start + np.flatnonzero(data[start : start + _AT_ONCE] == ord("\n"))
            for start in range(0, len(data), _AT_ONCE)
        ]
        ends = np.concatenate([*breaks, [len(data)]]).astype(np.int64)
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        lines = cls(path, starts, ends, np.arange(1, len(starts) + 1)).where(starts < ends)
        blank = np.isin(data[lines.starts], _SPACES)  # few: only these are looked at
        return lines.where(np.array([not odd or bool(lines[row].strip()) for row, odd in enumerate(blank)], np.bool_))

    def where(self, rows: NDArray[np.bool_]) -> Lines:
        """Return those of ``rows``, bool [n]."""
        return Lines(self.path, self.starts[rows], self.ends[rows], self.numbers[rows])

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, row: int) -> str:
        """Read a line. Raises PuzzleError where it is not text."""
        start, size = int(self.starts[row]), int(self.ends[row] - self.starts[row])
        if size > LONGEST:
            raise PuzzleError(f"{self.place(row)}: {size} bytes long; a puzzle a line is expected")
        with self.path.open("rb") as file:
            file.seek(start)
            raw = file.read(size)
        try:
            return raw.decode("utf-8-sig" if start == 0 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise PuzzleError(f"{self.place(row)}: not text; a puzzle a line is expected") from error

    def place(self, row: int) -> str:
        """Name file and line, for errors."""
        return f"{self.path}, line {self.numbers[row]}"


@attrs.frozen(eq=False)
class LineBoards(Boards):
    """The boards of a file, parsed each time they are looked at. Slices are as lazy."""

    lines: Lines
    split: Split
    rows: range

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, row: int) -> Board: ...
    @overload
    def __getitem__(self, row: slice) -> LineBoards: ...
    def __getitem__(self, row: int | slice) -> Board | LineBoards:
        if isinstance(row, slice):
            return attrs.evolve(self, rows=self.rows[row])
        return self._parsed(self.rows[row])[0]

    def solution(self, row: int) -> Grid | None:
        """Return the answer grid [height, width] of a row, None where there is none; PuzzleError where it is wrong."""
        board, text = self._parsed(self.rows[row])
        if text is None:
            return None
        try:
            grid = board.parse_answer(text.replace(" ", ".") if board.variety == "maze" else text)
        except PuzzleError as error:
            raise PuzzleError(f"{self.place(row)}: the solution: {error}") from error
        if board.variety == "sudoku" and not grid.all():
            raise PuzzleError(f"{self.place(row)}: the solution leaves cells empty")
        return grid

    def place(self, row: int) -> str:
        """Name file and line of a row, for errors."""
        return self.lines.place(self.rows[row])

    def _parsed(self, line: int) -> tuple[Board, str | None]:
        text = self.lines[line]
        try:
            puzzle, solution = self.split(text)
            return parse(puzzle), solution
        except (PuzzleError, csv.Error, ValueError, RecursionError) as error:
            raise PuzzleError(f"{self.lines.place(line)}: {error}") from error


def read_lines(path: Path) -> LineBoards:
    """Read the boards of a file, whose first line says which kind of file it is.

    Raises:
        PuzzleError: there is no file, no puzzle in it, or the first line is not one.
    """
    lines = Lines.of(path)
    if not len(lines):
        raise PuzzleError(f"{path} holds no puzzles: expected one a line")
    first = lines[0]
    split: Split = _of_text
    if first.lstrip().startswith("{"):
        split = _of_json
    elif "," in first and not first.startswith("#"):
        split = _Columns.of(first, lines.place(0))
        lines = lines.where(np.arange(len(lines)) > 0)
    else:
        data = np.memmap(path, np.uint8, mode="r")
        doubtful = data[lines.starts] == _HASH  # a comment, or the wall of a maze
        lines = lines.where(np.array([not odd or _maze_line(lines[row]) for row, odd in enumerate(doubtful)], np.bool_))
    if not len(lines):
        raise PuzzleError(f"{path} holds no puzzles: expected one a line")
    boards = LineBoards(lines, split, range(len(lines)))
    boards.solution(0)  # a file of another kind shows at once
    return boards


def _maze_line(text: str) -> bool:
    return is_maze(text.split()[0])


def _of_text(line: str) -> tuple[str, str | None]:
    """Split ``puzzle``, ``puzzle solution`` or ``source puzzle solution``."""
    words = line.split()
    if len(words) > 3:
        raise PuzzleError(f"{len(words)} words; expected a puzzle, a puzzle and its solution, or these after a name")
    if len(words) == 1:
        return words[0], None
    return words[-2], words[-1]


def _of_json(line: str) -> tuple[str, str | None]:
    """Split a line as ``tts generate`` writes it; ``solution`` may be absent."""
    record = json.loads(line)
    if not isinstance(record, dict) or not isinstance(record.get("url"), str):
        raise PuzzleError('no "url": expected an object as tts generate writes it')
    solution = record.get("solution")
    if solution is not None and not isinstance(solution, str):
        raise PuzzleError('"solution" is not text: expected a character a cell')
    return record["url"], solution


@attrs.frozen
class _Columns:
    """Where the columns ``question`` and ``answer`` of a csv are."""

    question: int
    answer: int | None

    @classmethod
    def of(cls, header: str, place: str) -> _Columns:
        names = [name.strip().lower() for name in next(csv.reader([header]))]
        if "question" not in names:
            raise PuzzleError(f"{place}: no column question; expected source,question,answer,rating")
        return cls(names.index("question"), names.index("answer") if "answer" in names else None)

    def __call__(self, line: str) -> tuple[str, str | None]:
        fields = next(csv.reader([line]))
        if len(fields) <= max(self.question, self.answer or 0):
            raise PuzzleError(f"{len(fields)} fields; the header names more")
        return fields[self.question], None if self.answer is None else fields[self.answer]
