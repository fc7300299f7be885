"""A comparison with a folder says the same as one without, goes on where it was, and lets searches join."""

import attrs
import numpy as np
import pytest
import torch
from support.models import Wanderer, random_tokens

import tts
from tts import (
    Dataset,
    FirstHalted,
    GaussianNoise,
    Identity,
    MajorityVote,
    QSelector,
    Search,
    StoreError,
    VerifierSelector,
)

PUZZLES, DEPTH = random_tokens(70), 3


class Fails(Wanderer):
    """Interrupted at the n-th step from now."""

    left = 0

    def step(self, state, encoded):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().step(state, encoded)


@pytest.fixture
def model():
    return Fails()


@pytest.fixture
def searches(model):
    noisy = Search(model, GaussianNoise(0.5, ("y", "z")), QSelector(), k=4, depth=DEPTH)
    return {
        "plain": Search(model, Identity(), QSelector(), k=1, depth=DEPTH),
        "best-Q": noisy,
        "mode": attrs.evolve(noisy, selector=MajorityVote()),
        "mean Q": attrs.evolve(noisy, selector=QSelector("mean"), record="q"),
        "first halted": attrs.evolve(noisy, stop=FirstHalted(), selector=MajorityVote()),
    }


@pytest.fixture
def data(searches):
    return Dataset("random", PUZZLES, answers=searches["best-Q"](PUZZLES).answers)


def assert_same(a, b):
    assert list(a.runs) == list(b.runs)
    for name, run in a.runs.items():
        assert np.array_equal(run.correct, b.runs[name].correct), name
        assert np.array_equal(run.lane_steps, b.runs[name].lane_steps), name
        assert (run.passed is None) == (b.runs[name].passed is None), name
        assert run.passed is None or np.array_equal(run.passed, b.runs[name].passed), name


def test_a_folder_changes_no_number(model, searches, data, tmp_path):
    with_ids = attrs.evolve(data, ids=torch.arange(70) % 3)
    without = tts.compare(model, with_ids, searches, (0, 2))
    kept = tts.compare(model, with_ids, searches, (0, 2), out=tmp_path)
    assert_same(kept, without)
    assert len(list(tmp_path.iterdir())) == 4 * 2  # groups x seeds
    assert 0 < kept.runs["plain"].correct.mean() < kept.runs["best-Q"].correct.mean()


def test_an_interrupted_comparison_goes_on(model, searches, data, tmp_path):
    model.lane_steps = 0
    whole = tts.compare(model, data, searches, (0, 1))
    expected, model.lane_steps = model.lane_steps, 0
    model.left = 300
    with pytest.raises(KeyboardInterrupt):
        tts.compare(model, data, searches, (0, 1), out=tmp_path)
    again = tts.compare(model, data, searches, (0, 1), out=tmp_path)
    assert_same(again, whole)
    assert model.lane_steps < 1.2 * expected  # a shard, and the trial steps, are run twice
    model.lane_steps = 0
    assert_same(tts.compare(model, data, searches, (0, 1), out=tmp_path), whole)
    assert model.lane_steps == len(searches) * model.block  # the trial steps alone


def test_selectors_and_seeds_join_without_a_run_of_their_own(model, searches, data, tmp_path):
    some = {"best-Q": searches["best-Q"]}
    tts.compare(model, data, some, out=tmp_path)
    made, model.lane_steps = set(tmp_path.iterdir()), 0
    by_rules = attrs.evolve(searches["best-Q"], selector=VerifierSelector().then(QSelector()), lanes=8)
    tts.compare(model, data, {"rules": by_rules, "best-Q": searches["best-Q"]}, out=tmp_path)
    assert model.lane_steps == 2 * model.block
    tts.compare(model, data, some, (0, 1), out=tmp_path)
    assert len(set(tmp_path.iterdir()) - made) == 1


def test_other_puzzles_are_refused(model, searches, data, tmp_path):
    tts.compare(model, data, {"plain": searches["plain"]}, out=tmp_path)
    with pytest.raises(StoreError, match=r"holds another run: data.puzzles is 70 there and 9 here"):
        tts.compare(model, data[:9], {"plain": searches["plain"]}, out=tmp_path)
