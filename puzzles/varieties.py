"""The varieties by name: a new one is a line here, beside its board, its rules, its cell and its generator."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs

from tts.errors import PuzzleError
from tts.interfaces import Verifier
from tts.puzzles.board import Board, Box
from tts.puzzles.cells import (
    Cell,
    lightup_cell,
    maze_cell,
    numbered_cell,
    shading_cell,
    shakashaka_cell,
    sudoku_cell,
)
from tts.puzzles.heyawake import Heyawake
from tts.puzzles.lightup import Lightup
from tts.puzzles.maze import Maze, is_maze
from tts.puzzles.nurikabe import Nurikabe
from tts.puzzles.puzzlink import read_address, short
from tts.puzzles.shakashaka import Shakashaka
from tts.puzzles.sudoku import Sudoku
from tts.puzzles.tapa import Tapa


@attrs.frozen(kw_only=True)
class Variety:
    """What the package knows of one variety.

    Attributes:
        board: the class of its boards, which names the variety, its tokens and its rules.
        cell: what is drawn in a cell, from its clue and its answer value.
        rooms: its boards have walls between cells, in their fields ``right`` and ``below``.
        lit: a drawing lights the cells that a bulb sees.
        on_puzzlink: puzz.link has it; its boards have addresses.
        generator: imports and returns the module that generates its puzzles and encodes them for the solver; it needs
            numba. None where puzzles are not generated.
    """

    board: type[Board]
    cell: Callable[[Any, int], Cell]
    rooms: bool = False
    lit: bool = False
    on_puzzlink: bool = True
    generator: Callable[[], ModuleType] | None = None


def _sudoku() -> ModuleType:
    from tts.puzzles.generate import sudoku

    return sudoku


def _lightup() -> ModuleType:
    from tts.puzzles.generate import lightup

    return lightup


def _nurikabe() -> ModuleType:
    from tts.puzzles.generate import nurikabe

    return nurikabe


def _heyawake() -> ModuleType:
    from tts.puzzles.generate import heyawake

    return heyawake


def _tapa() -> ModuleType:
    from tts.puzzles.generate import tapa

    return tapa


def _shakashaka() -> ModuleType:
    from tts.puzzles.generate import shakashaka

    return shakashaka


VARIETIES: dict[str, Variety] = {
    variety.board.variety: variety
    for variety in (
        Variety(board=Sudoku, cell=sudoku_cell, generator=_sudoku),
        Variety(board=Lightup, cell=lightup_cell, lit=True, generator=_lightup),
        Variety(board=Nurikabe, cell=numbered_cell, generator=_nurikabe),
        Variety(board=Heyawake, cell=numbered_cell, rooms=True, generator=_heyawake),
        Variety(board=Tapa, cell=shading_cell, generator=_tapa),
        Variety(board=Shakashaka, cell=shakashaka_cell, generator=_shakashaka),
        Variety(board=Maze, cell=maze_cell, on_puzzlink=False),
    )
}
"""Every variety by name."""
PUZZLINK = tuple(name for name, variety in VARIETIES.items() if variety.on_puzzlink)
"""The names of the varieties of puzz.link, which pzpr knows."""


def variety_of(name: str) -> Variety:
    """Return a variety by name.

    Raises:
        PuzzleError: it is not known.
    """
    if name not in VARIETIES:
        raise PuzzleError(f"variety {name!r} is not known here; known are {', '.join(VARIETIES)}")
    return VARIETIES[name]


def verifier_for(variety: str, height: int, width: int, box: Box | None = None) -> Verifier:
    """Return the rules of a variety over boards padded to ``height`` x ``width``.

    Args:
        variety: one of ``VARIETIES``.
        height: rows after padding.
        width: columns after padding.
        box: sudoku only, rows and columns of a box; by default the usual ones of the lesser side.

    Raises:
        PuzzleError: an unknown variety, or boxes that do not fit.
    """
    return variety_of(variety).board.rules_for(height, width, box)


def parse(text: str, box: Box | None = None) -> Board:
    """Return the board written in ``text``: a puzz.link address of any of its varieties, a maze or a sudoku grid.

    What holds a slash is an address: with or without ``https://puzz.link/p?``, from another host that runs pzpr, in its
    ``_edit`` and ``_play`` forms. A text of ``#``, ``.`` and spaces with an ``S`` and a ``G`` is a maze, see
    Maze.from_text; anything else is a sudoku, see Sudoku.from_text.

    Args:
        text: the address or the grid.
        box: height and width of a sudoku's boxes, where they are not the usual ones.

    Raises:
        PuzzleError: what is wrong with it, and where.
    """
    if is_maze(text):
        return Maze.from_text(text)
    text = text.strip()
    if "/" not in text:
        return Sudoku.from_text(text, box)
    address = read_address(text)
    if address.variety not in PUZZLINK:
        raise PuzzleError(
            f"puzz.link variety {short(address.variety)} is not known here; known are {', '.join(PUZZLINK)}"
        )
    board = VARIETIES[address.variety].board.from_address(address)
    if box is not None and board.box != box:
        raise PuzzleError(f"box={box} does not fit this address, whose boxes are {board.box}")
    return board
