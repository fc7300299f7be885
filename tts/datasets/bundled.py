"""Puzzles with solutions that come with the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

import attrs

from tts.datasets.dataset import Dataset, KnownBoards
from tts.interfaces import Grid
from tts.puzzles import Board, parse

PREFIX = "bundled:"

FOLDER = Path(str(resources.files("tts.datasets"))) / "files"
FILES = (
    "sudoku_heldout.txt",
    "sudoku_guessing.txt",
    "sudoku_published.txt",
    "sudoku_tune.txt",
    "sudoku_minimal500.txt",
    "sudoku_hard500.txt",
)


def sudokus() -> dict[str, Dataset]:
    """Return the bundled 9x9 sudokus by the name of their source, each with one solution.

    ``heldout`` and ``tune``: generated, minimal (no given can go), 200 each. ``minimal`` and ``hard``: 500 each,
    generated, minimal; the hard ones need 4 or more wrong guesses. Published: ``top95`` (Norvig; 47), ``euler96``
    (Project Euler 96; 25), ``tdoku`` (its test file; 9). No embedded model was trained on any of them; the noise of
    ``sudoku-9x9`` was chosen on ``tune``.
    """
    return _by_source(FILES)


def sudokus_6x6() -> Dataset:
    """Return 500 generated sudokus of 6x6 with 8 to 14 givens, for models of that size."""
    return attrs.evolve(_by_source(["sudoku_6x6.txt"])["sudoku6"], name="bundled:sudoku-6x6")


def pencils_6x6() -> dict[str, Dataset]:
    """Return 200 generated minimal puzzles of 6x6 of each of six varieties, by variety, for ``pencil-6x6``."""
    return _by_source(["pencil_6x6.txt"], "-6x6-minimal")


def pencils_10x10() -> dict[str, Dataset]:
    """Return 200 puzzles of each of six varieties, for ``pencil-10x10``: sudokus of 9x9, the first of ``minimal``, and
    generated minimal puzzles of 10x10.
    """
    return {"sudoku": sudokus()["minimal"][:200], **_by_source(["pencil_10x10.txt"], "-10x10-minimal")}


def bundled() -> dict[str, Dataset]:
    """Return every bundled set by name: those of ``sudokus()``, ``sudoku-6x6``, and of each of six varieties, as
    ``tapa-6x6-minimal``, those of ``pencils_6x6()``, and those of 10x10.
    """
    pencils = [*pencils_6x6().values(), *_by_source(["pencil_10x10.txt"], "-10x10-minimal").values()]
    sets = [*sudokus().values(), sudokus_6x6(), *pencils]
    return {data.name.removeprefix(PREFIX): data for data in sets}


def read_lines(name: str) -> Iterator[tuple[str, Board, str]]:
    """Yield source, board and solution as text, of each line of a bundled file."""
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith("#"):
            source, puzzle, solution = line.split()
            yield source, parse(puzzle), solution


def _by_source(files: Iterable[str], suffix: str = "") -> dict[str, Dataset]:
    boards: dict[str, list[Board]] = {}
    solutions: dict[str, list[Grid]] = {}
    for file in files:
        for source, board, solution in read_lines(file):
            boards.setdefault(source, []).append(board)
            solutions.setdefault(source, []).append(board.parse_answer(solution))
    sets = {}
    for source in boards:
        name = f"{PREFIX}{source}{suffix}"
        sets[source] = Dataset(name, KnownBoards(name, tuple(boards[source]), tuple(solutions[source])))
    return sets
