"""Solve a board by exhaustive search."""

from __future__ import annotations

import numpy as np

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles.board import Board
from tts.puzzles.generate.generator import generator_of
from tts.puzzles.generate.problem import Encoded
from tts.puzzles.sudoku import Sudoku

BUDGET = 1_000_000


def solve(puzzle: Board, budget: int = BUDGET) -> tuple[Grid, ...]:
    """Return up to two solutions int64 [H, W] of a board: two tell that it has several, one that it has exactly one.

    Args:
        budget: decisions that the search may take.

    Raises:
        PuzzleError: the budget ran out before all was known, or the variety has no solver.
        TTSError: numba is missing; the message says how to install it.
    """
    # imported here, so that this module loads without numba
    from tts.puzzles.generate.solver import GAVE_UP, OTHER, first_solution, other_solution
    from tts.puzzles.generate.sudoku import solutions

    if isinstance(puzzle, Sudoku):  # sudokus have a solver of their own
        return solutions(np.array(puzzle.clues).reshape(puzzle.side, puzzle.side), puzzle.box)
    encoded: Encoded = generator_of(puzzle.variety).encode(puzzle)
    count, first = first_solution(encoded.problem, encoded.domains, budget)
    if count == 0:
        return ()
    status, second = other_solution(encoded.problem, encoded.domains, first, budget) if count > 0 else (GAVE_UP, first)
    if status == GAVE_UP:
        raise PuzzleError(f"{puzzle.variety}: not solved within {budget} decisions; give a larger budget")
    solutions_in_bits = (first, second) if status == OTHER else (first,)
    return tuple(encoded.values(bits).reshape(puzzle.height, puzzle.width) for bits in solutions_in_bits)
