"""When rollouts and puzzles stop: every rule against a simulator that knows one puzzle and one lane at a time."""

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import CODEC, IsOne, Reveal, Script, Scripted, SumRule, Wanderer, random_tokens
from support.simulator import picked, rules, simulate, waves_of

from tts import Budget, Converged, FirstHalted, GaussianNoise, Halted, QSelector, Search, Status, StopView, Verified

few = settings(max_examples=120, deadline=None, derandomize=True)


@few
@given(
    rules(),
    st.integers(1, 7),
    st.integers(1, 10),
    st.integers(1, 6),
    st.none() | st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from([1, 6, 256]),
    st.integers(0, 9999),
)
def test_a_search_is_what_the_simulator_says(rule, b, k, depth, sizes, lanes, seed):
    stop, naive = rule
    script = Script.random(b, k, depth, seed)
    search = Search(Scripted(script), Reveal(), QSelector(), k=k, depth=depth, stop=stop, waves=sizes, lanes=lanes)
    result = search(torch.arange(b)[:, None])
    waves = waves_of(k, sizes, stop.ends_puzzles)
    for p in range(b):
        status, steps, last, winner = simulate(script.q[p], script.answer[p], p, naive, waves, depth)
        assert result.rollouts.status[p].tolist() == status
        assert result.rollouts.steps[p].tolist() == steps
        assert result.rollouts.q[p].tolist() == last
        assert result.winner[p] == winner
        assert result.index[p] == picked(status, last, winner)
        for r in range(k):
            expected = script.answer[p, r, steps[r] - 1] if steps[r] else 0
            assert result.rollouts.answers[p, r] == expected
        assert result.answers[p] == result.rollouts.answers[p, result.index[p]]
    assert result.cost.lane_steps == result.rollouts.steps.sum()


# The rules, one fact each


def view(**fields):
    """Two puzzles of two lanes each."""
    two = torch.zeros(4, 3, dtype=torch.int64)
    default = StopView(
        tokens=two,
        answers=two,
        previous=two,
        q=torch.zeros(4),
        halt=torch.zeros(4, dtype=torch.bool),
        residual=torch.zeros(4),
        step=torch.ones(4, dtype=torch.int64),
        puzzle=torch.tensor([0, 0, 2, 2]),
        ended_q=torch.full((3, 2), -torch.inf),
        ended_halt=torch.zeros(3, 2, dtype=torch.bool),
        spent=torch.tensor([2, 2, 2, 2]),
        verifier=SumRule(),
    )
    return attrs.evolve(default, **fields)


def flags(*lanes):
    return torch.tensor([lane in lanes for lane in range(4)])


def test_by_default_the_model_says_when_it_halts():
    """HRM halts where halt exceeds continue, whatever the sign of q."""
    seen = view(q=torch.tensor([1.0, -1.0, 1.0, -1.0]), halt=flags(1, 2))
    assert torch.equal(Halted().done(seen).retire, flags(1, 2))
    assert torch.equal(FirstHalted().done(seen).win, flags(1, 2))
    assert torch.equal(Halted(0.5).done(seen).retire, flags(0, 2))
    assert torch.equal(FirstHalted(threshold=0.5).done(seen).win, flags(0, 2))


def test_first_halted_counts_those_that_fired_before():
    fired = view(halt=flags(0, 2), ended_halt=torch.tensor([[False, False], [True, True], [True, False]]))
    verdict = FirstHalted(2).done(fired)
    assert torch.equal(verdict.retire, flags(0, 2))
    assert torch.equal(verdict.end, flags(2))
    assert not verdict.win.any()


def test_convergence_asks_for_an_unchanged_answer_and_a_small_residual():
    moved = torch.zeros(4, 3, dtype=torch.int64)
    moved[1, 2] = 1
    seen = view(answers=moved, residual=torch.tensor([0.1, 0.1, 0.3, 0.2]))
    assert torch.equal(Converged(0.2).done(seen).retire, flags(0, 3))
    assert torch.equal(Converged(float("inf")).done(seen).retire, flags(0, 2, 3))
    assert not Converged(0.2).done(seen).end.any()


def test_verified_takes_its_own_rules_before_the_models():
    seen = view(answers=torch.tensor([[1, 0, 0], [5, 0, 0], [4, 0, 0], [2, 2, 1]]))
    assert torch.equal(Verified().done(seen).win, flags(1, 3))
    assert torch.equal(Verified(SumRule(4)).done(seen).win, flags(2))


def test_a_budget_ends_puzzles_without_a_winner():
    verdict = Budget(5).done(view(spent=torch.tensor([4, 4, 5, 5])))
    assert torch.equal(verdict.end, flags(2, 3))
    assert not verdict.win.any()
    assert not verdict.retire.any()


def test_a_composition_ends_puzzles_if_a_part_does():
    assert (Halted() | Converged(0.1)).ends_puzzles is False
    assert (Halted() | Verified()).ends_puzzles is True
    assert (Budget(3) | Halted()).ends_puzzles is True


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: FirstHalted(0), "FirstHalted: n must be 1 or more; got 0"),
        (lambda: FirstHalted(1.5), "FirstHalted: n must be a whole number; got 1.5"),
        (lambda: Budget(0), "Budget: lane_steps must be 1 or more"),
        (lambda: Converged(0), "'tol' must be > 0"),
        (lambda: Verified(IsOne), r"Verified: verifier must be a Verifier; got the class itself; write IsOne\("),
        (lambda: Halted() | 3, "Either: second must be a Stop; got 3"),
    ],
)
def test_a_rule_says_what_is_wrong_with_its_arguments(make, says):
    with pytest.raises((TypeError, ValueError), match=says):
        make()


# What rules save


def test_verified_finds_what_the_whole_search_finds(device):
    """At some step of some rollout, that is; and it spends less."""
    model, tokens, noise = Wanderer().to(device), random_tokens(20, 1), GaussianNoise(0.5, ("y", "z"))
    whole = Search(model, noise, QSelector(), k=8, depth=4, record=("answers",))(tokens)
    soon = Search(model, noise, QSelector(), k=8, depth=4, stop=Verified())(tokens)
    valid = whole.rollouts.record["answers"].sum(dim=3) % CODEC.verifier.modulus == 0
    assert torch.equal(soon.valid, valid.any(dim=2).any(dim=1))
    assert torch.equal(soon.winner >= 0, soon.valid)
    assert soon.valid.any()
    assert soon.cost.lane_steps < whole.cost.lane_steps
    steps = torch.where(valid.any(dim=2), valid.to(torch.uint8).argmax(dim=2) + 1, 99)
    for p in (soon.winner >= 0).nonzero()[:, 0]:
        assert soon.rollouts.steps[p, soon.winner[p]] == steps[p, soon.winner[p]]


def test_a_rollout_stops_where_the_whole_search_would_have_halted(device):
    model, tokens, noise = Wanderer().to(device), random_tokens(10, 2), GaussianNoise(0.5)
    q = Search(model, noise, QSelector(), k=6, depth=5, record=("q",))(tokens).rollouts.record["q"]
    soon = Search(model, noise, QSelector(), k=6, depth=5, stop=Halted(1.0))(tokens).rollouts
    fired = q > 1
    expected = torch.where(fired.any(dim=2), fired.to(torch.uint8).argmax(dim=2) + 1, 5)
    assert torch.equal(soon.steps, expected)
    assert torch.equal(soon.status == Status.HALTED, fired.any(dim=2))
    assert torch.equal(soon.q, q.gather(2, expected[:, :, None] - 1)[:, :, 0])


def test_lanes_of_retired_rollouts_are_filled_at_once():
    """One rollout of four goes to full depth, the others halt at once: stragglers leave no lane empty."""
    script = Script.random(64, 4, 8, 0)
    script.q[:] = 1.0
    script.q[:, 0] = -1.0
    search = Search(Scripted(script), Reveal(), QSelector(), k=4, depth=8, stop=Halted(), lanes=16)
    cost = search(torch.arange(64)[:, None]).cost
    assert cost.lane_steps == 64 * (8 + 3)
    assert cost.lane_steps_run <= cost.lane_steps + 8 * 16


def test_the_last_lanes_are_moved_together():
    """One rollout of each block goes to full depth: from the second step on, one block holds all four."""
    script = Script.random(1, 16, 8, 0)
    script.q[:] = 1.0
    script.q[:, ::4] = -1.0
    cost = Search(Scripted(script), Reveal(), QSelector(), k=16, depth=8, stop=Halted())(torch.zeros(1, 1).long()).cost
    assert cost.lane_steps == 4 * 8 + 12
    assert cost.lane_steps_run == 16 + 7 * 4
