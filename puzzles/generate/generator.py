"""One puzzle from a seed and an index."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from tts.errors import PuzzleError
from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.varieties import VARIETIES

ATTEMPTS = 500
"""Draws that may come to nothing before a puzzle is given up. Counted, not timed, so that a seed means one puzzle."""


class NoPuzzleError(PuzzleError):
    """A seed and index that lead to no puzzle."""


def generate(
    variety: str,
    height: int,
    width: int,
    seed: int = 0,
    index: int = 0,
    difficulty: float | None = None,
    clues: Range | None = None,
) -> Generated:
    """The puzzle that a seed and an index stand for; it has exactly one solution, by exhaustive search.

    Args:
        variety: one of the six.
        difficulty: from 0, dense clues, to 1, none can be spared; drawn anew for each index unless given.
        clues: fewest and most clues shown.

    Raises:
        PuzzleError: an unknown variety, a size or clues out of range; NoPuzzleError where ATTEMPTS draws gave none.
        ImportError: numba is missing; the message says how to install it.
    """
    check(variety, height, width, difficulty, clues)
    make = import_module(f"tts.puzzles.generate.{variety}").generate
    if difficulty is None:
        difficulty = float(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,))).random())
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, attempt)))
        made: Generated | None = make(height, width, rng, difficulty, clues)
        if made is not None:
            return made
    wish = "" if clues is None else f" with {clues[0]} to {clues[1]} clues"
    raise NoPuzzleError(
        f"{variety}: no {height} x {width} puzzle{wish} with one solution in {ATTEMPTS} draws (seed {seed}, index "
        f"{index}); allow other clues or another size"
    )


def check(variety: str, height: int, width: int, difficulty: float | None = None, clues: Range | None = None) -> None:
    """Raise PuzzleError where no generator takes these arguments."""
    if variety not in VARIETIES:
        raise PuzzleError(f"There is no generator of {variety!r}; there are {', '.join(VARIETIES)}")
    if not (1 <= height <= 40 and 1 <= width <= 40):
        raise PuzzleError(f"{variety}: a board of {height} x {width}; boards have 1 to 40 cells a side")
    if difficulty is not None and not 0 <= difficulty <= 1:
        raise PuzzleError(f"{variety}: a difficulty of {difficulty}; it is between 0 (dense) and 1 (minimal)")
    if clues is not None and not 0 <= clues[0] <= clues[1]:
        raise PuzzleError(f"{variety}: clues from {clues[0]} to {clues[1]}; give the fewest first, from 0")
