"""Data sets by path or by name: files and folders, bundled puzzles, Pencil Puzzle Bench."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from tts.datasets.bundled import bundled
from tts.datasets.dataset import Dataset, Judge, KnownBoards
from tts.datasets.line_files import read_lines
from tts.datasets.official_folders import DESCRIPTION, read_processed
from tts.errors import PuzzleError


def open_dataset(path: str | os.PathLike[str], split: str = "test") -> Dataset:
    """Puzzles, with ids and labels where there are any; what is not used is not read.

    Args:
        path: one of these, which are told apart by what they hold:

            - a processed folder of the official TRM or HRM code, or one of its splits;
            - a csv with columns ``question`` and ``answer`` (sudoku-extreme, Maze-Hard), or a folder with
              ``test.csv``;
            - JSON lines as ``tts generate`` writes them;
            - a list of one puzzle a line: text or puzz.link address, with or without the solution after it.
        split: of folders that have several.

    Raises:
        PuzzleError: what is wrong with it, and in which file and line.
    """
    source = Path(path)
    if source.is_file():
        boards = read_lines(source)
        return Dataset(str(source), boards)
    if not source.is_dir():
        raise PuzzleError(f"no data at {source}: it is no file and no folder")
    for folder in (source, source / split):
        if (folder / DESCRIPTION).is_file():
            return read_processed(folder)
    table = source / f"{split}.csv"
    if table.is_file():
        return Dataset(str(table), read_lines(table))
    splits = sorted(x.parent.name for x in source.glob(f"*/{DESCRIPTION}")) + sorted(
        x.stem for x in source.glob("*.csv")
    )
    if splits:
        raise PuzzleError(f"{source} has no split {split!r}; it has {', '.join(splits)}")
    raise PuzzleError(
        f"{source} is no data set: it holds neither {DESCRIPTION} nor {split}/{DESCRIPTION} nor {split}.csv"
    )


@attrs.frozen(eq=False)
class NamedDataset:
    """A data set, and who else judges its answers."""

    data: Dataset
    judges: Mapping[str, Judge] = attrs.field(factory=dict)


def named_dataset(name: str, split: str = "test") -> NamedDataset:
    """Open ``bundled:NAME``, see ``bundled``; ``ppbench:VARIETY[:HEIGHTxWIDTH]``, see ``golden``; or a path, see
    ``open_dataset``.

    Raises:
        PuzzleError: there is no such data. TTSError: what it needs is not installed.
    """
    kind, _, rest = name.partition(":")
    if kind == "bundled":
        return NamedDataset(_bundled(rest))
    if kind == "ppbench":
        from tts.datasets.ppbench import JUDGE, Pzpr, golden

        variety, _, size = rest.partition(":")
        return NamedDataset(golden(variety, _size(size)), {JUDGE: Pzpr()})
    return NamedDataset(open_dataset(name, split))


def _bundled(name: str) -> Dataset:
    every = bundled()
    if name not in every:
        raise PuzzleError(f"no bundled puzzles of the name {name!r}; there are {', '.join(sorted(every))}")
    boards, labels = every[name].puzzles, every[name].labels.numpy()
    grids = tuple(board.grid(label) for board, label in zip(boards, labels, strict=True))
    return Dataset(f"bundled:{name}", KnownBoards(f"bundled:{name}", boards, grids))


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    sides = re.fullmatch(r"(\d{1,2})(?:x(\d{1,2}))?", text)
    if sides is None:
        raise PuzzleError(f"{text!r} is no size: write a side such as 10, or HEIGHTxWIDTH such as 8x10")
    return int(sides[1]), int(sides[2] or sides[1])
