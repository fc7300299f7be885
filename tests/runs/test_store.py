"""A run folder gives back what the search returned, and goes on where it was."""

import gc

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import Wanderer, assert_equal, random_tokens, small_sudoku_model, small_trm
from support.runs import DATA, NOISE, TOKENS, assert_same_tables, search

from tts import (
    Budget,
    Dataset,
    FirstHalted,
    Halted,
    MajorityVote,
    QSelector,
    Result,
    Search,
    Store,
    StoreError,
    TTSError,
    Verified,
    VerifierSelector,
)
from tts.puzzles import parse
from tts.runs import job
from tts.strategies import GuidedParticles, Pinning


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_a_run_in_shards_equals_the_search(tmp_path_factory, data):
    """Row for row, for every kind of strategy, rule and selector, in shards of any size."""
    model = data.draw(st.sampled_from([Wanderer(), small_trm(), small_trm(mlp_t=False).bfloat16()]))
    strategy = data.draw(st.sampled_from([NOISE, GuidedParticles(NOISE), Pinning(NOISE, threshold=-1)]))
    stops = [None, Verified(), Budget(9)] + [Halted(), FirstHalted(2)] * (not isinstance(strategy, GuidedParticles))
    stop = data.draw(st.sampled_from(stops))
    selector = data.draw(st.sampled_from([QSelector(), MajorityVote(), VerifierSelector().then(QSelector())]))
    record = data.draw(st.sets(st.sampled_from(["q", "residual", "answers"])))
    b, k, depth, shard = (data.draw(st.integers(1, most)) for most in (9, 6, 4, 10))
    tokens, ids = random_tokens(b, data.draw(st.integers(0, 99)), repeat=0.3), torch.arange(b) % 4
    keys = data.draw(st.sampled_from([None, torch.arange(b) + 7]))
    made = Search(model, strategy, selector, k=k, depth=depth, stop=stop, record=sorted(record))
    folder, seed = tmp_path_factory.mktemp("run"), data.draw(st.integers(-3, 99))
    run = Store.open(folder, made, Dataset("random", tokens, ids=ids), keys=keys, seed=seed, shard=shard)
    run.fill()
    whole, back = made(tokens, ids=ids, keys=keys, seed=seed), run.result()
    assert_equal(back, whole)
    assert back.rollouts.answers.dtype == whole.rollouts.answers.dtype
    assert (back.scores.dtype, back.rollouts.status.dtype) == (whole.scores.dtype, whole.rollouts.status.dtype)
    assert (back.dtype, back.device, back.exchangeable) == (whole.dtype, whole.device, whole.exchangeable)
    assert (back.cost.lane_steps, back.verifier) == (whole.cost.lane_steps, whole.verifier)
    assert_equal(back.select(MajorityVote()), whole.select(MajorityVote()))


def test_the_tables_say_what_the_result_says(tmp_path):
    made = search(stop=FirstHalted())
    whole = made(TOKENS)
    labels = whole.answers.clone()
    labels[::3] = labels[::3] % 6 + 1
    run = Store.open(tmp_path, made, Dataset("random", TOKENS, answers=labels), shard=4)
    run.fill()
    right = whole.rollouts.correct(labels)
    rollouts, puzzles = pandas.read_parquet(tmp_path / "rollouts"), pandas.read_parquet(tmp_path / "puzzles")
    pandas.testing.assert_frame_equal(rollouts, run.table().to_pandas())
    pandas.testing.assert_frame_equal(puzzles, run.table("puzzles").to_pandas())
    assert rollouts["puzzle"].tolist() == np.arange(len(TOKENS)).repeat(5).tolist()
    assert rollouts["rollout"].tolist() == list(range(5)) * len(TOKENS)
    assert rollouts["correct"].tolist() == right.flatten().tolist()
    assert rollouts["verified"].tolist() == whole.verified().flatten().tolist()
    assert np.array_equal(np.stack(rollouts["answer"]), whole.rollouts.answers.flatten(0, 1).numpy())
    assert set(rollouts["status"]) <= {"not started", "finished", "halted", "cancelled"}
    assert (rollouts["status"] == "halted").tolist() == (whole.rollouts.status == 2).flatten().tolist()
    assert puzzles["correct"].tolist() == (whole.answers == labels).all(dim=1).tolist()
    assert puzzles["passed"].tolist() == right.any(dim=1).tolist()
    assert puzzles["verified"].tolist() == whole.valid.tolist()
    assert puzzles["lane_steps"].tolist() == whole.rollouts.steps.sum(dim=1).tolist()
    assert puzzles["seconds"].sum() == pytest.approx(run.result().cost.seconds)
    assert 0 < puzzles["correct"].sum() < len(puzzles)


def test_latents_are_searched_with_but_not_kept(tmp_path):
    run = Store.open(tmp_path, search(record=("y", "q")), DATA)
    run.fill()
    assert list(run.result().rollouts.record) == ["q"]


def test_boards_bring_what_tokens_do(tmp_path):
    boards = [parse("1.........2....."), parse(".2........1....3"), parse("...4.1..........")]
    made = search(small_sudoku_model(), k=2, depth=2)
    run = Store.open(tmp_path, made, Dataset("three", boards), shard=2)
    run.fill()
    assert_equal(run.result(), made(boards))


class Fails(Wanderer):
    """Raises at the n-th step from now; never where n is 0."""

    def __init__(self, error=KeyboardInterrupt):
        super().__init__()
        self.left, self.error = 0, error

    def step(self, state, encoded):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return super().step(state, encoded)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_is_whole_is_not_run_again(tmp_path, error):
    model = Fails(error)
    run = Store.open(tmp_path, search(model), DATA, shard=3)
    assert run.missing() == [0, 1, 2, 3, 4] == list(range(len(run)))
    model.left = 40
    with pytest.raises((KeyboardInterrupt, TTSError)):
        run.fill()
    left = Store.open(tmp_path, search(model), DATA).missing()
    assert 0 < len(left) < 5
    with pytest.raises(StoreError, match=f"shard {left[0]} of 5 is missing"):
        run.result()
    model.lane_steps = 0
    run.fill()
    assert model.lane_steps == sum(search()(TOKENS[3 * n : 3 * n + 3]).cost.lane_steps_run for n in left)
    assert_equal(run.result(), search()(TOKENS))
    model.lane_steps = 0
    Store.open(tmp_path, search(model), DATA).fill()
    assert model.lane_steps == 0


def test_writers_share_the_missing_shards(tmp_path):
    """Whatever the number of writers and the order in which they come, the folder holds the same."""
    runs = [Store.open(tmp_path / "run", search(), DATA, shard=2) for _ in range(3)]
    missing = runs[0].missing()
    for number in reversed(missing):
        writer = runs[number % 3]
        writer.write(number, writer.compute(number))
    alone = Store.open(tmp_path / "alone", search(), DATA, shard=5)
    alone.fill()
    assert_same_tables(runs[0], alone)
    assert_equal(alone.result(), runs[2].result())


def test_the_first_of_two_writers_stays(tmp_path):
    run = Store.open(tmp_path, search(), DATA)
    first, second = run.compute(0), run.compute(0)
    run.write(0, first)
    run.write(0, second)
    assert run.result().cost == first.cost != second.cost


def test_results_of_other_puzzles_are_refused(tmp_path):
    run = Store.open(tmp_path, search(), DATA, shard=3)
    with pytest.raises(StoreError, match="this is not the result of shard 0"):
        run.write(0, run.compute(1))
    with pytest.raises(StoreError, match="not the result of shard 0"):
        run.write(0, search(k=4)(TOKENS[:3]))
    with pytest.raises(StoreError, match=r"there is no shard 5 .* it has 5"):
        run.compute(5)


def test_memory_is_a_shard_whatever_the_number_of_puzzles(tmp_path, monkeypatch):
    """Counted when a shard is written: results that are alive."""
    alive, save = [], job.save

    def counting(*given):
        alive.append(sum(type(x) is Result for x in gc.get_objects()))
        save(*given)

    gc.collect()
    before = sum(type(x) is Result for x in gc.get_objects())
    monkeypatch.setattr(job, "save", counting)
    Store.open(tmp_path, search(k=1, depth=1), Dataset("many", random_tokens(200, 5)), shard=5).fill()
    assert len(alive) == 40
    assert max(alive) <= before + 5 + 2
