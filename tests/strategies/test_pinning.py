"""Puzzles that are rewritten between waves: what is written, who sees it, and what stays the puzzle itself."""

from functools import partial

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import CELLS, VOCABULARY, Wanderer, assert_equal, random_tokens
from support.searches import search as default_search

from tts import Budget, Chain, FirstHalted, GaussianNoise, Halted, RolloutError, TTSError, Verified
from tts.interfaces import RewritingStrategy
from tts.strategies import GuidedParticles, Pinning, SymmetricViews

NOISE = GaussianNoise(0.1, ("y", "z"))
PINNING = Pinning(NOISE, threshold=-3.0)


def puzzles(b, seed=0):
    """int64 [B, L], half of the cells blank."""
    tokens = random_tokens(b, seed)
    return torch.where(random_tokens(b, seed + 1) % 2 == 0, 1, tokens)


search = partial(default_search, k=6, depth=3)


# What is written


def rewritten(answers, q, tokens=(1, 1, 3, 1), **change):
    strategy = attrs.evolve(Pinning(), **change)
    return strategy.rewrite(torch.tensor([tokens]), torch.tensor([answers]), torch.tensor([q]))[0].tolist()


@pytest.mark.parametrize(
    ("q", "pinned"),
    [
        ([2.0, 2.0, 2.0], [2, 1, 3, 1]),  # all agree on the first cell alone, and the third is a clue
        ([2.0, 2.0, -1.0], [2, 4, 3, 1]),
        ([-1.0, 2.0, 2.0], [2, 1, 3, 5]),
        ([-1.0, 2.0, -1.0], [1, 1, 3, 1]),  # one alone is no agreement
        ([0.0, 0.0, -1.0], [1, 1, 3, 1]),
        ([2.0, 2.0, -torch.inf], [2, 4, 3, 1]),
    ],
)
def test_confident_rollouts_pin_the_blank_cells_they_agree_on(q, pinned):
    answers = [[2, 4, 6, 3], [2, 4, 6, 5], [2, 2, 6, 5]]
    assert rewritten(answers, q) == pinned


def test_how_many_must_agree_and_what_is_blank():
    answers, q = [[2, 4, 6, 3], [2, 4, 6, 3]], [2.0, 2.0]
    assert rewritten(answers, q, least=3) == [1, 1, 3, 1]
    assert rewritten(answers, q, blank=3) == [1, 1, 6, 1]
    assert rewritten(answers[:1], q[:1], least=1) == [2, 4, 3, 3]
    assert rewritten(answers, [2.0, 0.4], threshold=0.5) == [1, 1, 3, 1]


# The engine


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_results_do_not_depend_on_lanes_or_order(data):
    b, k, depth = (data.draw(st.integers(1, most)) for most in (6, 9, 4))
    stop = data.draw(st.sampled_from([None, Halted(), Verified(), FirstHalted(2), Budget(9)]))
    waves = data.draw(st.none() | st.just((2,)) | st.just((3, 1)))
    order = torch.tensor(data.draw(st.permutations(range(b))))
    tokens, seed = puzzles(b, data.draw(st.integers(0, 99))), data.draw(st.integers(0, 99))

    def run(some, lanes):
        return search(PINNING, k=k, depth=depth, stop=stop, waves=waves, lanes=lanes, record=("q",))(some, seed=seed)

    assert_equal(run(tokens[order], 1), run(tokens, 256), order)


def test_a_wave_sees_what_the_waves_before_agreed_on(device):
    """Its rollouts are those of a search of the rewritten puzzle, under the puzzle's own key and their own numbers."""
    tokens, model = puzzles(12, 2), Wanderer().to(device)
    result = search(PINNING, k=6, model=model, waves=(2,))(tokens)
    plain = search(NOISE, k=6, model=model)(tokens).rollouts
    rollouts, changed = result.rollouts, 0
    assert torch.equal(rollouts.q[:, :2], plain.q[:, :2])
    for first in (2, 4):
        q = rollouts.q.masked_fill(torch.arange(6) >= first, -torch.inf)
        shown = PINNING.rewrite(tokens, rollouts.answers.long(), q)
        changed += int((shown != tokens).sum())
        there = search(NOISE, k=6, model=model)(shown, keys=result.keys).rollouts
        for name in ("q", "answers", "residual"):
            wave = slice(first, first + 2)
            assert torch.equal(getattr(rollouts, name)[:, wave], getattr(there, name)[:, wave])
    assert changed
    assert not torch.equal(rollouts.q, plain.q)
    assert torch.equal(result.tokens, tokens)


def test_the_inner_strategy_sees_what_is_written():
    seen = {}

    @attrs.frozen
    class Watch(GaussianNoise):
        def perturb(self, view, rng):
            seen.update(zip(rng.rollout.tolist(), view.tokens.clone(), strict=True))
            return super().perturb(view, rng)

    tokens = torch.ones(1, CELLS, dtype=torch.int64)
    answers = search(Pinning(Watch(0.1), threshold=-99.0), k=3, waves=(2, 1))(tokens).rollouts.answers[0].long()
    assert torch.equal(seen[1], tokens[0])
    assert torch.equal(seen[2], torch.where(answers[0] == answers[1], answers[0], 1))
    assert not torch.equal(seen[2], tokens[0])


def test_the_rollouts_of_fewer_are_the_first():
    four, eight = (search(PINNING, k=k)(puzzles(6, 3)).rollouts for k in (4, 8))
    assert torch.equal(four.q, eight.q[:, :4])


def test_rewritten_puzzles_are_embedded_and_counted():
    tokens, model = puzzles(3, 4), Wanderer()
    result = search(Pinning(NOISE, threshold=9e9), k=4, model=model, waves=(1,))(tokens)
    assert result.cost.embedded == 3 * 4
    assert_equal(result, search(NOISE, k=4)(tokens))


class Forgetful(Wanderer):
    """Runs out of memory in the ``when``-th call of a method."""

    def __init__(self, method, when):
        super().__init__()
        self.method, self.left = method, when

    def _count(self, method):
        self.left -= method == self.method
        if method == self.method and self.left == 0:
            raise torch.OutOfMemoryError("stub")

    def encode(self, tokens, ids):
        self._count("encode")
        return super().encode(tokens, ids)

    def step(self, state, encoded):
        self._count("step")
        return super().step(state, encoded)


@pytest.mark.parametrize("when", [3, 4, 5, 6])
@pytest.mark.parametrize("method", ["encode", "step"])
def test_lost_memory_changes_nothing(method, when):
    """Neither in a wave under way nor while the puzzles of the next one are embedded."""
    tokens = puzzles(6, 5)
    with pytest.warns(RuntimeWarning, match="out of memory: continuing"):
        lost = search(PINNING, k=7, model=Forgetful(method, when), lanes=32)(tokens)
    assert_equal(lost, search(PINNING, k=7, lanes=32)(tokens))


def test_pass_at_k_is_refused():
    result = search(PINNING)(puzzles(2))
    with pytest.raises(TTSError, match="defined for exchangeable rollouts"):
        result.pass_at_k(result.answers)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (torch.ones(1, CELLS + 1).long(), r"rewrite returned tokens as torch.int64 \[1, 7\]; expected torch.int64"),
        (torch.ones(1, CELLS), r"rewrite returned tokens as torch.float32"),
        (torch.full((1, CELLS), VOCABULARY), "rewrite returned tokens 7 to 7; the vocabulary is 0 to 6"),
    ],
)
def test_wrong_puzzles_are_named(shown, says):
    @attrs.frozen
    class Wrong(RewritingStrategy):
        def perturb(self, view, rng):
            return view.state

        def rewrite(self, tokens, answers, q):
            return shown

    with pytest.raises(RolloutError, match=r"Wrong.rewrite failed on puzzle key .*" + says):
        search(Wrong())(puzzles(1))


def test_it_stands_outermost():
    for wrap in (GuidedParticles, SymmetricViews, Pinning, lambda inner: Chain(inner)):
        with pytest.raises(TypeError, match=r"cannot hold Pinning, .*; write Pinning\(...\) outermost"):
            wrap(PINNING)
    with pytest.raises(ValueError, match="least must be 1 or more"):
        Pinning(least=0)
