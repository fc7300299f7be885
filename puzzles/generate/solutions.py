"""Solutions of a given board, by exhaustive search."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import Board
from tts.puzzles.generate.problem import Encoded
from tts.puzzles.sudoku import Sudoku

BUDGET = 1_000_000


def solve(puzzle: Board, budget: int = BUDGET) -> tuple[Grid, ...]:
    """Up to two solutions int64 [H, W] of a board: two tell that it has several, one that it has exactly one.

    Args:
        budget: decisions that the search may take.

    Raises:
        PuzzleError: the budget ran out before all was known.
        ImportError: numba is missing; the message says how to install it.
    """
    # imported here, for this module to load without numba
    from tts.puzzles.generate.shakashaka import values
    from tts.puzzles.generate.solver import GAVE_UP, OTHER, first_solution, other_solution
    from tts.puzzles.generate.sudoku import solutions

    if isinstance(puzzle, Sudoku):
        return solutions(np.array(puzzle.clues).reshape(puzzle.side, puzzle.side), puzzle.box)
    encoded: Encoded = import_module(f"tts.puzzles.generate.{puzzle.variety}").encode(puzzle)
    found, first = first_solution(encoded.problem, encoded.domains, budget)
    if found == 0:
        return ()
    status, second = other_solution(encoded.problem, encoded.domains, first, budget) if found > 0 else (GAVE_UP, first)
    if status == GAVE_UP:
        raise PuzzleError(f"{puzzle.variety}: not solved within {budget} decisions; give a larger budget")
    bits = (first, second) if status == OTHER else (first,)
    grids = [values(b) if puzzle.variety == "shakashaka" else b >> 1 for b in bits]
    return tuple(grid.reshape(puzzle.height, puzzle.width) for grid in grids)
