"""Heyawake: random rooms and a random shading, rooms split until no other fits, then numbers taken away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.generated import Generated, Range
from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder, Encoded, Ints, neighbours
from tts.puzzles.generate.shapes import areas
from tts.puzzles.generate.solver import OTHER, other_solution, sample
from tts.puzzles.generate.thinning import thin_rules
from tts.puzzles.heyawake import Heyawake

Cells = NDArray[np.bool_]

BIGGEST = (3, 6)  # the longest side of a room is drawn from here, its end left out
MERGED = 0.15  # the share of rooms that are joined to a neighbour
FILL_NODES = 100
REPAIRS = 60
NODES = 2_000


def _rooms(height: int, width: int, rng: np.random.Generator) -> Ints:
    """Return random rooms int64 [H, W]: rectangles, some joined to a neighbour."""
    biggest = int(rng.integers(*BIGGEST))
    rooms = np.full((height, width), -1)
    count = 0
    for y, x in np.ndindex(height, width):
        if rooms[y, x] < 0:
            free = np.append(rooms[y, x:] < 0, False)
            wide = min(int(rng.integers(1, biggest + 1)), int(free.argmin()))
            rooms[y : y + int(rng.integers(1, biggest + 1)), x : x + wide] = count
            count += 1
    for room in range(1, count):
        cells = np.argwhere(rooms == room)
        y, x = cells[0]
        if rng.random() < MERGED and len(cells) <= biggest:
            rooms[rooms == room] = rooms[y, x - 1] if x else rooms[y - 1, x]
    return rooms


def _walls(rooms: Ints) -> tuple[Cells, Cells]:
    """Return the walls between rooms [H, W], at the right of each cell and below it, bool [H, W] each."""
    right, below = np.zeros(rooms.shape, bool), np.zeros(rooms.shape, bool)
    right[:, :-1] = rooms[:, 1:] != rooms[:, :-1]
    below[:-1] = rooms[1:] != rooms[:-1]
    return right, below


def _windows(right: Cells, below: Cells) -> Iterator[list[int]]:
    """Yield the shortest straight runs of cells that cross two walls."""
    index = np.arange(right.size).reshape(right.shape)
    for lines, wall_lines in ((index, right), (index.T, below.T)):
        for line, walls in zip(lines, wall_lines, strict=True):
            for first, second in pairwise(np.flatnonzero(walls).tolist()):
                yield line[first : second + 2].tolist()


def _builder(right: Cells, below: Cells) -> Builder:
    """Return a builder with every rule but the numbers and connection."""
    height, width = right.shape
    builder = Builder(height, width)
    for cell, sides in enumerate(neighbours(height, width).tolist()):
        for other in sides[1:3]:
            if other >= 0:
                builder.count((cell, other), 0, 1)
    for window in _windows(right, below):
        builder.count(window, 1, len(window))
    builder.some()
    return builder


def encode(puzzle: Heyawake) -> Encoded:
    """Return the puzzle for the solver."""
    shape = (puzzle.height, puzzle.width)
    builder = _builder(np.array(puzzle.right).reshape(shape), np.array(puzzle.below).reshape(shape))
    rooms = np.array(puzzle.rooms())
    rules = [
        builder.count(np.flatnonzero(rooms == rooms[cell]).tolist(), clue, clue)
        for cell, clue in enumerate(puzzle.clues)
        if clue >= 0
    ]
    return Encoded(builder.pack(connected=WHITE), np.full(rooms.size, EITHER), np.array(rules, np.int64))


def _split(rooms: Ints, shaded: Cells, other: Cells, rng: np.random.Generator) -> Ints | None:
    """Cut a room in two so that ``shaded`` stays a solution and ``other`` fails a number; None where no cut does."""
    height, width = rooms.shape
    where = neighbours(height, width)
    y, x = (np.asarray(position) for position in np.indices(rooms.shape))
    cuts = [
        (room, position, line)
        for room in np.unique(rooms[shaded != other]).tolist()
        for position, last in ((y, height), (x, width))
        for line in range(1, last)
        if np.unique(position[rooms == room] < line).size == 2
    ]
    for k in rng.permutation(len(cuts)):
        room, position, line = cuts[k]
        part = (rooms == room) & (position < line)
        rest = (rooms == room) & ~part
        if shaded[part].sum() == other[part].sum() or any(
            areas(where, half.ravel().astype(np.int64)).count > 1 for half in (part, rest)
        ):
            continue
        new = np.where(part, rooms.max() + 1, rooms)
        flat = shaded.ravel()
        if all(flat[window].any() for window in _windows(*_walls(new))):
            return new
    return None


def _board(rooms: Ints, shaded: Cells) -> Heyawake:
    """Return the board of rooms [H, W] with every number."""
    names, first = np.unique(rooms, return_index=True)
    clues = np.full(rooms.size, -1)
    for name, cell in zip(names, first, strict=True):
        clues[cell] = shaded[rooms == name].sum()
    right, below = _walls(rooms)
    return Heyawake(len(rooms), rooms.size // len(rooms), right.ravel().tolist(), below.ravel().tolist(), clues)


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """Return a heyawake puzzle with one solution, or None where this draw has more. Arguments as in ``thin``."""
    rooms = _rooms(height, width, rng)
    anything = np.full(height * width, EITHER)
    problem = _builder(*_walls(rooms)).pack(connected=WHITE)
    success, solution = sample(problem, anything, np.array([1, 2]), random_state(rng), FILL_NODES)
    if not success:
        return None
    shaded = (solution == SHADED).reshape(height, width)
    for _ in range(REPAIRS):
        board = _board(rooms, shaded)
        encoded = encode(board)
        status, other = other_solution(encoded.problem, anything, solution, NODES)
        if status != OTHER:
            break
        split = _split(rooms, shaded, (other == SHADED).reshape(height, width), rng)
        if split is None:
            return None
        rooms = split
    shown = thin_rules(encoded, solution, NODES, rng, difficulty, clues)
    if shown is None:
        return None
    numbers = np.array(board.clues)
    numbers[np.flatnonzero(numbers >= 0)[~shown]] = -1
    return Generated(attrs.evolve(board, clues=numbers), shaded.astype(np.int64), int(shown.sum()))
