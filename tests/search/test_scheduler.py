"""Which rollout runs next: waves, their order, and what runs again after lanes were lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts import Status
from tts.search.scheduler import RUNNING, Scheduler, wave_ends

few = settings(max_examples=60, deadline=None, derandomize=True)


def scheduler(puzzles, k, *, waves=None, lockstep=True, slots=None):
    """Puzzles 0, 1, ... in the first slots."""
    ends = wave_ends(k, waves) if lockstep else np.array([k])
    new = Scheduler(slots or puzzles, k, 2, ends, lockstep, 5)
    new.open(np.arange(puzzles), np.arange(puzzles))
    return new


def pairs(granted):
    return [*zip(*(numbers.tolist() for numbers in granted), strict=True)]


def end(found, slot, rollout, status=Status.FINISHED):
    at = np.atleast_1d(slot), np.atleast_1d(rollout)
    n = len(at[0])
    brought = np.zeros((n, 2)), np.zeros(n), np.zeros(n), np.zeros(n, bool)
    found.retire(*at, np.full(n, status), *brought)


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
    found = scheduler(3, 2, lockstep=False)
    assert pairs(found.grant(3)) == [(0, 0), (0, 1), (1, 0)]
    assert pairs(found.grant(9)) == [(1, 1), (2, 0), (2, 1)]
    assert pairs(found.grant(9)) == []


def test_earlier_waves_of_all_puzzles_go_first():
    found = scheduler(3, 4, waves=(1, 3))
    assert pairs(found.grant(2)) == [(0, 0), (1, 0)]
    end(found, [0, 1], [0, 0])
    assert len(found.advance()) == 0
    assert pairs(found.grant(8)) == [(2, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]


def test_puzzles_are_served_in_the_order_they_came_whatever_their_slot():
    found = scheduler(2, 1, slots=3)
    found.puzzle[:2] = 5, 2
    assert pairs(found.grant(2)) == [(1, 0), (0, 0)]


def test_a_wave_starts_whole_or_not_at_all_and_holds_back_those_behind_it():
    found = scheduler(2, 3, waves=(3,))
    assert pairs(found.grant(5)) == [(0, 0), (0, 1), (0, 2)]
    assert pairs(found.grant(2)) == []
    assert pairs(found.grant(3)) == [(1, 0), (1, 1), (1, 2)]


def test_the_next_wave_waits_for_the_whole_last_one():
    found = scheduler(1, 4, waves=(2,))
    found.grant(9)
    end(found, 0, 0)
    assert len(found.advance()) == 0
    assert pairs(found.grant(9)) == []
    end(found, 0, 1)
    assert len(found.advance()) == 0
    assert pairs(found.grant(9)) == [(0, 2), (0, 3)]
    end(found, [0, 0], [2, 3])
    assert found.advance().tolist() == [0]


def test_a_puzzle_that_is_over_closes_and_starts_no_more():
    found = scheduler(2, 4)
    found.grant(9)
    end(found, [0, 1], [0, 0])
    found.ended(np.array([1]), np.array([0]))
    assert found.advance().tolist() == [1]
    assert found.winner.tolist() == [-1, 0]
    found.puzzle[1] = -1
    assert pairs(found.grant(9)) == [(0, 1)]
    assert found.free.tolist() == [1]


def test_a_slot_forgets_its_last_puzzle():
    found = scheduler(1, 2, lockstep=False)
    found.grant(2)
    end(found, [0, 0], [0, 1])
    found.steps[0], found.halt[0] = 3, True
    found.ended(np.array([0]), np.array([1]))
    found.open(np.array([0]), np.array([7]))
    fresh = scheduler(1, 2, lockstep=False)
    for name in ("wave", "over", "winner", "status", "steps", "answers", "q", "residual", "halt"):
        assert (getattr(found, name) == getattr(fresh, name)).all(), name


@few
@given(st.integers(1, 5), st.integers(1, 9), st.booleans(), st.integers(0, 999))
def test_what_ran_when_lanes_were_lost_runs_again(puzzles, k, lockstep, seed):
    """A whole wave in lockstep, else the rollouts that had not ended; earlier waves and open puzzles stay."""
    rng = np.random.default_rng(seed)
    found = scheduler(puzzles, k, lockstep=lockstep)
    for _ in range(rng.integers(1, 4)):  # some waves, of which the last is cut short
        ended = pairs(found.grant(99))
        for slot, rollout in ended:
            end(found, slot, rollout, rng.choice([Status.FINISHED, Status.HALTED]))
        found.puzzle[found.advance()] = -1
    before = found.status.copy()
    slot, rollout = found.grant(99)
    out = rng.random(len(slot)) < 0.4
    end(found, slot[out], rollout[out], Status.HALTED)
    found.q[slot[out], rollout[out]] = 5
    found.ended(slot[out][:1], rollout[out][:1])
    running = found.status == RUNNING
    found.requeue()
    unfinished = running.any(axis=1) & lockstep
    again = unfinished[:, None] & (before == Status.NOT_STARTED) | running
    assert not (found.status == RUNNING).any()
    assert (found.status[again] == Status.NOT_STARTED).all()
    assert (found.q[again] == -np.inf).all()
    assert not found.over[found.puzzle >= 0].any()
    assert (found.winner == -1).all()
    kept = before != Status.NOT_STARTED
    assert (found.status[kept] == before[kept]).all()
    if lockstep:
        waiting = [pair for pair in pairs((slot, rollout)) if unfinished[pair[0]]]
    else:
        waiting = [pair for pair, gone in zip(pairs((slot, rollout)), out, strict=True) if not gone]
    assert pairs(found.grant(99)) == waiting
