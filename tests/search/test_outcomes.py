"""What is kept of rollouts while their puzzle is open."""

import numpy as np
import pytest
import torch
from support.models import CELLS, Wanderer, random_tokens

from tts import Identity, Status
from tts.search.lanes import Lanes
from tts.search.outcomes import Outcomes
from tts.search.views import Views

SLOT, ROLLOUT = np.array([0, 1, 1]), np.array([2, 0, 1])


def lanes_after(value):
    """Three lanes whose step brought ``value``."""
    model = Wanderer()
    views = Views(Identity(), model.codec, 2, 3, torch.device("cpu"))
    lanes = Lanes(model, Identity(), 4, model.encode(random_tokens(1), torch.zeros(1)), views)
    for tensor in (lanes.q, lanes.residual, lanes.answers):
        tensor.fill_(value)
    lanes.halt.fill_(True)
    return lanes, torch.arange(3)


def outcomes(vocab_size=9):
    return Outcomes(2, 3, CELLS, 4, vocab_size, ("q", "answers", "y"))


def brought(value=5):
    """Three rollouts that end after their second step."""
    some, (lanes, index) = outcomes(), lanes_after(value)
    some.start(SLOT, ROLLOUT)
    for step in (1, 2):
        some.step(SLOT, ROLLOUT, lanes, index, np.full(3, step))
    some.end(SLOT, ROLLOUT, lanes, index, np.full(3, Status.HALTED))
    return some


def test_the_outcomes_are_those_of_the_last_step():
    rollouts = brought().rollouts(np.arange(2))
    ended = torch.zeros(2, 3, dtype=torch.bool)
    ended[SLOT, ROLLOUT] = True
    assert torch.equal(rollouts.status == Status.HALTED, ended)
    assert torch.equal(rollouts.steps, 2 * ended)
    assert torch.equal(rollouts.q, torch.where(ended, 5.0, -torch.inf))
    assert torch.equal(rollouts.residual, torch.where(ended, 5.0, torch.inf))
    assert torch.equal(rollouts.answers.long(), 5 * ended[:, :, None].expand(-1, -1, CELLS))
    assert torch.equal(rollouts.record["q"].isfinite().sum(dim=2), 2 * ended)


def test_running_rollouts_have_spent_their_steps():
    some, (lanes, index) = outcomes(), lanes_after(5)
    some.start(SLOT, ROLLOUT)
    some.step(SLOT, ROLLOUT, lanes, index, np.full(3, 3))
    assert some.spent.tolist() == [3, 6]
    assert (some.status[SLOT, ROLLOUT] == Status.RUNNING).all()
    assert (some.q == -np.inf).all()


@pytest.mark.parametrize("which", [np.array([0, 1]), np.ones((2, 3), bool)], ids=["slots", "rollouts"])
def test_what_is_forgotten_has_not_started(which):
    some, fresh = brought(), outcomes()
    some.forget(which)
    for name in ("status", "steps", "answers", "q", "residual", "halt"):
        assert (getattr(some, name) == getattr(fresh, name)).all(), name
    assert some.record["q"].isnan().all()
    assert some.record["y"].isnan().all()
    assert (some.record["answers"] == 0).all()


def test_what_a_slot_brings_does_not_change_later():
    some = brought()
    rollouts = some.rollouts(np.array([1]))
    some.forget(np.array([1]))
    assert rollouts.q[0, :2].tolist() == [5.0, 5.0]
    assert rollouts.record["q"][0, 0, :2].tolist() == [5.0, 5.0]


@pytest.mark.parametrize(("vocab_size", "dtype"), [(2**15, np.int16), (2**15 + 1, np.int32)])
def test_answers_are_as_wide_as_the_vocabulary(vocab_size, dtype):
    assert outcomes(vocab_size).answers.dtype == dtype
