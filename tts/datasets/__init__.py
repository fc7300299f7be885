"""Puzzles and their answers from files, folders, the package itself and Pencil Puzzle Bench.

One ``Dataset`` comes out of everything here, and goes into everything that searches many puzzles.
"""

from tts.datasets.bundled import FOLDER, bundled, pencils_6x6, pencils_10x10, sudokus, sudokus_6x6
from tts.datasets.dataset import Boards, Dataset, Judge, KnownBoards
from tts.datasets.named import named_dataset, open_dataset
from tts.datasets.official_folders import identifier_names

__all__ = [
    "FOLDER",
    "Boards",
    "Dataset",
    "Judge",
    "KnownBoards",
    "bundled",
    "identifier_names",
    "named_dataset",
    "open_dataset",
    "pencils_6x6",
    "pencils_10x10",
    "sudokus",
    "sudokus_6x6",
]
