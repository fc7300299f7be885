"""Boards of six varieties of puzz.link and of mazes: read from text and addresses, drawn, generated, turned to tokens.

One module a variety, and all of them in ``varieties``. ``puzzlink`` has the addresses and their codes, ``drawing`` the
pictures, ``generate`` the generators and the exact solver (with numba).
"""

from __future__ import annotations

from tts.interfaces import Grid, Puzzle, Symmetry
from tts.puzzles.board import Board, read_size
from tts.puzzles.heyawake import Heyawake
from tts.puzzles.lightup import Lightup
from tts.puzzles.maze import Maze
from tts.puzzles.mixed_codec import MixedCodec
from tts.puzzles.nurikabe import Nurikabe
from tts.puzzles.shakashaka import Shakashaka
from tts.puzzles.sudoku import Sudoku
from tts.puzzles.tapa import Tapa
from tts.puzzles.varieties import PUZZLINK, VARIETIES, Variety, parse, verifier_for
from tts.puzzles.variety_codec import VarietyCodec

__all__ = [
    "PUZZLINK",
    "VARIETIES",
    "Board",
    "Grid",
    "Heyawake",
    "Lightup",
    "Maze",
    "MixedCodec",
    "Nurikabe",
    "Puzzle",
    "Shakashaka",
    "Sudoku",
    "Symmetry",
    "Tapa",
    "Variety",
    "VarietyCodec",
    "parse",
    "read_size",
    "verifier_for",
]
