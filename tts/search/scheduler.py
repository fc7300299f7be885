"""Which rollout runs next: the open puzzles, their waves, and who has won them. Host side, numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tts._util.arrays import Ints
from tts.search.rollouts import Status

Statuses: TypeAlias = NDArray[np.int8]
"""[slots, K], see Status."""


def wave_ends(k: int, sizes: Sequence[int] | None = None) -> Ints:
    """Return the cumulative ends of the waves: sizes 1, 1, 2, 4, ... or ``sizes``, the last repeated, cut at k."""
    ends = [0]
    while ends[-1] < k:
        size = max(1, ends[-1]) if sizes is None else sizes[min(len(ends), len(sizes)) - 1]
        ends.append(min(k, ends[-1] + size))
    return np.array(ends[1:])


class Scheduler:
    """A window of open puzzles, one slot each.

    Rollouts are granted in the order (wave, puzzle, rollout). In lockstep a wave is granted whole or not at all, and
    the next one only when it has ended with the puzzle still open; without, there is one wave and no lockstep. How far
    the rollouts have come is not kept here: it is passed in, as their ``status`` int8 [slots, K].
    """

    def __init__(self, slots: int, ends: Ints, lockstep: bool):
        self._ends, self._lockstep = ends, lockstep
        self._puzzle = np.full(slots, -1)
        self._wave = np.zeros(slots, np.int64)
        self._over = np.zeros(slots, bool)
        self._winner = np.full(slots, -1)

    @property
    def free(self) -> Ints:
        """Slots without a puzzle."""
        return np.flatnonzero(self._puzzle < 0)

    @property
    def busy(self) -> Ints:
        """Slots with a puzzle."""
        return np.flatnonzero(self._puzzle >= 0)

    def positions(self, slots: Ints) -> Ints:
        """Return the positions of the puzzles in some slots, in the caller's order."""
        return self._puzzle[slots]

    def is_over(self, slots: Ints) -> NDArray[np.bool_]:
        """Return whether a rule has ended the puzzles in some slots."""
        return self._over[slots]

    def open(self, slots: Ints, positions: Ints) -> None:
        """Give slots to new puzzles."""
        self._puzzle[slots] = positions
        self._wave[slots], self._over[slots], self._winner[slots] = 0, False, -1

    def grant(self, lanes: int, status: Statuses) -> tuple[Ints, Ints]:
        """Return up to ``lanes`` rollouts to start now: (slot [n], rollout [n])."""
        order = np.lexsort((self._puzzle, self._wave))
        waiting = status[order] == Status.NOT_STARTED
        waiting &= np.arange(status.shape[1]) < self._ends[self._wave[order], None]
        waiting &= ((self._puzzle >= 0) & ~self._over)[order, None]
        if self._lockstep:
            # A wave that does not fit blocks those behind it, so that wide waves are never starved.
            waiting &= (np.cumsum(waiting.sum(axis=1)) <= lanes)[:, None]
        row, rollout = np.nonzero(waiting)
        row, rollout = row[:lanes], rollout[:lanes]
        return order[row], rollout

    def finish(self, slots: Ints, winners: Ints) -> None:
        """Note puzzles that a rule has ended; winner -1 where the selector chooses."""
        self._over[slots] = True
        self._winner[slots] = winners

    def advance(self, status: Statuses) -> tuple[Ints, Ints]:
        """Open the next waves. Return (slots whose next wave begins, slots whose puzzles are done)."""
        idle = (self._puzzle >= 0) & ~(status == Status.RUNNING).any(axis=1)
        started = np.where(status != Status.NOT_STARTED, np.arange(status.shape[1]) + 1, 0).max(axis=1)
        idle &= self._over | (started >= self._ends[self._wave])
        done = self._over | (self._wave == len(self._ends) - 1)
        self._wave[idle & ~done] += 1
        return np.flatnonzero(idle & ~done), np.flatnonzero(idle & done)

    def close(self, slots: Ints) -> tuple[Ints, Ints]:
        """Free slots. Return (positions, winners) of the puzzles that were in them."""
        positions, winners = self._puzzle[slots], self._winner[slots]
        self._puzzle[slots] = -1
        return positions, winners

    def requeue(self, status: Statuses) -> NDArray[np.bool_]:
        """Return the rollouts to run again, bool [slots, K]: those in flight, in lockstep their whole waves."""
        again = np.equal(status, Status.RUNNING)
        if self._lockstep:
            begin = np.concatenate(([0], self._ends))[self._wave]
            again = again.any(axis=1, keepdims=True) & (np.arange(status.shape[1]) >= begin[:, None])
        self._over[:], self._winner[:] = False, -1  # of open puzzles: those that a rule had ended just now
        return again
