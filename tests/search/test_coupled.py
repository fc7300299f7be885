"""Strategies that couple the rollouts of a puzzle: who continues from whom, what stays its own, what is refused."""

from functools import partial

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import Wanderer, assert_equal, random_tokens
from support.searches import NOISE
from support.searches import search as default_search

from tts import (
    Budget,
    Chain,
    Converged,
    FirstHalted,
    GaussianNoise,
    Halted,
    Identity,
    MajorityVote,
    QSelector,
    RolloutError,
    Search,
    TTSError,
    Verified,
)
from tts.interfaces import CoupledStrategy, Streams
from tts.strategies import CellMajority, FirstHaltedSelector, Grouped, GuidedParticles

PARTICLES = GuidedParticles(NOISE, temperature=0.5, threshold=1.0)
few = settings(max_examples=40, deadline=None, derandomize=True)


search = partial(default_search, k=6)


@attrs.frozen
class Fixed(CoupledStrategy):
    """Every rollout continues from ``parents[rollout]``, with noise of its own."""

    parents: tuple[int, ...]
    seen: list = attrs.field(factory=list)

    def perturb(self, view, rng):
        return NOISE.perturb(view, rng)

    def resample(self, q, step, rng):
        self.seen.append((q.clone(), step.clone(), rng))
        return torch.tensor(self.parents, device=q.device).expand(len(q), -1)


# The engine


@few
@given(st.data())
def test_results_do_not_depend_on_lanes_or_order(data):
    b, k, depth = (data.draw(st.integers(1, most)) for most in (6, 9, 5))
    stop = data.draw(st.sampled_from([None, Verified(), FirstHalted(), Budget(9), Verified() | Budget(12)]))
    order = torch.tensor(data.draw(st.permutations(range(b))))
    tokens, seed = random_tokens(b, data.draw(st.integers(0, 99)), repeat=0.2), data.draw(st.integers(0, 99))

    def run(puzzles, lanes):
        return search(PARTICLES, k=k, depth=depth, stop=stop, lanes=lanes, record=("q",))(puzzles, seed=seed)

    assert_equal(run(tokens[order], 1), run(tokens, 256), order)


def coupled_by_hand(model, tokens, parents, depth, seed):
    """The rollouts of one puzzle under ``Fixed``: q and residual of every step, [K, depth], and the answers [K, L]."""
    k = len(parents)
    keys = search(NOISE)(tokens).keys.expand(k)
    rollout, parents = torch.arange(k), torch.tensor(parents)
    encoded, state, record = model.encode(tokens.expand(k, -1), torch.zeros(k).long()), model.start(k), []
    for step in range(depth):
        if step:
            state = {name: latent[parents] for name, latent in state.items()}
        rng = Streams(seed, keys, rollout, torch.full_like(keys, step))
        before = {name: latent + 0.5 * rng.normal(name, latent.shape[1:]) for name, latent in state.items()}
        state = model.step(before, encoded)
        record.append(model.read(state).q)
    return torch.stack(record, dim=1), model.read(state).logits.argmax(dim=2)


@pytest.mark.parametrize("parents", [(0, 1, 2, 3), (3, 0, 0, 1), (2, 2, 2, 2)])
def test_latents_come_from_the_parent_and_noise_from_the_rollout(parents):
    tokens = random_tokens(1, 3).clamp(min=1)
    rollouts = search(Fixed(parents), k=4, record=("q",))(tokens, seed=5).rollouts
    with torch.no_grad():
        q, answers = coupled_by_hand(Wanderer(block=4), tokens, parents, 4, 5)
    torch.testing.assert_close(rollouts.record["q"][0], q)
    assert torch.equal(rollouts.answers[0].long(), answers)


def test_every_tensor_of_a_lane_comes_from_its_parent():
    """Whatever a strategy or a rule sees of a lane before the step is the parent's; the number is its own."""

    @attrs.frozen
    class Watched(Fixed):
        views: list = attrs.field(factory=list)

        def memory(self, n):
            return {"trace": torch.zeros(n, dtype=torch.int64)}

        def perturb(self, view, rng):
            view.memory["trace"].mul_(10).add_(rng.rollout + 1)
            self.views.append([x.clone() for x in (rng.rollout, view.answers, view.q, view.memory["trace"])])
            return super().perturb(view, rng)

    strategy = Watched((1, 1, 3, 0))
    search(strategy, k=4, depth=3)(random_tokens(1, 4))
    (q, step, _), (rollout, answers, q_seen, trace) = strategy.seen[0], strategy.views[1]
    assert rollout.tolist() == [0, 1, 2, 3]
    assert step.tolist() == [1]
    assert torch.equal(q_seen, q[0, [1, 1, 3, 0]])
    assert torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[0], answers[2])
    assert trace.tolist() == [21, 22, 43, 14]


def test_parents_that_are_the_rollouts_themselves_change_nothing():
    tokens = random_tokens(5, 5)
    assert_equal(search(Fixed(tuple(range(6))))(tokens), search(NOISE)(tokens))


@pytest.mark.parametrize(
    ("parents", "says"),
    [
        (torch.zeros(1, 4), r"resample returned torch.float32 \[1, 4\]; expected torch.int64 \[1, 4\]"),
        (torch.zeros(1, 3).long(), r"torch.int64 \[1, 3\]; expected torch.int64 \[1, 4\]"),
        (torch.tensor([[0, 1, 2, 4]]), "parents 0 to 4; expected 0 to 3"),
        (None, "resample returned a NoneType"),
    ],
)
def test_wrong_parents_are_named(parents, says):
    @attrs.frozen
    class Wrong(Fixed):
        def resample(self, q, step, rng):
            return parents

    with pytest.raises(RolloutError, match=r"Wrong.resample failed on puzzle key .*" + says):
        search(Wrong((0,)), k=4)(random_tokens(1))


@pytest.mark.parametrize("stop", [Halted(), Converged(0.1), FirstHalted(2), Halted() | Budget(9)], ids=repr)
def test_rules_that_stop_rollouts_one_by_one_are_refused(stop):
    with pytest.raises(ValueError, match=r"can stop rollouts one by one, but those of GuidedParticles run together"):
        search(PARTICLES, stop=stop)


def test_waves_are_refused():
    with pytest.raises(ValueError, match="the rollouts of GuidedParticles run together, in one wave"):
        search(PARTICLES, waves=(1, 2))


def test_curves_are_for_exchangeable_rollouts_alone():
    tokens = random_tokens(5, 6)
    for strategy, stop in ((PARTICLES, None), (PARTICLES, Verified()), (NOISE, Verified()), (NOISE, Budget(3))):
        result = search(strategy, stop=stop)(tokens)
        for curve in (result.pass_at_k, result.best_at_k, result.mode_at_k):
            with pytest.raises(TTSError, match="defined for exchangeable rollouts"):
                curve(result.answers)
    result = search(NOISE, stop=Halted())(tokens)
    labels = result.rollouts.answers[:, 1].long()
    right = result.rollouts.correct(labels)
    assert result.pass_at_k(labels).mean[[0, -1]] == pytest.approx([right.float().mean().item(), 1.0])
    chosen = right[torch.arange(5), result.index]
    assert result.best_at_k(labels).mean[-1] == pytest.approx(chosen.float().mean().item())
    assert (result.mode_at_k(labels).mean <= result.pass_at_k(labels).mean + 1e-9).all()
    for selector in (
        MajorityVote(),
        MajorityVote().then(QSelector()),
        CellMajority(),
        Grouped(QSelector(), QSelector(), 2),
    ):
        with pytest.raises(TTSError, match="for a vote take mode_at_k"):
            result.select(selector).best_at_k(labels)
    again = result.select(MajorityVote()).select(FirstHaltedSelector().then(QSelector()))
    assert again.best_at_k(labels).mean[-1] == pytest.approx(right[torch.arange(5), again.index].float().mean().item())


# Guided particles


def draw(q, strategy=PARTICLES, step=1, seed=0):
    p = len(q)
    numbers = torch.arange(p, device=q.device)
    rng = Streams(seed, numbers, torch.zeros_like(numbers), torch.full_like(numbers, step))
    return strategy.resample(q, torch.full_like(numbers, step), rng)


@few
@given(st.integers(1, 12), st.floats(0.1, 5), st.integers(0, 999))
def test_a_rollout_has_its_share_of_children(k, temperature, seed):
    """Systematic resampling: floor(K w) or ceil(K w)."""
    q = torch.from_numpy(np.random.default_rng(seed).normal(size=(50, k))).float()
    parents = draw(q, attrs.evolve(PARTICLES, temperature=temperature), seed=seed)
    share = k * torch.softmax(q.double() / temperature, dim=1)
    children = torch.nn.functional.one_hot(parents, k).sum(dim=1)
    assert (children >= (share - 1e-6).floor()).all()
    assert (children <= (share + 1e-6).ceil()).all()


def test_children_are_in_proportion_on_average():
    q = torch.tensor([[0.0, 1.0, -1.0, 0.5]])
    share = 4 * torch.softmax(q / 0.5, dim=1)[0]
    parents = draw(q.expand(4000, -1))
    mean = torch.nn.functional.one_hot(parents, 4).float().mean(dim=(0, 1)) * 4
    assert (mean - share).abs().max() < 5 * 0.5 / 4000**0.5


def test_particles_are_left_alone_while_enough_of_them_count(device):
    """Weights of 0.5, 0.5, 0, 0 count as two of four."""
    q = torch.tensor([[9.0, 9.0, -99.0, -99.0]], device=device)
    own = torch.arange(4, device=device)[None]
    assert torch.equal(draw(q, attrs.evolve(PARTICLES, threshold=0.49)), own)
    parents = draw(q, attrs.evolve(PARTICLES, threshold=0.51))
    assert sorted(parents[0].tolist()) == [0, 0, 1, 1]
    assert torch.equal(draw(torch.zeros(1, 4, device=device)), own)


def test_particles_are_looked_at_every_few_steps():
    q, strategy = torch.tensor([[9.0, 0, 0, 0]]), attrs.evolve(PARTICLES, every=3)
    moved = [bool((draw(q, strategy, step) != torch.arange(4)).any()) for step in range(1, 8)]
    assert moved == [False, False, True, False, False, True, False]


def test_rollouts_of_one_parent_part_again(device):
    tokens = random_tokens(40, 7)
    model = Wanderer().to(device)
    noise = GaussianNoise(0.02, ("y", "z"))
    guided = Search(model, GuidedParticles(noise, temperature=0.1), QSelector(), k=8, depth=1)
    alone = Search(model, noise, QSelector(), k=8, depth=1)
    assert_equal(guided(tokens), alone(tokens))  # one step leaves nothing to resample
    deeper = attrs.evolve(guided, depth=4)(tokens).rollouts.q
    assert not torch.equal(deeper, attrs.evolve(alone, depth=4)(tokens).rollouts.q)
    assert all(len(row.unique()) == 8 for row in deeper)


def test_what_acts_on_more_than_latents_stands_outermost():
    for wrap in (GuidedParticles, lambda inner: Chain(Identity(), inner)):
        with pytest.raises(TypeError, match=r"cannot hold GuidedParticles, .*; write GuidedParticles\(...\) outermost"):
            wrap(PARTICLES)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inner": 0.1}, "GuidedParticles: inner must be a Strategy; got 0.1"),
        ({"every": 0}, "every must be 1 or more"),
        ({"temperature": 0.0}, "'temperature' must be > 0"),
        ({"threshold": 1.5}, "'threshold' must be <= 1"),
    ],
)
def test_particles_say_what_is_wrong(change, says):
    with pytest.raises((TypeError, ValueError), match=says):
        attrs.evolve(PARTICLES, **change)
