"""What is to be seen in one cell of each variety, from its clue and its answer value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

from tts.verifiers.tokens import MAZE_GOAL, MAZE_OPEN, MAZE_START

Fill = Literal["open", "lit", "shaded", "wall"]

BULB = "●"
STEP = "•"
"""A cell of the path through a maze."""
TRIANGLES = {2: "◣", 3: "◢", 4: "◥", 5: "◤"}
"""Shakashaka's answers, by the number that puzz.link gives them."""
ILLEGAL = "×"
"""Stands for an answer value that the cell cannot hold."""


@attrs.frozen
class Cell:
    """One cell: ``clue`` as printed, an entry a number; ``answer`` a digit, a triangle, a sign above or nothing."""

    clue: tuple[str, ...] = ()
    fill: Fill = "open"
    answer: str = ""

    @property
    def is_given(self) -> bool:
        """Whether the clue is to be seen: it is, unless an answer takes the place of a sudoku's ``?``."""
        return bool(self.clue) and self.answer in ("", ILLEGAL)


def sudoku_cell(clue: int, value: int) -> Cell:
    """Return a cell of sudoku: a given, or the digit of the answer."""
    repeats = value == 0 or value == clue > 0
    answer = "" if repeats else str(value) if value > 0 and clue <= 0 else ILLEGAL
    return Cell(clue=(_number(clue),) if clue else (), answer=answer)


def lightup_cell(clue: int, value: int) -> Cell:
    """Return a cell of lightup: a wall, a bulb or nothing; ``light`` lights the others."""
    return _walled(clue, {0: "", 1: BULB}.get(value, ILLEGAL))


def shakashaka_cell(clue: int, value: int) -> Cell:
    """Return a cell of shakashaka: a wall, a triangle or nothing."""
    return _walled(clue, {0: "", **TRIANGLES}.get(value, ILLEGAL))


def maze_cell(token: int, value: int) -> Cell:
    """Return a cell of a maze: a wall, the start, the goal, a step of the path or nothing."""
    answer = {0: "", 1: STEP}.get(value, ILLEGAL)
    if token == MAZE_OPEN:
        return Cell(fill="lit" if value == 1 else "open", answer=answer)
    clue = {MAZE_START: ("S",), MAZE_GOAL: ("G",)}.get(token, ())
    return Cell(clue, fill="open" if clue else "wall", answer=answer and ILLEGAL)


def _walled(clue: int, answer: str) -> Cell:
    if clue == -1:
        return Cell(answer=answer)
    return Cell(clue=(str(clue),) if clue >= 0 else (), fill="wall", answer=answer and ILLEGAL)


def numbered_cell(clue: int, value: int) -> Cell:
    """Return a cell of nurikabe or heyawake: shaded or not, with a number or without."""
    return shading_cell(() if clue == -1 else (clue,), value)


def shading_cell(clue: tuple[int, ...], value: int) -> Cell:
    """Return a cell of tapa: shaded or not, with the entries of its clue."""
    fill: Fill = "shaded" if value == 1 else "open"
    return Cell(tuple(map(_number, clue)), fill, "" if value in (0, 1) else ILLEGAL)


def _number(clue: int) -> str:
    return "?" if clue < 0 else str(clue)


def light(rows: list[list[Cell]]) -> None:
    """Light up what the bulbs see along rows and columns, themselves included, up to the next wall."""
    seen: set[tuple[int, int]] = set()
    height, width = len(rows), len(rows[0])
    across = ([(y, x) for x in range(width)] for y in range(height))
    down = ([(y, x) for y in range(height)] for x in range(width))
    for line in (*across, *down):
        for way in (line, line[::-1]):
            seen.update(_beams(rows, way))
    for y, x in seen:
        rows[y][x] = attrs.evolve(rows[y][x], fill="lit")


def _beams(rows: list[list[Cell]], line: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    shining = False
    for y, x in line:
        cell = rows[y][x]
        shining = cell.fill != "wall" and (shining or cell.answer == BULB)
        if shining:
            yield y, x
