"""Nurikabe: random islands, changed a few cells at a time until their clues allow no other, then numbers hidden.

A hidden number becomes ``?``: every island keeps its clue, as the rules want it.
"""

from __future__ import annotations

import attrs
import numpy as np

from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder, Encoded, Ints, Problem
from tts.puzzles.generate.shapes import Areas, areas, grow
from tts.puzzles.generate.solver import UNIQUE, other_solution, unsettled
from tts.puzzles.generate.thinning import Mask, thin
from tts.puzzles.nurikabe import Nurikabe

LARGEST = (4, 13)  # the most cells that an island may have is drawn from here, its end left out
SHARE = (0.52, 0.68)  # the share of shaded cells at the outset
STEPS = 12  # changes to try, times the cells of the board
FAR = 0.1  # the share of changes that are made anywhere, not where the solution is loose
NODES = 2_000


@attrs.frozen(eq=False)
class Islands:
    """A solution: shaded int64 [L], its white areas, and the clue cell of each area int64 [count]."""

    shaded: Ints
    white: Areas
    clues: Ints


@attrs.frozen(eq=False)
class Sea:
    """The board without clues: the problem, whose numbers are written in place, and the largest island allowed."""

    problem: Problem
    height: int
    width: int
    largest: int

    def islands(self, shaded: Ints, clues: Ints, rng: np.random.Generator) -> Islands | None:
        """Return the solution of these shaded cells; None where it breaks a rule.

        Each island has its clue on one of ``clues``, at random, or on a random cell where none of them lies on it.
        """
        grid = shaded.reshape(self.height, self.width)
        if (grid[1:, 1:] & grid[1:, :-1] & grid[:-1, 1:] & grid[:-1, :-1]).any():
            return None
        where = self.problem.neighbours
        white = areas(where, 1 - shaded)
        if white.count == 0 or white.size.max() > self.largest or areas(where, shaded).count != 1:
            return None
        order = rng.permutation(len(shaded))
        ranked = np.concatenate([order, rng.permutation(clues)])  # later cells win
        ranked = ranked[white.of[ranked] >= 0]
        chosen = np.empty(white.count, np.int64)
        chosen[white.of[ranked]] = ranked
        return Islands(shaded, white, chosen)

    def show(self, islands: Islands, shown: Mask | None = None) -> tuple[Ints, Ints]:
        """Write the clues into the problem, those not ``shown`` as ``?``; return its domains and solution [L]."""
        numbers = islands.white.size if shown is None else np.where(shown, islands.white.size, -2)
        self.problem.numbers[:] = 0
        self.problem.numbers[islands.clues] = numbers
        total = len(self.problem.kind) - 1  # the last rule: how many cells are shaded, known if every size is
        self.problem.low[total] = self.problem.high[total] = islands.shaded.sum()
        self.problem.active[total] = numbers.min() > 0
        domains = np.full(len(islands.shaded), EITHER)
        domains[islands.clues] = WHITE
        return domains, np.where(islands.shaded == 1, SHADED, WHITE)


def _start(sea: Sea, rng: np.random.Generator) -> Islands | None:
    """Return random islands: a shaded shape grown as far as it goes, then cells of it turned white."""
    cells = sea.height * sea.width
    shaded = grow(sea.height, sea.width, cells, random_state(rng))
    none = np.zeros(0, np.int64)
    islands = sea.islands(shaded, none, rng)
    goal = rng.uniform(*SHARE) * cells
    for cell in rng.permutation(np.flatnonzero(shaded)):
        if islands is None or islands.shaded.sum() <= goal:
            break
        fewer = islands.shaded.copy()
        fewer[cell] = 0
        islands = sea.islands(fewer, none, rng) or islands
    return islands


def _change(sea: Sea, islands: Islands, loose: Ints, rng: np.random.Generator) -> Islands | None:
    """Return a neighbour of a solution: a clue moved within its island, or a cell or two turned; None where it is
    illegal.
    """
    where = sea.problem.neighbours
    near = np.append(where[loose].ravel(), np.repeat(loose, 4))
    near = near[near >= 0]
    anywhere = rng.random() < FAR
    cell = int(rng.integers(len(where)) if anywhere else rng.choice(near))
    if islands.shaded[cell] == 0 and rng.random() < 0.5:
        clues = islands.clues.copy()
        clues[islands.white.of[cell]] = cell
        return attrs.evolve(islands, clues=clues)
    shaded = islands.shaded.copy()
    shaded[cell] ^= 1
    beside = int(rng.choice(where[cell]))
    if beside >= 0 and rng.random() < 0.5:
        shaded[beside] = 1 - shaded[cell]
    return sea.islands(shaded, islands.clues, rng)


def _climb(sea: Sea, islands: Islands, rng: np.random.Generator) -> Islands | None:
    """Change a solution until propagation settles every cell, never letting more of them loose; None if it fails."""
    loose = unsettled(sea.problem, *sea.show(islands))
    for _ in range(STEPS * sea.height * sea.width):
        if len(loose) == 0:
            return islands
        changed = _change(sea, islands, loose, rng)
        if changed is not None:
            still_loose = unsettled(sea.problem, *sea.show(changed))
            if len(still_loose) <= len(loose):
                islands, loose = changed, still_loose
    return None


def _open(height: int, width: int) -> Problem:
    """Return the board without clues; its last rule is how many cells are shaded."""
    builder = Builder(height, width)
    builder.squares()
    builder.count(range(height * width), 0, height * width)
    return builder.pack(connected=SHADED, numbers=np.zeros(height * width, np.int64))


def encode(puzzle: Nurikabe) -> Encoded:
    """Return the puzzle for the solver. A clue of 0, or of more cells than there are, can never be met."""
    problem = _open(puzzle.height, puzzle.width)
    clues = np.array(puzzle.clues)
    problem.numbers[:] = np.where(clues == -1, 0, clues)
    if clues.min() >= -1:
        problem.low[-1] = problem.high[-1] = clues.size - clues[clues > 0].sum()
    if (clues == 0).any() or (clues > clues.size).any():
        problem.low[-1] = clues.size + 1
    return Encoded(problem, np.where(clues == -1, EITHER, WHITE), np.zeros(0, np.int64))


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """Return a nurikabe puzzle with one solution, or None where this draw led to none. Arguments as in ``thin``.

    ``clues`` and ``difficulty`` are about numbers; a ``?`` is not counted.
    """
    sea = Sea(_open(height, width), height, width, int(rng.integers(*LARGEST)))
    start = _start(sea, rng)
    islands = None if start is None else _climb(sea, start, rng)
    if islands is None:
        return None

    def unique(shown: Mask) -> bool:
        return bool(other_solution(sea.problem, *sea.show(islands, shown), NODES)[0] == UNIQUE)

    shown = thin(islands.white.count, unique, rng, difficulty, clues)
    if shown is None:
        return None
    board = np.full(height * width, -1)
    board[islands.clues] = np.where(shown, islands.white.size, -2)
    return Generated(Nurikabe(height, width, board), islands.shaded.reshape(height, width), int(shown.sum()))
