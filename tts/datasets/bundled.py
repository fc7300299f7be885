"""Puzzles with labels that come with the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

import attrs
import torch
from torch import Tensor

from tts.puzzles import Board, parse

FOLDER = Path(str(resources.files("tts.datasets"))) / "files"
FILES = (
    "sudoku_heldout.txt",
    "sudoku_guessing.txt",
    "sudoku_published.txt",
    "sudoku_tune.txt",
    "sudoku_minimal500.txt",
    "sudoku_hard500.txt",
)


@attrs.frozen(eq=False)
class Labelled:
    """B boards of one size, and their solutions int64 [B, L] in the boards' default tokens."""

    puzzles: tuple[Board, ...]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.puzzles)

    def __getitem__(self, part: slice) -> Labelled:
        return Labelled(self.puzzles[part], self.labels[part])


def sudokus() -> dict[str, Labelled]:
    """The bundled 9x9 sudokus by the name of their source, each with one solution.

    ``heldout`` and ``tune``: generated, minimal (no given can go), 200 each. ``minimal`` and ``hard``: 500 each,
    generated, minimal; the hard ones need 4 or more wrong guesses. Published: ``top95`` (Norvig; 47), ``euler96``
    (Project Euler 96; 25), ``tdoku`` (its test file; 9). No embedded model was trained on any of them; the noise of
    ``sudoku-9x9`` was chosen on ``tune``.
    """
    return _by_source(FILES)


def sudokus_6x6() -> Labelled:
    """500 generated sudokus of 6x6 with 8 to 14 givens, for models of that size."""
    return _by_source(["sudoku_6x6.txt"])["sudoku6"]


def pencils_6x6() -> dict[str, Labelled]:
    """200 generated minimal puzzles of 6x6 of each of six varieties, by variety, for ``pencil-6x6``."""
    return _by_source(["pencil_6x6.txt"])


def pencils_10x10() -> dict[str, Labelled]:
    """200 puzzles of each of six varieties, for ``pencil-10x10``: sudokus of 9x9, the first of ``minimal``, and
    generated minimal puzzles of 10x10.
    """
    return {"sudoku": sudokus()["minimal"][:200], **_by_source(["pencil_10x10.txt"])}


def bundled() -> dict[str, Labelled]:
    """Every bundled set by name: those of ``sudokus()``, ``sudoku-6x6``, and of each of six varieties, as
    ``tapa-6x6-minimal``, those of ``pencils_6x6()``, and those of 10x10.
    """
    pencils = {f"{variety}-6x6-minimal": data for variety, data in pencils_6x6().items()}
    pencils |= {f"{variety}-10x10-minimal": data for variety, data in _by_source(["pencil_10x10.txt"]).items()}
    return {**sudokus(), "sudoku-6x6": sudokus_6x6(), **pencils}


def read_lines(name: str) -> Iterator[tuple[str, Board, str]]:
    """Source, board and solution as text, of each line of a bundled file."""
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith("#"):
            source, puzzle, solution = line.split()
            yield source, parse(puzzle), solution


def _by_source(files: Iterable[str]) -> dict[str, Labelled]:
    boards: dict[str, list[Board]] = {}
    labels: dict[str, list[Tensor]] = {}
    for name in files:
        for source, board, solution in read_lines(name):
            boards.setdefault(source, []).append(board)
            answer = torch.from_numpy(board.answer_tokens(board.parse_answer(solution)))
            labels.setdefault(source, []).append(answer)
    return {source: Labelled(tuple(found), torch.stack(labels[source])) for source, found in boards.items()}
