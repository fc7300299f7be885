"""Which rollout runs next: waves, their order, and what runs again after lanes were lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts import Status
from tts.search.scheduler import Scheduler, wave_ends

few = settings(max_examples=60, deadline=None, derandomize=True)


class Slots:
    """A scheduler and the status of the rollouts, as the engine keeps it."""

    def __init__(self, puzzles, k, *, waves=None, lockstep=True, slots=None):
        """Puzzles 0, 1, ... in the first slots."""
        slots = slots or puzzles
        self.scheduler = Scheduler(slots, wave_ends(k, waves) if lockstep else np.array([k]), lockstep)
        self.status = np.zeros((slots, k), np.int8)
        self.scheduler.open(np.arange(puzzles), np.arange(puzzles))

    def grant(self, lanes):
        """The (slot, rollout) pairs that start."""
        slot, rollout = self.scheduler.grant(lanes, self.status)
        self.status[slot, rollout] = Status.RUNNING
        return [*zip(slot.tolist(), rollout.tolist(), strict=True)]

    def end(self, *pairs, status=Status.FINISHED):
        for pair in pairs:
            self.status[pair] = status

    def advance(self):
        """The slots whose next wave begins, and those that are done."""
        return [slots.tolist() for slots in self.scheduler.advance(self.status)]


@pytest.mark.parametrize(
    ("k", "sizes", "ends"),
    [
        (1, None, [1]),
        (2, None, [1, 2]),
        (9, None, [1, 2, 4, 8, 9]),
        (64, None, [1, 2, 4, 8, 16, 32, 64]),
        (7, (3,), [3, 6, 7]),
        (9, (1, 2, 4), [1, 3, 7, 9]),
        (2, (5, 1), [2]),
    ],
)
def test_waves_end_where_their_sizes_say(k, sizes, ends):
    assert wave_ends(k, sizes).tolist() == ends


@few
@given(st.integers(1, 99), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_every_rollout_is_in_one_wave(k, sizes):
    ends = wave_ends(k, sizes)
    width = np.diff(ends, prepend=0)
    assert ends[-1] == k
    wanted = [*sizes, *[sizes[-1]] * k][: len(width)]
    assert width[:-1].tolist() == wanted[:-1]
    assert 1 <= width[-1] <= wanted[-1]


def test_without_lockstep_rollouts_start_in_the_order_of_puzzles():
    slots = Slots(3, 2, lockstep=False)
    assert slots.grant(3) == [(0, 0), (0, 1), (1, 0)]
    assert slots.grant(9) == [(1, 1), (2, 0), (2, 1)]
    assert slots.grant(9) == []


def test_earlier_waves_of_all_puzzles_go_first():
    slots = Slots(3, 4, waves=(1, 3))
    assert slots.grant(2) == [(0, 0), (1, 0)]
    slots.end((0, 0), (1, 0))
    assert slots.advance() == [[0, 1], []]
    assert slots.grant(8) == [(2, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]


def test_puzzles_are_served_in_the_order_they_came_whatever_their_slot():
    slots = Slots(2, 1, slots=3)
    slots.scheduler.open(np.array([0, 1]), np.array([5, 2]))
    assert slots.grant(2) == [(1, 0), (0, 0)]


def test_a_wave_starts_whole_or_not_at_all_and_holds_back_those_behind_it():
    slots = Slots(2, 3, waves=(3,))
    assert slots.grant(5) == [(0, 0), (0, 1), (0, 2)]
    assert slots.grant(2) == []
    assert slots.grant(3) == [(1, 0), (1, 1), (1, 2)]


def test_the_next_wave_waits_for_the_whole_last_one():
    slots = Slots(1, 4, waves=(2,))
    slots.grant(9)
    slots.end((0, 0))
    assert slots.advance() == [[], []]
    assert slots.grant(9) == []
    slots.end((0, 1))
    assert slots.advance() == [[0], []]
    assert slots.grant(9) == [(0, 2), (0, 3)]
    slots.end((0, 2), (0, 3))
    assert slots.advance() == [[], [0]]


def test_a_puzzle_that_is_over_closes_and_starts_no_more():
    slots = Slots(2, 4)
    slots.grant(9)
    slots.end((0, 0), (1, 0))
    slots.scheduler.finish(np.array([1]), np.array([0]))
    assert slots.scheduler.is_over(np.arange(2)).tolist() == [False, True]
    assert slots.advance() == [[0], [1]]
    position, winner = slots.scheduler.close(np.array([1]))
    assert (position.tolist(), winner.tolist()) == ([1], [0])
    assert slots.grant(9) == [(0, 1)]
    assert slots.scheduler.free.tolist() == [1]
    assert slots.scheduler.busy.tolist() == [0]


def test_a_slot_forgets_its_last_puzzle():
    slots = Slots(1, 2)
    slots.grant(2)
    slots.end((0, 0))
    slots.advance()
    slots.scheduler.finish(np.array([0]), np.array([1]))
    slots.scheduler.open(np.array([0]), np.array([7]))
    slots.status[:] = Status.NOT_STARTED
    assert slots.grant(2) == [(0, 0)]
    position, winner = slots.scheduler.close(np.array([0]))
    assert (position.tolist(), winner.tolist()) == ([7], [-1])


@few
@given(st.integers(1, 5), st.integers(1, 9), st.booleans(), st.integers(0, 999))
def test_what_ran_when_lanes_were_lost_runs_again(puzzles, k, lockstep, seed):
    """A whole wave in lockstep, else the rollouts that had not ended; earlier waves and open puzzles stay."""
    rng = np.random.default_rng(seed)
    slots = Slots(puzzles, k, lockstep=lockstep)
    for _ in range(rng.integers(1, 4)):  # some waves, of which the last is cut short
        for pair in slots.grant(99):
            slots.end(pair, status=rng.choice([Status.FINISHED, Status.HALTED]))
        slots.scheduler.close(np.array(slots.advance()[1], np.int64))
    before = slots.status.copy()
    granted = slots.grant(99)
    out = [pair for pair in granted if rng.random() < 0.4]
    slots.end(*out, status=Status.HALTED)
    slots.scheduler.finish(*np.array(out[:1], np.int64).reshape(-1, 2).T)
    running = slots.status == Status.RUNNING
    again = slots.scheduler.requeue(slots.status)
    unfinished = running.any(axis=1) & lockstep
    assert (again == (unfinished[:, None] & (before == Status.NOT_STARTED) | running)).all()
    assert not slots.scheduler.is_over(slots.scheduler.busy).any()
    slots.status[again] = Status.NOT_STARTED
    waiting = [pair for pair in granted if (unfinished[pair[0]] if lockstep else pair not in out)]
    assert slots.grant(99) == waiting
