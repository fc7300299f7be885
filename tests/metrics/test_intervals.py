"""Intervals and paired tests against closed forms, scipy and their coverage."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.metrics import accuracy_interval, bootstrap_interval, mcnemar, paired_difference, wilson_interval

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(n=st.integers(1, 400), data=st.data(), level=st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None)
def test_wilson_is_the_score_interval(n, data, level):
    successes = data.draw(st.integers(0, n))
    interval = wilson_interval(successes, n, level=level)
    expected = scipy.stats.binomtest(successes, n).proportion_ci(level, "wilson")
    assert interval.mean == successes / n
    assert interval.low == pytest.approx(expected.low, abs=1e-12)
    assert interval.high == pytest.approx(expected.high, abs=1e-12)


@given(pairs=PAIRS)
@settings(deadline=None)
def test_mcnemar_is_the_binomial_test_of_the_puzzles_that_differ(pairs):
    a, b = np.array(pairs).T
    p = mcnemar(a, b)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b:
        assert p == pytest.approx(scipy.stats.binomtest(only_a, only_a + only_b).pvalue)
    else:
        assert p == 1
    assert mcnemar(b, a) == p


def test_mcnemar_of_many_puzzles():
    a = np.arange(10_000) < 5200
    expected = scipy.stats.binomtest(5200, 10_000).pvalue
    assert mcnemar(a, ~a) == pytest.approx(expected, rel=1e-9)


def test_bootstrap_is_near_the_normal_interval_of_many_values():
    values = np.random.default_rng(0).normal(3, 2, 2000)
    interval = bootstrap_interval(values)
    reach = 1.96 * values.std() / math.sqrt(2000)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - reach, abs=reach / 10)
    assert interval.high == pytest.approx(values.mean() + reach, abs=reach / 10)


def test_bootstrap_resamples_as_the_definition_says():
    values = np.array([0.0, 0.0, 0.25, 1.0, 1.0, 1.0, 0.5])
    interval = bootstrap_interval(values, samples=40_000)
    drawn = np.random.default_rng(7).choice(values, (40_000, 7)).mean(axis=1)
    assert interval.low == pytest.approx(np.quantile(drawn, 0.025), abs=0.02)
    assert interval.high == pytest.approx(np.quantile(drawn, 0.975), abs=0.02)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_accuracy_intervals_cover_the_truth_as_often_as_they_say(share):
    rng = np.random.default_rng(0)
    intervals = [accuracy_interval(rng.random(100) < share, samples=10) for _ in range(400)]
    covered = np.mean([interval.low <= share <= interval.high for interval in intervals])
    assert covered > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 400)


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=30), seed=st.integers(0, 5))
@settings(deadline=None)
def test_accuracy_intervals_hold_their_mean_and_stay_in_range(values, seed):
    interval = accuracy_interval(values, seed=seed, samples=500)
    assert 0 <= interval.low <= interval.high <= 1
    if len(set(values)) == 1:
        assert interval.low <= interval.mean <= interval.high
        assert interval.high - interval.low > 0.05


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_accuracies_that_all_agree_still_have_an_interval(value):
    interval, wilson = accuracy_interval([value] * 20), wilson_interval(20 * value, 20)
    assert (interval.low, interval.high) == (wilson.low, wilson.high)


def test_zero_and_one_take_wilson_and_fractions_the_bootstrap():
    marks = [1.0] * 15 + [0.0] * 5
    assert accuracy_interval(marks) == wilson_interval(15, 20)
    assert accuracy_interval([*marks, 0.5]) == bootstrap_interval([*marks, 0.5])


@given(pairs=PAIRS)
@settings(deadline=None)
def test_a_difference_turns_its_sign_with_its_order(pairs):
    a, b = np.array(pairs).T
    forth, back = paired_difference(a, b, samples=20_000), paired_difference(b, a, samples=20_000)
    assert forth.mean == pytest.approx(-back.mean)
    assert forth.low == pytest.approx(-back.high, abs=1 / len(pairs) + 0.01)  # one step of the mean, and sampling
    assert -1 <= forth.low <= forth.high <= 1


def test_a_difference_uses_the_pairing():
    rng = np.random.default_rng(0)
    easy = rng.random(300) < 0.5
    slightly_better = easy | (rng.random(300) < 0.04)
    gap = paired_difference(slightly_better, easy)
    assert 0 < gap.low < gap.mean < gap.high < 0.06


def test_no_difference_seen_is_not_no_difference():
    gap = paired_difference([True] * 30, [True] * 30)
    assert gap.mean == 0
    assert gap.high == -gap.low == pytest.approx(wilson_interval(0, 30).high)
    assert paired_difference([True] * 30, [False] * 30).high == 1


def test_intervals_repeat_by_seed():
    values = np.random.default_rng(0).random(50)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_no_global_generator_is_read_or_written():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    bootstrap_interval([0.0, 0.5, 1.0])
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson_interval(3, 2), "3 successes among 2"),
        (lambda: wilson_interval(0, 0), "n >= 1"),
        (lambda: wilson_interval(1, 2, level=95), "level is 95"),
        (lambda: bootstrap_interval([]), r"values has shape \[0\]"),
        (lambda: accuracy_interval([0.5, 1.5]), r"must lie in \[0, 1\]"),
        (lambda: paired_difference([1, 2], [0, 0]), r"must lie in \[0, 1\]"),
        (lambda: paired_difference([1], [0, 0]), "a has 1 puzzles and b 2"),
        (lambda: mcnemar([True], [True, False]), "a has 1 puzzles and b 2"),
        (lambda: mcnemar([0.3], [True]), "a holds 0.3"),
    ],
)
def test_input_that_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
