"""Which rollout runs next: open puzzles, waves, and what their rollouts have brought so far. Host side, numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts._util.arrays import Ints
from tts.search.result import Status

RUNNING = 4
"""Status of a rollout that is in a lane; never seen outside a search."""


def wave_ends(k: int, sizes: Sequence[int] | None = None) -> Ints:
    """Cumulative ends of the waves: sizes 1, 1, 2, 4, ... or those given, the last repeated, cut at k."""
    ends = [0]
    while ends[-1] < k:
        size = max(1, ends[-1]) if sizes is None else sizes[min(len(ends), len(sizes)) - 1]
        ends.append(min(k, ends[-1] + size))
    return np.array(ends[1:])


class Scheduler:
    """A window of open puzzles, one slot each.

    Rollouts are granted in the order (wave, puzzle, rollout). In lockstep a wave is granted whole or not at all, and
    the next one only when it has ended with the puzzle still open; without, there is one wave and no lockstep.
    """

    def __init__(self, slots: int, k: int, cells: int, ends: Ints, lockstep: bool, vocab_size: int):
        self.k, self.ends, self.lockstep = k, ends, lockstep
        self.puzzle = np.full(slots, -1)
        self.wave = np.zeros(slots, np.int64)
        self.over = np.zeros(slots, bool)
        self.winner = np.full(slots, -1)
        self.status = np.zeros((slots, k), np.int8)
        self.steps = np.zeros((slots, k), np.int64)
        self.answers = np.zeros((slots, k, cells), np.int16 if vocab_size <= 2**15 else np.int32)
        self.q = np.full((slots, k), -np.inf, np.float32)
        self.residual = np.full((slots, k), np.inf, np.float32)
        self.halt = np.zeros((slots, k), bool)

    @property
    def free(self) -> Ints:
        """Slots without a puzzle."""
        return np.flatnonzero(self.puzzle < 0)

    def open(self, slots: Ints, puzzles: Ints) -> None:
        """Give slots to new puzzles."""
        self.puzzle[slots] = puzzles
        self.wave[slots], self.over[slots], self.winner[slots] = 0, False, -1
        self._forget(slots)

    def grant(self, lanes: int) -> tuple[Ints, Ints]:
        """Up to ``lanes`` rollouts to start now: (slot [n], rollout [n])."""
        order = np.lexsort((self.puzzle, self.wave))
        waiting = self.status[order] == Status.NOT_STARTED
        waiting &= np.arange(self.k) < self.ends[self.wave[order], None]
        waiting &= ((self.puzzle >= 0) & ~self.over)[order, None]
        if self.lockstep:
            # A wave that does not fit blocks those behind it, so that wide waves are never starved.
            waiting &= (np.cumsum(waiting.sum(axis=1)) <= lanes)[:, None]
        row, rollout = np.nonzero(waiting)
        row, rollout = row[:lanes], rollout[:lanes]
        slot = order[row]
        self.status[slot, rollout] = RUNNING
        return slot, rollout

    def retire(self, slot: Ints, rollout: Ints, status: Ints, *brought: NDArray[Any]) -> None:
        """Rollouts that have ended, with what they brought: answers [n, L], q [n], residual [n], halt [n]."""
        self.status[slot, rollout] = status
        for field, value in zip((self.answers, self.q, self.residual, self.halt), brought, strict=True):
            field[slot, rollout] = value

    def ended(self, slot: Ints, winner: Ints) -> None:
        """Puzzles that a rule ended; winner -1 where the selector shall choose."""
        self.over[slot] = True
        self.winner[slot] = winner

    def advance(self) -> Ints:
        """Open the next wave of puzzles whose last one has ended; the slots whose puzzles are done."""
        idle = (self.puzzle >= 0) & ~(self.status == RUNNING).any(axis=1)
        started = np.where(self.status != Status.NOT_STARTED, np.arange(self.k) + 1, 0).max(axis=1)
        idle &= self.over | (started >= self.ends[self.wave])
        last = self.wave == len(self.ends) - 1
        self.wave[idle & ~self.over & ~last] += 1
        return np.flatnonzero(idle & (self.over | last))

    def requeue(self) -> None:
        """Put the rollouts in flight, in lockstep their whole waves, back in the queue, to run again from step 0."""
        again = self.status == RUNNING
        if self.lockstep:
            begin = np.concatenate(([0], self.ends))[self.wave]
            again = again.any(axis=1)[:, None] & (np.arange(self.k) >= begin[:, None])
        self._forget(again)
        self.over[:], self.winner[:] = False, -1  # of open puzzles: those that a rule had ended just now

    def _forget(self, rollouts: NDArray[Any]) -> None:
        self.status[rollouts], self.steps[rollouts], self.answers[rollouts] = Status.NOT_STARTED, 0, 0
        self.q[rollouts], self.residual[rollouts], self.halt[rollouts] = -np.inf, np.inf, False
