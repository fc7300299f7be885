"""Heyawake: random rooms and a random shading, rooms split until no other fits, then numbers taken away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tts.puzzles.generate.jit import random_state
from tts.puzzles.generate.problem import EITHER, SHADED, WHITE, Builder, Ints, neighbours
from tts.puzzles.generate.search import OTHER, UNIQUE, other_solution, sample
from tts.puzzles.generate.shapes import areas
from tts.puzzles.generate.thin import Generated, Kept, Range, thin
from tts.puzzles.heyawake import Heyawake

BIGGEST = (3, 6)  # the longest side of a room is drawn from here, its end left out
MERGED = 0.15  # the share of rooms that are joined to a neighbour
FILL_NODES = 100
REPAIRS = 60
NODES = 2_000


def _rooms(height: int, width: int, rng: np.random.Generator) -> Ints:
    """Random rooms int64 [H, W]: rectangles, some joined to a neighbour."""
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


def _windows(rooms: Ints) -> Iterator[list[int]]:
    """The shortest straight runs of cells that cross two walls."""
    index = np.arange(rooms.size).reshape(rooms.shape)
    for lines, room_lines in ((index, rooms), (index.T, rooms.T)):
        for line, room in zip(lines, room_lines, strict=True):
            walls = np.flatnonzero(room[:-1] != room[1:]).tolist()
            for first, second in pairwise(walls):
                yield line[first : second + 2].tolist()


def _rules(rooms: Ints) -> Builder:
    """A builder with every rule but the numbers and connection."""
    builder = Builder(*rooms.shape)
    for cell, sides in enumerate(neighbours(*rooms.shape).tolist()):
        for other in sides[1:3]:
            if other >= 0:
                builder.count((cell, other), 0, 1)
    for window in _windows(rooms):
        builder.count(window, 1, len(window))
    return builder


def _split(rooms: Ints, shaded: NDArray[np.bool_], other: NDArray[np.bool_], rng: np.random.Generator) -> Ints | None:
    """Rooms with one of them cut in two so that ``shaded`` stays a solution and ``other`` fails a number; or None."""
    height, width = rooms.shape
    where = neighbours(height, width)
    y, x = np.indices(rooms.shape)
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
        if all(flat[window].any() for window in _windows(new)):
            return new
    return None


def _board(rooms: Ints, numbers: dict[int, int]) -> Heyawake:
    """The board of rooms [H, W] and the numbers that are shown, by room."""
    right, below = np.zeros(rooms.shape, bool), np.zeros(rooms.shape, bool)
    right[:, :-1] = rooms[:, 1:] != rooms[:, :-1]
    below[:-1] = rooms[1:] != rooms[:-1]
    names, first = np.unique(rooms, return_index=True)
    clues = np.full(rooms.size, -1)
    for name, cell in zip(names.tolist(), first.tolist(), strict=True):
        clues[cell] = numbers.get(name, -1)
    return Heyawake(*rooms.shape, right.ravel(), below.ravel(), clues)


def generate(
    height: int, width: int, rng: np.random.Generator, difficulty: float, clues: Range | None = None
) -> Generated | None:
    """A heyawake puzzle with one solution, or None where this draw has more. Arguments as in ``thin``."""
    rooms = _rooms(height, width, rng)
    domains = np.full(height * width, EITHER)
    found, solution = sample(
        _rules(rooms).pack(connected=WHITE), domains, np.array([1, 2]), random_state(rng), FILL_NODES
    )
    shaded = (solution == SHADED).reshape(height, width)
    if not found or not shaded.any():
        return None
    for _ in range(REPAIRS):
        builder = _rules(rooms)
        names = np.unique(rooms).tolist()
        numbers = {name: int(shaded[rooms == name].sum()) for name in names}
        rules = [builder.count(np.flatnonzero(rooms == name).tolist(), numbers[name], numbers[name]) for name in names]
        problem = builder.pack(connected=WHITE)
        status, other = other_solution(problem, domains, solution, NODES)
        if status != OTHER:
            break
        split = _split(rooms, shaded, (other == SHADED).reshape(height, width), rng)
        if split is None:
            return None
        rooms = split
    if status != UNIQUE:
        return None

    def unique(kept: Kept) -> bool:
        problem.active[rules] = kept
        return bool(other_solution(problem, domains, solution, NODES)[0] == UNIQUE)

    kept = thin(len(rules), unique, rng, difficulty, clues)
    if kept is None:
        return None
    shown = {name: number for (name, number), is_kept in zip(numbers.items(), kept.tolist(), strict=True) if is_kept}
    return Generated(_board(rooms, shown), shaded.astype(np.int64), len(shown))
