"""Boards of the six varieties of puzz.link and mazes, read from text and addresses."""

from __future__ import annotations

from tts.interfaces import Grid, Puzzle, Symmetry
from tts.puzzles.board import Board
from tts.puzzles.heyawake import Heyawake
from tts.puzzles.lightup import Lightup
from tts.puzzles.maze import Maze
from tts.puzzles.mixed_codec import MixedCodec
from tts.puzzles.nurikabe import Nurikabe
from tts.puzzles.shakashaka import Shakashaka
from tts.puzzles.sudoku import Sudoku
from tts.puzzles.tapa import Tapa
from tts.puzzles.varieties import BOARDS, VARIETIES, parse
from tts.puzzles.variety_codec import VarietyCodec

__all__ = [
    "BOARDS",
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
    "VarietyCodec",
    "parse",
]
