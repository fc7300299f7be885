"""Data sets by path or by name: files and folders, bundled puzzles, Pencil Puzzle Bench."""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from tts.datasets.bundled import bundled
from tts.datasets.dataset import Dataset
from tts.datasets.line_files import read_lines
from tts.datasets.official_folders import DESCRIPTION, read_processed
from tts.datasets.ppbench import JUDGE, Pzpr, golden
from tts.errors import PuzzleError
from tts.puzzles import read_size


def open_dataset(path: str | os.PathLike[str], split: str = "test") -> Dataset:
    """Open puzzles, with ids and labels where there are any; what is not used is not read.

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
        return Dataset(str(source), read_lines(source))
    if not source.is_dir():
        raise PuzzleError(f"no data at {source}: it is neither a file nor a folder")
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
        f"{source} is not a data set: it holds neither {DESCRIPTION} nor {split}/{DESCRIPTION} nor {split}.csv"
    )


def named_dataset(name: str, split: str = "test") -> Dataset:
    """Open ``bundled:NAME``, see ``bundled``; ``ppbench:VARIETY[:HEIGHTxWIDTH]``, see ``golden``; or a path, see
    ``open_dataset``.

    Raises:
        PuzzleError: there is no such data. TTSError: what it needs is not installed.
    """
    kind, _, rest = name.partition(":")
    if kind == "bundled":
        sets = bundled()
        if rest not in sets:
            raise PuzzleError(f"no bundled puzzles of the name {rest!r}; there are {', '.join(sorted(sets))}")
        return sets[rest]
    if kind == "ppbench":
        variety, _, size = rest.partition(":")
        return attrs.evolve(golden(variety, read_size(size) if size else None), judges={JUDGE: Pzpr()})
    if not Path(name).exists() and name in bundled():
        raise PuzzleError(f"no data at {name}; the bundled puzzles are bundled:{name}")
    return open_dataset(name, split)
