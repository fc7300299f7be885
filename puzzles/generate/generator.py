"""Generate one puzzle from a seed and an index."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from tts.errors import PuzzleError
from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.varieties import VARIETIES

ATTEMPTS = 500
"""Draws that may come to nothing before a puzzle is given up. Counted, not timed, so that a seed means one puzzle."""

GENERATED = tuple(name for name, variety in VARIETIES.items() if variety.generator is not None)
"""The varieties that have a generator."""


class NoPuzzleError(PuzzleError):
    """A seed and an index that lead to no puzzle."""


def generate(
    variety: str,
    height: int,
    width: int,
    seed: int = 0,
    index: int = 0,
    difficulty: float | None = None,
    clues: Range | None = None,
) -> Generated:
    """Return the puzzle that a seed and an index stand for; an exhaustive search proves that it has one solution.

    Args:
        variety: one of ``GENERATED``.
        difficulty: from 0, dense clues, to 1, none can be spared; drawn for each index unless given.
        clues: fewest and most clues shown.

    Raises:
        PuzzleError: an unknown variety, a size or clues out of range; NoPuzzleError where ATTEMPTS draws gave none.
        TTSError: numba is missing; the message says how to install it.
    """
    check(variety, height, width, difficulty, clues)
    draw = generator_of(variety).generate
    if difficulty is None:
        difficulty = float(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,))).random())
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, attempt)))
        generated: Generated | None = draw(height, width, rng, difficulty, clues)
        if generated is not None:
            return generated
    wish = "" if clues is None else f" with {clues[0]} to {clues[1]} clues"
    raise NoPuzzleError(
        f"{variety}: no {height} x {width} puzzle{wish} with one solution in {ATTEMPTS} draws (seed {seed}, index "
        f"{index}); allow other clues or another size"
    )


def check(variety: str, height: int, width: int, difficulty: float | None = None, clues: Range | None = None) -> None:
    """Raise PuzzleError unless a generator takes these arguments."""
    if variety not in GENERATED:
        raise PuzzleError(f"there is no generator of {variety!r}; there are {', '.join(GENERATED)}")
    if not (1 <= height <= 40 and 1 <= width <= 40):
        raise PuzzleError(f"{variety}: a board of {height} x {width}; boards have 1 to 40 cells a side")
    if difficulty is not None and not 0 <= difficulty <= 1:
        raise PuzzleError(f"{variety}: a difficulty of {difficulty}; it is between 0 (dense) and 1 (minimal)")
    if clues is not None and not 0 <= clues[0] <= clues[1]:
        raise PuzzleError(f"{variety}: clues from {clues[0]} to {clues[1]}; give the fewest first, from 0")


def generator_of(variety: str) -> ModuleType:
    """Return the generator module of a variety.

    Raises:
        PuzzleError: it has none.
        TTSError: numba is missing.
    """
    load = VARIETIES[variety].generator if variety in VARIETIES else None
    if load is None:
        raise PuzzleError(f"there is no generator of {variety!r}; there are {', '.join(GENERATED)}")
    return load()
