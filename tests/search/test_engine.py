"""The engine under stress: faults half-way, interruption, memory that runs out, streams."""

import gc
import warnings
from functools import partial
from time import sleep

import attrs
import pytest
import torch
from support.models import CODEC, BrokenModel, Wanderer, assert_equal, random_tokens, small_config
from support.searches import NOISE
from support.searches import search as default_search

from tts import (
    Budget,
    FirstHalted,
    Halted,
    Identity,
    RolloutError,
    SearchInterrupted,
    ShapeError,
    Strategy,
    Verified,
)
from tts._util.threads import run_in_threads
from tts.models import TRM
from tts.search.lanes import Lanes

STOPS = (None, Halted(), FirstHalted(2), Verified(), Verified() | Budget(9))


search = partial(default_search, k=4, depth=3, lanes=8)


# Faults


class Poisoned(Wanderer):
    """Fails on one puzzle."""

    def __init__(self, tokens):
        super().__init__()
        self.poison = tokens

    def encode(self, tokens, ids):
        bad = (tokens == self.poison).all(dim=1)
        return torch.where(bad[:, None, None], torch.nan, super().encode(tokens, ids))


@pytest.mark.parametrize("stop", STOPS)
def test_results_streamed_before_a_fault_stay_valid(stop):
    tokens = random_tokens(20, 6)
    whole, got = search(stop=stop)(tokens), []
    with pytest.raises(RolloutError, match=f"not finite on puzzle key {int(whole.keys[19])}, "):
        got.extend(search(model=Poisoned(tokens[19]), stop=stop).stream(tokens))
    assert 10 <= len(got) < 20
    for position, result in got:
        assert_equal(result, whole, [position])


# Threads


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_blocks_side_by_side_give_the_same_bits_on_any_number_of_threads(stop, dtype):
    config = small_config(CODEC, num_puzzle_identifiers=3, expansion=2, pos_encodings="rope", mlp_t=True)
    model = TRM(config, CODEC).to(dtype).eval().requires_grad_(False)
    model.q_head.weight.normal_(generator=torch.Generator().manual_seed(0))
    model.q_head.bias.zero_()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(search(model=model, stop=stop, k=40, lanes=1 if threads == 1 else 200)(random_tokens(9, 6)))
    finally:
        torch.set_num_threads(before)
    assert model.parallel_blocks
    assert len(results[0].rollouts.q.unique()) > 9
    for other in results[1:]:
        assert_equal(other, results[0])


def test_a_task_that_fails_lets_the_others_finish():
    done, before = [], torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(ZeroDivisionError):
            run_in_threads(lambda index: done.append(index) if index and not sleep(0.1) else 1 // index, 3)
    finally:
        torch.set_num_threads(before)
    assert sorted(done) == [1, 2]


# Interruption


class Interrupted(Wanderer):
    """Ctrl-C comes in the given step of a block."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def step(self, state, encoded):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return super().step(state, encoded)


@pytest.mark.parametrize("stop", STOPS)
def test_an_interrupted_search_hands_over_what_is_finished(stop):
    tokens = random_tokens(20, 7)
    whole = search(stop=stop)(tokens)
    with pytest.raises(SearchInterrupted, match=r"interrupted with \d+ puzzles finished") as caught:
        search(model=Interrupted(20), stop=stop)(tokens)
    assert isinstance(caught.value, KeyboardInterrupt)
    position, result = caught.value.position, caught.value.result
    assert 0 < len(position) < 20
    assert position.tolist() == sorted(position.tolist())
    assert_equal(result, whole, position)
    assert torch.is_grad_enabled()


def test_a_search_interrupted_at_once_has_no_result():
    with pytest.raises(SearchInterrupted, match="with 0 puzzles") as caught:
        search(model=Interrupted(1))(random_tokens(3, 8))
    assert caught.value.result is None
    assert caught.value.position.tolist() == []


# Memory that runs out


class Hungry(Wanderer):
    """Runs out of memory in start, or in the third step after it, while more than ``most`` lanes are in flight."""

    def __init__(self, most, where="step"):
        super().__init__()
        self.most, self.where, self.again, self.flight, self.steps = most, where, True, 0, 0
        self.alive = []

    def start(self, n):
        if self.again:  # the first start after memory ran out is for all lanes
            self.again, self.flight, self.steps = False, n, 0
            self.alive.append(sum(type(x) is Lanes for x in gc.get_objects()))
            self._eat("start")
        return super().start(n)

    def step(self, state, encoded):
        self.steps += 1
        if self.steps == 3:
            self._eat("step")
        return super().step(state, encoded)

    def _eat(self, where):
        if where == self.where and self.flight > self.most:
            self.again = True
            raise torch.OutOfMemoryError("stub")


@pytest.mark.parametrize("where", ["step", "start"])
@pytest.mark.parametrize("stop", STOPS)
def test_out_of_memory_halves_the_lanes_and_changes_nothing_else(stop, where):
    tokens, plan = random_tokens(12, 9), {"k": 8, "lanes": 32, "stop": stop, "record": ("q",)}
    undisturbed, model = search(**plan)(tokens), Hungry(8, where)
    gc.collect()  # lanes that other tests left behind in tracebacks
    with pytest.warns(RuntimeWarning, match="out of memory: continuing with 16 lanes in flight") as warned:
        result = search(model=model, **plan)(tokens)
    assert len(warned) == 1
    assert model.flight == 8
    assert_equal(result, undisturbed)
    assert torch.equal(result.rollouts.record["q"].nan_to_num(9), undisturbed.rollouts.record["q"].nan_to_num(9))
    assert result.cost.lane_steps == undisturbed.cost.lane_steps
    if stop is None:  # twice, two blocks of four lanes were stepped in vain
        assert result.cost.lane_steps_run - undisturbed.cost.lane_steps_run == (16 if where == "step" else 0)
    assert model.alive == [1, 1, 1]  # the old lanes were gone before the new ones came


def test_out_of_memory_while_embedding():
    tokens, failing = random_tokens(12, 10), [False, True, False, True]
    undisturbed = search(lanes=32)(tokens)

    def encode(embedded):
        if failing and failing.pop(0):
            raise torch.OutOfMemoryError("stub")
        return embedded

    with pytest.warns(RuntimeWarning, match="continuing with 16 lanes"):
        assert_equal(search(model=BrokenModel("encode", encode), lanes=32)(tokens), undisturbed)
    assert failing == []


@pytest.mark.parametrize(("more", "fewest"), [({}, 4), ({"stop": Verified(), "k": 9, "waves": (1, 7)}, 8)])
def test_out_of_memory_at_the_fewest_lanes_is_an_error(more, fewest):
    failing = search(model=Hungry(0), **({"lanes": 32} | more))
    says = rf"with {fewest} lanes in flight, the fewest.*narrower waves="
    with pytest.warns(RuntimeWarning, match="out of memory"), pytest.raises(RolloutError, match=says):
        failing(random_tokens(12, 11))


# Streams


@pytest.mark.parametrize("stop", STOPS)
def test_a_stream_yields_what_a_call_returns(stop):
    tokens, model = random_tokens(20, 12, repeat=0.2), Wanderer()
    whole = search(model=model, stop=stop, record=("answers",))(tokens)
    got = list(search(model=model, stop=stop, record=("answers",)).stream(tokens))
    assert sorted(position for position, _ in got) == list(range(20))
    for position, result in got:
        assert_equal(result, whole, [position])
        assert torch.equal(result.rollouts.record["answers"], whole.rollouts.record["answers"][[position]])
        assert result.cost.lane_steps == result.rollouts.steps.sum()
    total = sum((result.cost for _, result in got[1:]), start=got[0][1].cost)
    assert (total.lane_steps, total.lane_steps_run) == (whole.cost.lane_steps, whole.cost.lane_steps_run)
    assert total.flops == whole.cost.flops


@pytest.mark.parametrize(("stop", "most"), [(None, 3), (Halted(), 8), (Verified(), 8)])
def test_few_puzzles_are_open_at_a_time(stop, most):
    """As many as lanes under a rule, else lanes / K and one more."""
    model, tokens, done = Wanderer(), random_tokens(50, 13), 0
    for _ in search(model=model, stop=stop).stream(tokens):
        assert len(torch.cat(model.embedded).unique(dim=0)) <= done + most
        done += 1
    assert done == 50


def test_no_more_slots_than_puzzles():
    """What is recorded is kept for every slot, so that one puzzle takes the room of one."""
    from tts.search import PuzzleQueue
    from tts.search.engine import Engine
    from tts.search.plan import Plan
    from tts.search.scheduler import wave_ends

    model = Wanderer()
    plan = Plan(
        model=model,
        strategy=NOISE,
        stop=Verified(),
        k=64,
        depth=4,
        ends=wave_ends(64),
        lockstep=True,
        record=("y",),
        seed=0,
        device=torch.device("cpu"),
    )
    engine = Engine(plan, 64, PuzzleQueue(CODEC, random_tokens(1), None, None))
    with torch.no_grad():
        list(engine.run())
    assert engine.outcomes.record["y"].shape == (1, 64, 4, 7, 3)


def test_a_stream_checks_its_arguments_when_called():
    with pytest.raises(ShapeError, match="integer tokens"):
        search().stream(torch.ones(2, 2))


def test_a_stream_can_be_left_early():
    stream = search().stream(random_tokens(20, 14))
    next(stream)
    stream.close()
    assert torch.is_grad_enabled()


@attrs.frozen
class Clock(Strategy):
    """Counts its own steps in its memory, and finds that they are the lane's."""

    def perturb(self, view, rng):
        assert torch.equal(view.memory["steps"], view.step)
        view.memory["steps"] += 1
        assert torch.equal(view.memory["rollout"], torch.where(view.step == 0, -1, rng.rollout))
        view.memory["rollout"].copy_(rng.rollout)
        return view.state

    def memory(self, n):
        return {"steps": torch.zeros(n, dtype=torch.int64), "rollout": torch.full((n,), -1)}


@pytest.mark.parametrize("stop", STOPS)
def test_memory_stays_with_its_rollout(device, stop):
    """Also where lanes are moved together or filled again."""
    model = Wanderer(block=2).to(device)
    search(Clock(), model=model, stop=stop, lanes=16, k=5, depth=4)(random_tokens(20, 15))


def test_no_warning_without_cause():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search(strategy=Identity())(random_tokens(3, 16))
