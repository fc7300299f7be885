"""The default token grids of the varieties: what the rules are read in.

Token 0 is off the board (pad) everywhere. Puzzle tokens and answer tokens share one table a variety, and a clue cell's
answer repeats its clue, so that a puzzle and its answer align cell by cell.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

PAD = 0
UNKNOWN = -2
"""A clue drawn as ``?``; pzpr's own number for it."""

# sudoku: digit + 1, as in the official data sets; a ``?`` given is side + 2.
SUDOKU_BLANK = 1

# lightup
LIGHTUP_OPEN, LIGHTUP_WALL, LIGHTUP_NUMBER = 1, 2, 3  # the number n is LIGHTUP_NUMBER + n, 0 to 4
LIGHTUP_EMPTY, LIGHTUP_BULB = 8, 9

# shakashaka: walls as in lightup; the triangle of pzpr value 2 to 5 is SHAKASHAKA_EMPTY + value - 1
SHAKASHAKA_OPEN, SHAKASHAKA_WALL, SHAKASHAKA_NUMBER = 1, 2, 3
SHAKASHAKA_EMPTY = 8

# nurikabe
NURIKABE_OPEN, NURIKABE_WHITE, NURIKABE_SHADED = 1, 2, 3
NURIKABE_UNKNOWN, NURIKABE_NUMBER = 4, 5  # the number n is NURIKABE_NUMBER + n

# heyawake: a puzzle cell is HEYAWAKE_CELL + walls + 4 * clue, walls = 1 * right + 2 * below (walls on the rim are not
# drawn), clue = 0 none, 1 ``?``, 2 + n the number n, written on every cell of its room: a model need not find the room
# to know its number. The rules take it on the room's first cell in row-major order alone, too
HEYAWAKE_WHITE, HEYAWAKE_SHADED, HEYAWAKE_CELL = 1, 2, 3

# tapa: a clue is a sorted multiset, TAPA_CLUE + its index in TAPA_CLUES
TAPA_OPEN, TAPA_WHITE, TAPA_SHADED, TAPA_CLUE = 1, 2, 3, 4
TAPA_CLUES: tuple[tuple[int, ...], ...] = (
    *((n,) for n in (UNKNOWN, *range(9))),
    *combinations_with_replacement((UNKNOWN, 1, 2, 3, 4, 5), 2),
    *combinations_with_replacement((UNKNOWN, 1, 2, 3), 3),
    *combinations_with_replacement((UNKNOWN, 1), 4),
)
"""Every clue that a tapa address can express, entries ascending, ``?`` (-2) first."""

# maze: the official data set's characters, in its order
MAZE_WALL, MAZE_OPEN, MAZE_START, MAZE_GOAL, MAZE_PATH = 1, 2, 3, 4, 5
MAZE_CHARACTERS = "# SGo"
"""The character of each token, from 1."""
