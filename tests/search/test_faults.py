"""Faults of models, strategies, rules and selectors: one sentence that names who failed, on which puzzle."""

from functools import partial

import attrs
import pytest
import torch
from support.models import BrokenModel, SumRule, random_tokens
from support.searches import search as default_search

from tts import (
    GaussianNoise,
    Halted,
    QSelector,
    RolloutError,
    Selector,
    Stop,
    Strategy,
    Verdict,
    Verified,
    Verifier,
    VerifierSelector,
)

search = partial(default_search, k=4, depth=3, lanes=8)


def boom(*_):
    raise ValueError("boom")


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
    assert_named(lambda: search(model=BrokenModel(method, change))(tokens), search()(tokens), says)


def test_a_model_must_embed_all_puzzles_alike():
    grown = []
    model = BrokenModel("encode", lambda x: torch.cat([x, *grown], dim=1))
    stream = search(model=model, k=8).stream(random_tokens(9, 2))
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
    return BrokenRule(lambda violations: attrs.evolve(violations, **{name: change(getattr(violations, name))}))


@pytest.mark.parametrize(
    ("stop", "says"),
    [
        (BrokenStop(boom), "the stop rule failed on puzzle key KEY.*: BrokenStop.done failed: ValueError: boom"),
        (BrokenStop(lambda verdict: None), "BrokenStop.done failed: done returned a NoneType; expected a Verdict"),
        (BrokenStop(lambda verdict: attrs.evolve(verdict, win=verdict.win[:1])), r"done \(win\).*bool \[3\]"),
        (
            BrokenStop(lambda verdict: attrs.evolve(verdict, retire=verdict.retire.float())),
            r"done \(retire\).*torch.float32",
        ),
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
