"""Puzzles with labels that come with the package."""

from __future__ import annotations

from importlib import resources

import attrs
import torch
from torch import Tensor

from tts.puzzles import Board, parse

FILES = ("sudoku_heldout.txt", "sudoku_guessing.txt", "sudoku_published.txt", "sudoku_tune.txt")


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

    ``heldout`` and ``tune``: generated, minimal (no given can go), 200 each. Published: ``top95`` (Norvig; 47),
    ``euler96`` (Project Euler 96; 25), ``tdoku`` (its test file; 9). The embedded model was trained on none of them;
    its noise was chosen on ``tune``.
    """
    boards: dict[str, list[Board]] = {}
    labels: dict[str, list[Tensor]] = {}
    for name in FILES:
        for line in (resources.files("tts") / "data" / name).read_text().splitlines():
            if line and not line.startswith("#"):
                source, puzzle, solution = line.split()
                board = parse(puzzle)
                boards.setdefault(source, []).append(board)
                answer = torch.from_numpy(board.answer_tokens(board.parse_answer(solution)))
                labels.setdefault(source, []).append(answer)
    return {source: Labelled(tuple(found), torch.stack(labels[source])) for source, found in boards.items()}
