"""Reading drawings back, independently of how they are drawn: from characters, and from the shapes of an SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from tts.interfaces import Grid
from tts.puzzles import Board
from tts.puzzles.drawing import SIDE

TRIANGLES = {"◣": 2, "◢": 3, "◥": 4, "◤": 5}


def clues(board: Board) -> list[tuple[str, ...]]:
    """The printed numbers of every cell. Walls without a number have none."""
    none = {"sudoku": (0,), "lightup": (-1, -2), "shakashaka": (-1, -2)}.get(board.variety, (-1, ()))
    numbers = [() if clue in none else clue if isinstance(clue, tuple) else (clue,) for clue in board.clues]
    return [tuple("?" if number == -2 else str(number) for number in cell) for cell in numbers]


def shown_clues(board: Board, answer: Grid) -> list[tuple[str, ...]]:
    """A digit in the place of a sudoku's ``?`` hides it."""
    hidden = (
        (value > 0 and cell == ("?",) and board.variety == "sudoku")
        for cell, value in zip(clues(board), answer.flat, strict=True)
    )
    return [() if hides else cell for hides, cell in zip(hidden, clues(board), strict=True)]


def columns_with_lines(board: Board) -> list[int]:
    """The columns with room for a line before them, the right rim's too."""
    step = {"sudoku": getattr(board, "box_width", 1), "heyawake": 1}.get(board.variety, board.width)
    return list(range(0, board.width + 1, step))


def cells_of(board: Board, drawing: str) -> list[str]:
    """The characters of every cell, row-major."""
    lines = drawing.splitlines()
    step = {"sudoku": getattr(board, "box_height", 1), "heyawake": 1}.get(board.variety, board.height)
    rows = [lines[y + 1 + y // step] for y in range(board.height)]
    starts = columns_with_lines(board)
    span = (len(rows[0]) - len(starts)) // board.width
    begins = [x * span + sum(start <= x for start in starts) for x in range(board.width)]
    return [row[begin : begin + span] for row in rows for begin in begins]


def text_answer(board: Board, cells: list[str]) -> Grid:
    """The answer that the cells show; 0 on clues."""
    if board.variety == "sudoku":
        hidden = [cell not in ((), ("?",)) for cell in clues(board)]
        digits = [cell.strip(" ·!?") for cell in cells]
        values = [0 if given else int(digit or 0) for given, digit in zip(hidden, digits, strict=True)]
    elif board.variety == "lightup":
        values = ["●" in cell for cell in cells]
    elif board.variety == "shakashaka":
        values = [sum(TRIANGLES.get(character, 0) for character in cell) for cell in cells]
    else:
        values = ["█" in cell for cell in cells]
    return np.array(values, np.int64).reshape(board.height, board.width)


class Drawing:
    """An SVG picture's shapes by class, each with the cell it lies in."""

    def __init__(self, source: str) -> None:
        self.root = ElementTree.fromstring(source)

    def places(self, kind: str) -> list[tuple[tuple[int, int], ElementTree.Element]]:
        return [(self.cell(shape), shape) for shape in self.root.iter() if shape.get("class") == kind]

    def grid(self, kind: str, board: Board) -> Grid:
        """How many shapes of a class lie in each cell."""
        out = np.zeros((board.height, board.width), np.int64)
        for place, _ in self.places(kind):
            out[place] += 1
        return out

    @staticmethod
    def cell(shape: ElementTree.Element) -> tuple[int, int]:
        if points := shape.get("points"):
            x, y = np.mean(corners(points), 0)
        elif path := shape.get("d"):
            x, y = map(float, path[1:].split("h")[0].split())
        else:
            x, y = (float(shape.get(name) or shape.get("c" + name) or "nan") for name in "xy")
        return int(y // SIDE), int(x // SIDE)


def corners(points: str) -> Grid:
    return np.array([[float(number) for number in point.split(",")] for point in points.split()])


def svg_answer(board: Board, drawing: Drawing) -> Grid:
    """The answer that the shapes show; 0 on clues."""
    if board.variety == "lightup":
        return drawing.grid("bulb", board)
    if board.variety not in ("sudoku", "shakashaka"):
        return drawing.grid("shaded", board)
    out = np.zeros((board.height, board.width), np.int64)
    for place, shape in drawing.places("answer"):
        out[place] = int(shape.text or "")
    for (y, x), shape in drawing.places("triangle"):
        inside = {tuple(corner) for corner in (corners(shape.get("points", "")) / SIDE - (x, y)).tolist()}
        full = {2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0)}  # the right angle: bottom-left, bottom-right, ...
        (out[y, x],) = (value for value, (u, v) in full.items() if inside == {(u, v), (1.0 - u, v), (u, 1.0 - v)})
    return out
