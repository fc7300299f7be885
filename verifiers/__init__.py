"""Exact rules, checked in batches on any device: of six varieties failcode for failcode as pzpr checks them, and of
mazes.

One module a variety; what the rules read is in ``tokens``, what they share in ``grid`` and ``regions``, and what a
failcode means in ``failcodes``. The verifier of a variety by its name is ``tts.puzzles.verifier_for``.

What a broken rule marks: the cells that clash, the area or run that is wrong, the clue that is not met, every area but
the largest where one was wanted, and the whole board where something is missing.
"""

from __future__ import annotations

from tts.verifiers.grid import GridVerifier
from tts.verifiers.heyawake import HeyawakeVerifier
from tts.verifiers.lightup import LightupVerifier
from tts.verifiers.maze import MazeVerifier
from tts.verifiers.nurikabe import NurikabeVerifier
from tts.verifiers.shakashaka import ShakashakaVerifier
from tts.verifiers.sudoku import SudokuVerifier
from tts.verifiers.tapa import TapaVerifier

__all__ = [
    "GridVerifier",
    "HeyawakeVerifier",
    "LightupVerifier",
    "MazeVerifier",
    "NurikabeVerifier",
    "ShakashakaVerifier",
    "SudokuVerifier",
    "TapaVerifier",
]
