"""Metrics against brute force over all subsets, the laws they obey, and the input they refuse."""

import math
from itertools import combinations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tts.metrics import best_at_k, mode_at_k, pass_at_k, verifier_gap

EXACT = {"rtol": 0, "atol": 1e-12}


@st.composite
def rollouts(draw, most=7):
    """Correct [B, K], scores [B, K] with ties, answers [B, K, 2] of which equal ones are equally correct."""
    shape = draw(st.integers(1, 4)), draw(st.integers(1, most))
    kinds = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 4)))
    right = draw(hnp.arrays(np.bool_, 5))
    scores = draw(hnp.arrays(np.int64, shape, elements=st.integers(-2, 2))) / 3
    return right[kinds], scores, np.stack([kinds // 2, kinds % 2], axis=2)


def brute(of_subset, b, rollouts):
    """The mean over all k-subsets of what one is worth: [B, K]."""
    every = range(1, rollouts + 1)
    return np.array(
        [[np.mean([of_subset(row, list(s)) for s in combinations(range(rollouts), k)]) for k in every] for row in b]
    )


@given(case=rollouts())
@settings(deadline=None)
def test_pass_at_k_is_the_mean_over_all_subsets(case):
    correct, _, _ = case
    expected = brute(lambda row, subset: row[subset].any(), correct, correct.shape[1])
    np.testing.assert_allclose(pass_at_k(correct, samples=10).per_puzzle, expected, **EXACT)


@given(case=rollouts())
@settings(deadline=None)
def test_best_at_k_is_the_mean_over_all_subsets(case):
    correct, scores, _ = case

    def best(row, subset):
        right, score = row[0][subset], row[1][subset]
        return right[score == score.max()].mean()

    expected = brute(best, list(zip(correct, scores, strict=True)), correct.shape[1])
    np.testing.assert_allclose(best_at_k(correct, scores, samples=10).per_puzzle, expected, **EXACT)


@given(case=rollouts())
@settings(deadline=None)
def test_mode_at_k_is_the_mean_over_all_subsets(case):
    correct, _, answers = case

    def mode(row, subset):
        votes = {}
        for index in subset:
            votes.setdefault(tuple(row[1][index]), []).append(row[0][index])
        most = max(map(len, votes.values()))
        return np.mean([marks[0] for marks in votes.values() if len(marks) == most])

    expected = brute(mode, list(zip(correct, answers, strict=True)), correct.shape[1])
    np.testing.assert_allclose(mode_at_k(correct, answers, samples=10).per_puzzle, expected, **EXACT)


def test_mode_at_k_of_many_rollouts_agrees_with_sampled_subsets():
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(70), [40, 38, 12, 3, *[1] * 3, *[2] * 2, *[0] * 61])[None]
    kinds = np.concatenate([kinds, rng.integers(1, 60, (1, 100))])
    kinds[1, :3] = 0
    curve = mode_at_k(kinds == 0, kinds[..., None], samples=10)
    for puzzle, k in [(0, 2), (0, 10), (0, 51), (0, 99), (1, 3), (1, 20), (1, 70)]:
        wins = []
        for _ in range(4000):
            votes = np.bincount(rng.permutation(kinds[puzzle])[:k])
            wins.append((votes[0] == votes.max()) / (votes == votes.max()).sum())
        assert abs(curve.per_puzzle[puzzle, k - 1] - np.mean(wins)) < 5 * np.std(wins) / math.sqrt(4000) + 1e-9


def test_mode_at_k_is_accurate_for_a_thousand_rollouts():
    kinds = np.repeat([0, 1], [600, 400])[None]
    curve = mode_at_k(kinds == 0, kinds[..., None], samples=10)
    for k in (1, 2, 101, 500, 1000):
        ahead = scipy.stats.hypergeom(1000, 600, k)
        expected = ahead.sf(k // 2) + ahead.pmf(k / 2) / 2
        assert curve.per_puzzle[0, k - 1] == pytest.approx(expected, abs=1e-9)


def test_answers_that_all_tie_share_the_win():
    kinds = np.arange(200)[None]
    np.testing.assert_allclose(mode_at_k(kinds < 2, kinds[..., None], samples=10).per_puzzle, 0.01, **EXACT)


@given(case=rollouts(most=12))
@settings(deadline=None)
def test_laws_of_the_curves(case):
    correct, scores, answers = case
    passed, best = pass_at_k(correct, samples=50), best_at_k(correct, scores, samples=50)
    mode, gap = mode_at_k(correct, answers, samples=50), verifier_gap(correct, scores, samples=50)
    assert (np.diff(passed.per_puzzle, axis=1) >= -1e-12).all()
    assert np.array_equal(passed.per_puzzle[:, -1], correct.any(axis=1))
    for curve in (passed, best, mode):
        np.testing.assert_allclose(curve.per_puzzle[:, 0], correct.mean(axis=1), **EXACT)
        assert (curve.per_puzzle <= passed.per_puzzle + 1e-12).all()
    for curve in (passed, best, mode, gap):
        assert curve.k.tolist() == list(range(1, correct.shape[1] + 1))
        np.testing.assert_allclose(curve.mean, curve.per_puzzle.mean(axis=0), **EXACT)
        assert ((curve.low >= 0) & (curve.high <= 1) & (curve.low <= curve.high)).all()
    np.testing.assert_allclose(gap.per_puzzle, passed.per_puzzle - best.per_puzzle, **EXACT)


@given(case=rollouts(most=10), seed=st.integers(0, 100))
@settings(deadline=None)
def test_the_order_of_rollouts_does_not_matter(case, seed):
    correct, scores, answers = case
    order = np.random.default_rng(seed).permutation(correct.shape[1])
    pairs = [
        (pass_at_k(correct, samples=10), pass_at_k(correct[:, order], samples=10)),
        (best_at_k(correct, scores, samples=10), best_at_k(correct[:, order], scores[:, order], samples=10)),
        (mode_at_k(correct, answers, samples=10), mode_at_k(correct[:, order], answers[:, order], samples=10)),
    ]
    for first, second in pairs:
        np.testing.assert_allclose(first.per_puzzle, second.per_puzzle, **EXACT)


@given(case=rollouts())
@settings(deadline=None)
def test_scores_that_know_the_truth_reach_pass_at_k(case):
    correct, _, _ = case
    np.testing.assert_allclose(
        best_at_k(correct, correct * 1.0, samples=10).per_puzzle, pass_at_k(correct, samples=10).per_puzzle, **EXACT
    )
    assert np.allclose(verifier_gap(correct, correct * 1.0, samples=10).mean, 0)


def test_curves_carry_the_interval_of_their_puzzles():
    correct = np.random.default_rng(3).random((60, 8)) < 0.5
    scores = np.random.default_rng(4).normal(size=(60, 8))
    curve = best_at_k(correct, scores, samples=4000)
    inside = curve.per_puzzle[:, 3]
    reach = 1.96 * inside.std() / math.sqrt(60)
    assert curve.low[3] == pytest.approx(inside.mean() - reach, abs=0.01)
    assert curve.high[3] == pytest.approx(inside.mean() + reach, abs=0.01)


def test_curves_repeat_by_seed():
    correct = np.random.default_rng(3).random((20, 5)) < 0.5
    assert np.array_equal(pass_at_k(correct, seed=1).low, pass_at_k(correct, seed=1).low)
    assert not np.array_equal(pass_at_k(correct, seed=1).low, pass_at_k(correct, seed=2).low)


def test_tensors_on_any_device_are_taken(device):
    correct = torch.tensor([[True, False, False], [False, True, True]], device=device)
    scores = torch.tensor([[0.5, 1.5, 1.5], [0.0, 2.0, 1.0]], device=device)
    answers = torch.tensor([[[1], [2], [2]], [[3], [1], [1]]], device=device)
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        assert best_at_k(correct, scores.to(dtype)).per_puzzle[:, 2].tolist() == [0, 1]
    for dtype in (torch.uint8, torch.int32, torch.int64):
        np.testing.assert_allclose(mode_at_k(correct, answers.to(dtype)).per_puzzle[:, 1], [1 / 3, 2 / 3])
    assert pass_at_k(correct).per_puzzle[:, 2].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pass_at_k([True, False]), r"correct has shape \[2\]; expected \[B, K\]"),
        (lambda: pass_at_k(np.ones((0, 3), bool)), r"correct has shape \[0, 3\]"),
        (lambda: pass_at_k([[0.5, 1]]), "correct holds 0.5; pass bool"),
        (
            lambda: best_at_k([[True, True]], [[0.0, -math.inf]]),
            r"scores\[0, 1\] is -inf: every rollout needs a finite",
        ),
        (lambda: best_at_k([[True, True]], [[0.0, math.nan]]), r"scores\[0, 1\] is nan"),
        (lambda: best_at_k([[True, True]], [[0.0]]), r"correct has shape \[1, 2\] and scores \[1, 1\]"),
        (lambda: mode_at_k([[True, True]], [[[1]]]), r"answers has shape \[1, 1, 1\]; expected \[1, 2, L\]"),
        (lambda: mode_at_k([[True, False]], [[[1], [1]]]), "marked both right and wrong"),
        (lambda: mode_at_k(np.ones((1, 1001), bool), np.ones((1, 1001, 1))), "at most 1000"),
    ],
)
def test_input_that_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
