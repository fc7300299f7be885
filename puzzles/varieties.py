"""The varieties by name, and parse: from text or an address to a board."""

from __future__ import annotations

from tts.errors import PuzzleError
from tts.puzzles.board import Board
from tts.puzzles.heyawake import Heyawake
from tts.puzzles.lightup import Lightup
from tts.puzzles.maze import Maze, is_maze
from tts.puzzles.nurikabe import Nurikabe
from tts.puzzles.puzzlink import read_address, short
from tts.puzzles.shakashaka import Shakashaka
from tts.puzzles.sudoku import Sudoku
from tts.puzzles.tapa import Tapa

VARIETIES: dict[str, type[Board]] = {
    board.variety: board for board in (Sudoku, Lightup, Nurikabe, Heyawake, Tapa, Shakashaka)
}
"""Those of puzz.link."""
BOARDS: dict[str, type[Board]] = {**VARIETIES, Maze.variety: Maze}
"""All of them."""


def parse(text: str, box: tuple[int, int] | None = None) -> Board:
    """The board written in ``text``: a puzz.link address of any of its varieties, a maze or a sudoku grid.

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
    if address.variety not in VARIETIES:
        raise PuzzleError(
            f"puzz.link variety {short(address.variety)} is not known here; known are {', '.join(VARIETIES)}"
        )
    board = VARIETIES[address.variety].from_address(address)
    if box is not None and board.box != box:
        raise PuzzleError(f"box={box} does not fit this address, whose boxes are {board.box}")
    return board
