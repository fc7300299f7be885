"""Problem: the constraints of a board in flat arrays, as the compiled solver reads them.

A cell's *domain* is a set of values, a bit a value: bit 0 white and bit 1 shaded (or a bulb) in the shading varieties,
bits 0 to 5 blank, the triangles 2 to 5 and black in shakashaka.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]
State = NDArray[np.uint64]

WHITE, SHADED, EITHER = 1, 2, 3
COUNT, RING, CORNER = 0, 1, 2


class Problem(NamedTuple):
    """C constraints over L cells.

    Attributes:
        kind: int64 [C], COUNT, RING or CORNER.
        low, high: int64 [C], COUNT: bounds on the number of members whose value is in ``mask``; RING: the range of
            the constraint's patterns in ``patterns``.
        mask: int64 [C].
        active: uint8 [C], 0 for a constraint that does not hold now (a clue that was taken away).
        first: int64 [C + 1], where each constraint's cells start in ``members``.
        members: int64 [M]; -1 is off the board: white to a RING, black to a CORNER.
        cell_first, cell_constraints: the constraints of each cell, in the same form.
        patterns: int64 [P], rings of eight cells as bits, a bit a shaded member.
        corners: uint8 [6, 6, 6, 6], what may meet in a point; empty where no constraint is a CORNER.
        neighbours: int64 [L, 4], -1 off the board.
        connected: int64 [1], cells whose value is in this mask form one area; 0 for no such rule.
        numbers: int64 [L], nurikabe's islands (0 none, -2 any size, else the size); empty for other varieties.
    """

    kind: Ints
    low: Ints
    high: Ints
    mask: Ints
    active: Flags
    first: Ints
    members: Ints
    cell_first: Ints
    cell_constraints: Ints
    patterns: Ints
    corners: Flags
    neighbours: Ints
    connected: Ints
    numbers: Ints


def shaded_values(solution: Ints) -> Ints:
    """Return the answer values int64 [L] of a solution in the shading varieties, a bit a cell: 0 white, 1 shaded."""
    return solution >> 1


@attrs.frozen(eq=False)
class Encoded:
    """A puzzle as the solver reads it.

    Attributes:
        problem: its constraints.
        domains: int64 [L].
        rules: the constraint of each number shown, the cells of their clues in row-major order.
        values: from a solution [L], a bit a cell, to its answer values [L].
    """

    problem: Problem
    domains: Ints
    rules: Ints
    values: Callable[[Ints], Ints] = shaded_values


class Builder:
    """Collects constraints, each under the number that its adding returns, and packs them."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._rows: list[tuple[int, int, int, int, tuple[int, ...]]] = []
        self._patterns: list[int] = []

    def count(self, cells: Sequence[int], low: int, high: int, mask: int = SHADED) -> int:
        """Require that between ``low`` and ``high`` of ``cells`` have a value in ``mask``."""
        return self._add(COUNT, low, high, mask, cells)

    def ring(self, cells: Sequence[int], patterns: Sequence[int]) -> int:
        """Require that the shaded ones among eight ``cells`` form one of ``patterns``."""
        start = len(self._patterns)
        self._patterns.extend(patterns)
        return self._add(RING, start, len(self._patterns), SHADED, cells)

    def corner(self, cells: Sequence[int]) -> int:
        """Require that the values of the four ``cells`` about a point (row-major) may meet in it."""
        return self._add(CORNER, 0, 0, 0, cells)

    def some(self, mask: int = SHADED) -> int:
        """Require that some cell has a value in ``mask``."""
        cells = self.height * self.width
        return self.count(range(cells), 1, cells, mask)

    def squares(self) -> None:
        """Require that no 2 x 2 square is wholly shaded."""
        for y in range(self.height - 1):
            for x in range(self.width - 1):
                c = y * self.width + x
                self.count((c, c + 1, c + self.width, c + self.width + 1), 0, 3)

    def pack(
        self,
        connected: int = 0,
        corners: Flags | None = None,
        numbers: Ints | None = None,
    ) -> Problem:
        """Return the Problem, all constraints active."""
        cells = self.height * self.width
        kind, low, high, mask = np.array([row[:4] for row in self._rows], np.int64).reshape(-1, 4).T.copy()
        members = [row[4] for row in self._rows]
        uses: list[list[int]] = [[] for _ in range(cells)]
        for index, group in enumerate(members):
            for cell in group:
                if cell >= 0:
                    uses[cell].append(index)
        first, flat = _flatten(members)
        cell_first, cell_constraints = _flatten(uses)
        return Problem(
            kind,
            low,
            high,
            mask,
            np.ones(len(self._rows), np.uint8),
            first,
            flat,
            cell_first,
            cell_constraints,
            np.array(self._patterns, np.int64),
            np.zeros((0, 0, 0, 0), np.uint8) if corners is None else corners,
            neighbours(self.height, self.width),
            np.array([connected]),
            np.zeros(0, np.int64) if numbers is None else numbers,
        )

    def _add(self, kind: int, low: int, high: int, mask: int, cells: Sequence[int]) -> int:
        self._rows.append((kind, low, high, mask, tuple(cells)))
        return len(self._rows) - 1


def neighbours(height: int, width: int) -> Ints:
    """Return int64 [L, 4]: the cells above, to the right, below and to the left; -1 off the board."""
    padded = np.full((height + 2, width + 2), -1, np.int64)
    padded[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    sides = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    return np.stack([side.ravel() for side in sides], axis=1)


def _flatten(groups: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    first = np.zeros(len(groups) + 1, np.int64)
    first[1:] = np.cumsum([len(group) for group in groups])
    return first, np.array([cell for group in groups for cell in group], np.int64)
