"""open_dataset(): puzzles from whatever people have them in."""

from __future__ import annotations

import os
from pathlib import Path

from tts.errors import PuzzleError
from tts.reading.dataset import Dataset
from tts.reading.lines import read_lines
from tts.reading.processed import DESCRIPTION, read_processed


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
