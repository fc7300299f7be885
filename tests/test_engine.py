"""The engine under stress: faults that name their cause, interruption, memory that runs out, streams."""

import gc
import warnings

import attrs
import pytest
import torch
from small_models import CODEC, SumRule, Wanderer, random_tokens

from tts import (
    Budget,
    FirstHalted,
    GaussianNoise,
    Halted,
    Identity,
    QSelector,
    RolloutError,
    Search,
    SearchInterrupted,
    Selector,
    ShapeError,
    Stop,
    Strategy,
    Verdict,
    Verified,
    Verifier,
    VerifierSelector,
)
from tts.lanes import Lanes

NOISE = GaussianNoise(0.5, ("y", "z"))
STOPS = (None, Halted(), FirstHalted(2), Verified(), Verified() | Budget(9))


def search(model=None, strategy=NOISE, selector=None, **more):
    return Search(model or Wanderer(), strategy, selector or QSelector(), **({"k": 4, "depth": 3, "lanes": 8} | more))


def boom(*_):
    raise ValueError("boom")


def assert_same(a, b, rows=slice(None)):
    """All that the rollouts of a and b[rows] brought is equal to the bit."""
    for name in ("answers", "q", "residual", "steps", "status"):
        assert torch.equal(getattr(a.rollouts, name), getattr(b.rollouts, name)[rows]), name
    assert torch.equal(a.index, b.index[rows])
    assert torch.equal(a.answers, b.answers[rows])


# Faults


class BrokenModel(Wanderer):
    """A method's outcome goes through ``change``."""

    def __init__(self, method, change):
        super().__init__()
        right = getattr(self, method)
        setattr(self, method, lambda *given: change(right(*given)))


def without(name):
    return lambda state: {other: latent for other, latent in state.items() if other != name}


def changed(name, change):
    return lambda state: state | {name: change(state[name])}


def readout(name, change):
    return lambda out: attrs.evolve(out, **{name: change(getattr(out, name))})


LATENT = r"torch.float32 \[4, 7, 3\]"
MODEL_FAULTS = [
    ("encode", boom, "BrokenModel.encode failed on puzzle key KEY.*: ValueError: boom"),
    ("encode", lambda x: x[:1], r"encode returned torch.float32 \[1, 7, 3\]; expected \[4, S, D\]"),
    ("encode", lambda x: x[0], r"encode returned torch.float32 \[7, 3\]; expected \[4, S, D\]"),
    ("encode", lambda x: None, r"BrokenModel.encode failed on puzzle key KEY.*: encode returned a NoneType"),
    ("start", boom, "BrokenModel.start failed: ValueError: boom"),
    ("start", without("y"), r"the answer latent 'y' among them; got \['z'\]"),
    ("start", lambda state: None, "start must return latents by name.*got a NoneType"),
    ("start", changed("z", lambda x: x[0]), r"start returned latent 'z' as \[7, 3\]; expected \[8, S, D\]"),
    ("step", boom, "BrokenModel failed on puzzle key KEY.*: ValueError: boom"),
    ("step", without("z"), "BrokenModel failed on puzzle key KEY.*: step returned no latent 'z'"),
    ("step", lambda state: state | {"w": state["z"]}, r"step returned a latent 'w'.*expected \['y', 'z'\]"),
    ("step", lambda state: None, "step returned a NoneType; expected the latents by name"),
    ("step", changed("y", lambda x: x[:, 1:]), rf"step returned latent 'y' as .*\[4, 6, 3\]; expected {LATENT}"),
    ("step", changed("y", torch.Tensor.double), rf"step returned latent 'y' as torch.float64.*; expected {LATENT}"),
    ("step", changed("z", torch.Tensor.tolist), "step returned latent 'z' as a list"),
    ("step", changed("y", lambda x: x * torch.nan), "a value that is not finite on puzzle key KEY, rollout 0, step 1"),
    ("step", changed("z", lambda x: x / 0), "not finite on puzzle key KEY, rollout 0, step 2, under GaussianNoise"),
    ("read", boom, "BrokenModel failed on puzzle key KEY.*: ValueError: boom"),
    ("read", lambda out: out.logits, "read returned a Tensor; expected a Readout"),
    ("read", readout("logits", lambda x: x[:, 1:]), r"read returned logits as .*\[4, 5, 7\]; expected .* \[4, 6, 7\]"),
    ("read", readout("logits", lambda x: x[..., 1:]), r"read returned logits as .*\[4, 6, 6\]; expected"),
    ("read", readout("logits", lambda x: x.log()), "not finite on puzzle key KEY, rollout 0, step 1"),
    ("read", readout("q", lambda x: x[:, None]), r"read returned q as torch.float32 \[4, 1\]; expected floating-point"),
    ("read", readout("q", torch.Tensor.long), "read returned q as torch.int64"),
    ("read", readout("q", lambda x: x / 0), "not finite on puzzle key KEY, rollout 0, step 1"),
    ("read", readout("halt", torch.Tensor.float), r"read returned halt as torch.float32 \[4\]; expected bool \[4\]"),
]


def assert_named(run, result_of, says):
    """The run fails with one sentence that says so, with the key of one of the puzzles for KEY."""
    keys = "|".join(str(key) for key in result_of.keys.tolist())
    with pytest.raises(RolloutError, match=says.replace("KEY", f"({keys})")) as caught:
        run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("method", "change", "says"), MODEL_FAULTS)
def test_a_fault_of_the_model_is_named(method, change, says):
    tokens = random_tokens(3, 1)
    assert_named(lambda: search(BrokenModel(method, change))(tokens), search()(tokens), says)


def test_a_model_must_embed_all_puzzles_alike():
    grown = []
    model = BrokenModel("encode", lambda x: torch.cat([x, *grown], dim=1))
    stream = search(model, k=8).stream(random_tokens(9, 2))
    next(stream)
    grown.append(torch.zeros(4, 1, 3))
    with pytest.raises(RolloutError, match=r"encode returned torch.float32 \[4, 8, 3\]; expected \[4, 7, 3\]"):
        list(stream)


@attrs.frozen
class BrokenStrategy(Strategy):
    """Leaves the latents alone but for ``change``."""

    change: object = None
    keeps: object = None

    def perturb(self, view, rng):
        return self.change(view.state) if self.change else view.state

    def memory(self, n):
        return self.keeps(n) if self.keeps else {}


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        (BrokenStrategy(boom), "BrokenStrategy.perturb failed on puzzle key KEY.*: ValueError: boom"),
        (BrokenStrategy(without("y")), "perturb returned no latent 'y'; pass on the latents you leave alone"),
        (BrokenStrategy(lambda state: None), "perturb returned a NoneType"),
        (BrokenStrategy(changed("z", lambda x: x[:2])), rf"'z' as torch.float32 \[2, 7, 3\]; expected {LATENT}"),
        (BrokenStrategy(changed("z", torch.Tensor.bfloat16)), rf"'z' as torch.bfloat16 .*; expected {LATENT}"),
        (BrokenStrategy(changed("z", lambda x: x + torch.nan)), "not finite on puzzle key KEY.*under BrokenStrategy"),
        (BrokenStrategy(keeps=boom), "BrokenStrategy.memory failed: ValueError: boom"),
        (
            BrokenStrategy(keeps=lambda n: {"m": torch.zeros(1, 5)}),
            r"memory returned 'm' as .*\[1, 5\]; expected .*\[8, 5\]",
        ),
        (GaussianNoise(0.1, ("w",)), r"GaussianNoise.*KEY.*perturbs latent 'w', but the model has \['y', 'z'\]"),
    ],
)
def test_a_fault_of_the_strategy_is_named(strategy, says):
    tokens = random_tokens(3, 3)
    assert_named(lambda: search(strategy=strategy)(tokens), search()(tokens), says)


@attrs.frozen
class BrokenStop(Stop):
    change: object
    ends_puzzles = True

    def done(self, view):
        none = torch.zeros_like(view.halt)
        return self.change(Verdict(none, none, none))


@attrs.frozen
class BrokenRule(Verifier):
    change: object
    names = ("sum",)

    def violations(self, tokens, answers):
        return self.change(SumRule().violations(tokens, answers))


def broken_rules(name, change):
    return BrokenRule(lambda found: attrs.evolve(found, **{name: change(getattr(found, name))}))


@pytest.mark.parametrize(
    ("stop", "says"),
    [
        (BrokenStop(boom), "the stop rule failed on puzzle key KEY.*: BrokenStop.done failed: ValueError: boom"),
        (BrokenStop(lambda verdict: None), "BrokenStop.done failed: done returned a NoneType; expected a Verdict"),
        (BrokenStop(lambda verdict: attrs.evolve(verdict, wins=verdict.wins[:1])), r"done \(wins\).*bool \[3\]"),
        (BrokenStop(lambda verdict: attrs.evolve(verdict, lane=verdict.lane.float())), r"done \(lane\).*torch.float32"),
        (Halted() | BrokenStop(boom), "KEY.*Either.done failed: BrokenStop.done failed: ValueError: boom"),
        (Verified(BrokenRule(boom)), "KEY.*: Verified.done failed: BrokenRule.valid failed: ValueError: boom"),
        (
            Verified(broken_rules("rules", lambda x: x[:, :0])),
            r"BrokenRule.violations returned rules of shape \(3, 0\)",
        ),
    ],
)
def test_a_fault_of_a_stop_rule_is_named(stop, says):
    tokens = random_tokens(3, 4)
    assert_named(lambda: search(stop=stop)(tokens), search()(tokens), says)


@attrs.frozen
class BrokenSelector(Selector):
    change: object

    def score(self, candidates):
        return self.change(candidates.q)


def nan_at(row, rollout):
    def change(scores):
        scores = scores.clone()
        scores[row, rollout] = torch.nan
        return scores

    return change


SELECTOR_FAULTS = [
    (BrokenSelector(boom), "BrokenSelector.score failed on puzzle key KEY.*: ValueError: boom"),
    (BrokenSelector(lambda q: q[:, 0]), r"BrokenSelector.score returned torch.float32 \[3\]; expected .* \[3, 4\]"),
    (BrokenSelector(lambda q: q > 0), "BrokenSelector.score returned torch.bool"),
    (BrokenSelector(lambda q: None), "BrokenSelector.score returned a NoneType"),
    (BrokenSelector(nan_at(1, 2)), "BrokenSelector.score is NaN on puzzle key KEY, rollout 2"),
    (QSelector().then(BrokenSelector(lambda q: q[0])), r"KEY.*BrokenSelector.score returned torch.float32 \[4\]"),
    (BrokenSelector(nan_at(1, 2)).then(QSelector()), "Then.score is NaN on puzzle key KEY, rollout 2"),
    (
        VerifierSelector(BrokenRule(boom)),
        "VerifierSelector.score failed.*KEY.*BrokenRule.valid failed: ValueError: boom",
    ),
]


@pytest.mark.parametrize(("selector", "says"), SELECTOR_FAULTS)
def test_a_fault_of_the_selector_is_named(selector, says):
    good = search(lanes=12)(random_tokens(3, 5))
    assert_named(lambda: search(selector=selector, lanes=12)(good.tokens), good, says)
    assert_named(lambda: good.select(selector), good, says)


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
        got.extend(search(Poisoned(tokens[19]), stop=stop).stream(tokens))
    assert 10 <= len(got) < 20
    for position, result in got:
        assert_same(result, whole, [position])


# Interruption


class Interrupted(Wanderer):
    """Ctrl-C comes in the given step of a block."""

    def __init__(self, at):
        super().__init__()
        self.left = at

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
        search(Interrupted(20), stop=stop)(tokens)
    assert isinstance(caught.value, KeyboardInterrupt)
    position, result = caught.value.position, caught.value.result
    assert 0 < len(position) < 20
    assert position.tolist() == sorted(position.tolist())
    assert_same(result, whole, position)
    assert torch.is_grad_enabled()


def test_a_search_interrupted_at_once_has_no_result():
    with pytest.raises(SearchInterrupted, match="with 0 puzzles") as caught:
        search(Interrupted(1))(random_tokens(3, 8))
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
    with pytest.warns(RuntimeWarning, match="out of memory: going on with 16 lanes in flight") as warned:
        result = search(model, **plan)(tokens)
    assert len(warned) == 1
    assert model.flight == 8
    assert_same(result, undisturbed)
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

    with pytest.warns(RuntimeWarning, match="going on with 16 lanes"):
        assert_same(search(BrokenModel("encode", encode), lanes=32)(tokens), undisturbed)
    assert failing == []


@pytest.mark.parametrize(("more", "fewest"), [({}, 4), ({"stop": Verified(), "k": 9, "waves": (1, 7)}, 8)])
def test_out_of_memory_at_the_fewest_lanes_is_an_error(more, fewest):
    failing = search(Hungry(0), **({"lanes": 32} | more))
    says = rf"with {fewest} lanes in flight, the fewest.*narrower waves="
    with pytest.warns(RuntimeWarning, match="out of memory"), pytest.raises(RolloutError, match=says):
        failing(random_tokens(12, 11))


# Streams


@pytest.mark.parametrize("stop", STOPS)
def test_a_stream_yields_what_a_call_returns(stop):
    tokens, model = random_tokens(20, 12, repeat=0.2), Wanderer()
    whole = search(model, stop=stop, record=("answers",))(tokens)
    got = list(search(model, stop=stop, record=("answers",)).stream(tokens))
    assert sorted(position for position, _ in got) == list(range(20))
    for position, result in got:
        assert_same(result, whole, [position])
        assert torch.equal(result.rollouts.record["answers"], whole.rollouts.record["answers"][[position]])
        assert result.cost.lane_steps == result.rollouts.steps.sum()
    total = sum((result.cost for _, result in got[1:]), start=got[0][1].cost)
    assert (total.lane_steps, total.lane_steps_run) == (whole.cost.lane_steps, whole.cost.lane_steps_run)
    assert total.flops == whole.cost.flops


@pytest.mark.parametrize(("stop", "most"), [(None, 3), (Halted(), 8), (Verified(), 8)])
def test_few_puzzles_are_open_at_a_time(stop, most):
    """As many as lanes under a rule, else lanes / K and one more."""
    model, tokens, done = Wanderer(), random_tokens(50, 13), 0
    for _ in search(model, stop=stop).stream(tokens):
        assert len(torch.cat(model.embedded).unique(dim=0)) <= done + most
        done += 1
    assert done == 50


def test_no_more_slots_than_puzzles():
    """What is recorded is kept for every slot, so that one puzzle takes the room of one."""
    from tts.engine import Engine, Plan
    from tts.scheduler import wave_ends
    from tts.source import Source

    model = Wanderer()
    plan = Plan(model, NOISE, Verified(), 64, 4, wave_ends(64), True, ("y",), 0, torch.device("cpu"))
    engine = Engine(plan, 64, Source(CODEC, random_tokens(1), None, None))
    with torch.no_grad():
        list(engine.run())
    assert engine.record.kept["y"].shape == (1, 64, 4, 7, 3)


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
    """Also where lanes are moved together or filled anew."""
    model = Wanderer(block=2).to(device)
    search(model, Clock(), stop=stop, lanes=16, k=5, depth=4)(random_tokens(20, 15))


def test_no_warning_without_cause():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search(strategy=Identity())(random_tokens(3, 16))
