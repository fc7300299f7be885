"""Puzzles and their answers from files, folders, the package itself and Pencil Puzzle Bench.

One ``Dataset`` comes out of everything here, and goes into everything that searches many puzzles.
"""

from tts.datasets.bundled import FOLDER, Labelled, bundled, pencils_6x6, pencils_10x10, sudokus, sudokus_6x6
from tts.datasets.dataset import NOTHING, Boards, Dataset, Judge, KnownBoards, label_of
from tts.datasets.named import NamedDataset, named_dataset, open_dataset
from tts.datasets.official_folders import identifier_names

__all__ = [
    "FOLDER",
    "NOTHING",
    "Boards",
    "Dataset",
    "Judge",
    "KnownBoards",
    "Labelled",
    "NamedDataset",
    "bundled",
    "identifier_names",
    "label_of",
    "named_dataset",
    "open_dataset",
    "pencils_6x6",
    "pencils_10x10",
    "sudokus",
    "sudokus_6x6",
]
