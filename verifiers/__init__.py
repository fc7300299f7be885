"""Exact rules, checked in batches on any device: of six varieties failcode for failcode as pzpr checks them, and of
mazes.

What a broken rule marks: the cells that clash, the area or run that is wrong, the clue that is not met, every area but
the largest where one was wanted, and the whole board where something is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from tts.errors import PuzzleError
from tts.interfaces import Verifier
from tts.verifiers.heyawake import HeyawakeVerifier
from tts.verifiers.lightup import LightupVerifier
from tts.verifiers.maze import MazeVerifier
from tts.verifiers.nurikabe import NurikabeVerifier
from tts.verifiers.shakashaka import ShakashakaVerifier
from tts.verifiers.sudoku import SudokuVerifier
from tts.verifiers.tapa import TapaVerifier

__all__ = [
    "VARIETIES",
    "HeyawakeVerifier",
    "LightupVerifier",
    "MazeVerifier",
    "NurikabeVerifier",
    "ShakashakaVerifier",
    "SudokuVerifier",
    "TapaVerifier",
    "verifier_for",
]

_PENCIL: dict[str, Callable[[int, int], Verifier]] = {
    "lightup": LightupVerifier,
    "nurikabe": NurikabeVerifier,
    "heyawake": HeyawakeVerifier,
    "tapa": TapaVerifier,
    "shakashaka": ShakashakaVerifier,
}
VARIETIES = ("sudoku", *_PENCIL)
"""Those of puzz.link, which pzpr knows."""
_PLAIN = {**_PENCIL, "maze": MazeVerifier}


def verifier_for(variety: str, height: int, width: int, box: tuple[int, int] | None = None) -> Verifier:
    """The rules of a variety over boards padded to ``height`` x ``width``.

    Args:
        variety: one of ``VARIETIES``, or "maze".
        height: rows after padding.
        width: columns after padding.
        box: sudoku only, rows and columns of a box; by default the squarest box, no taller than wide, whose side is
            the lesser of ``height`` and ``width``.

    Raises:
        PuzzleError: no such variety, or boxes that do not fit.
    """
    if variety == "sudoku":
        box_height, box_width = box or _squarest(min(height, width))
        return SudokuVerifier(height, width, box_height, box_width)
    if variety not in _PLAIN:
        known = ", ".join(("sudoku", *_PLAIN))
        raise PuzzleError(f"no rules are known for the variety {variety!r}; choose one of {known}")
    return _PLAIN[variety](height, width)


def _squarest(side: int) -> tuple[int, int]:
    tall = max((d for d in range(1, side + 1) if side % d == 0 and d * d <= side), default=1)
    return tall, side // tall
