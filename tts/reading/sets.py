"""Data sets by name, as the command line takes them: files and folders, bundled puzzles, Pencil Puzzle Bench."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from tts.datasets import bundled
from tts.errors import PuzzleError
from tts.evaluation import Judge
from tts.reading import open_dataset
from tts.reading.dataset import Dataset, KnownBoards


@attrs.frozen(eq=False)
class NamedDataset:
    """A data set, and who else judges its answers."""

    data: Dataset
    judges: Mapping[str, Judge] = attrs.field(factory=dict)


def named_dataset(name: str, split: str = "test") -> NamedDataset:
    """``bundled:NAME`` as in ``bundled()``; ``ppbench:VARIETY`` or ``ppbench:VARIETY:HEIGHTxWIDTH``, see tts.ppbench;
    else a path, see open_dataset.

    Raises:
        PuzzleError: there is no such data. TTSError: what it needs is not installed.
    """
    kind, _, rest = name.partition(":")
    if kind == "bundled":
        return NamedDataset(_bundled(rest))
    if kind == "ppbench":
        from tts.ppbench import JUDGE, Pzpr, golden

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
