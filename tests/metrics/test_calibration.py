"""Calibration of Q against definitions worked out one rollout at a time."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.metrics import auroc, expected_calibration_error, reliability

SCORED = st.lists(st.tuples(st.integers(-6, 6).map(lambda n: n / 2), st.booleans()), min_size=1, max_size=40)


def columns(scored):
    scores, correct = zip(*scored, strict=True)
    return np.array(scores), np.array(correct)


@given(scored=SCORED)
@settings(deadline=None)
def test_auroc_counts_pairs_and_ties_half(scored):
    scores, correct = columns(scored)
    pairs = [(good > bad) + (good == bad) / 2 for good in scores[correct] for bad in scores[~correct]]
    assert auroc(scores, correct) == pytest.approx(np.mean(pairs) if pairs else math.nan, nan_ok=True)


@given(scored=SCORED, bins=st.integers(1, 12))
@settings(deadline=None)
def test_reliability_puts_every_rollout_into_its_bin(scored, bins):
    q, correct = columns(scored)
    table = reliability(q, correct, bins=bins)
    chance = [1 / (1 + math.exp(-logit)) for logit in q]
    error = 0.0
    for b, (low, high) in enumerate(zip(table.edges[:-1], table.edges[1:], strict=True)):
        inside = [i for i, p in enumerate(chance) if low <= p < high]
        assert table.count[b] == len(inside)
        confidence = np.mean([chance[i] for i in inside]) if inside else math.nan
        accuracy = np.mean([correct[i] for i in inside]) if inside else math.nan
        assert table.confidence[b] == pytest.approx(confidence, nan_ok=True)
        assert table.accuracy[b] == pytest.approx(accuracy, nan_ok=True)
        error += len(inside) * abs(confidence - accuracy) if inside else 0
    assert expected_calibration_error(q, correct, bins=bins) == pytest.approx(error / len(q))


def test_calibrated_logits_have_a_small_error_and_overconfident_ones_a_large_one():
    rng = np.random.default_rng(0)
    q = rng.normal(size=(400, 50))
    correct = rng.random((400, 50)) < 1 / (1 + np.exp(-q))
    assert expected_calibration_error(q, correct) < 0.02
    assert expected_calibration_error(5 * q, correct) > 0.15


def test_extreme_logits_fall_into_the_outer_bins():
    table = reliability(torch.tensor([[-2000.0, 2000.0]]), torch.tensor([[False, True]]))
    assert table.count.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert expected_calibration_error([-2000.0, 2000.0], [False, True]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reliability([0.0], [True], bins=0), "bins is 0"),
        (lambda: reliability([0.0], [True, False]), r"q has shape \[1\] and correct \[2\]"),
        (lambda: auroc([math.nan], [True]), r"scores\[0\] is nan"),
        (lambda: auroc([1.0], [2]), "correct holds 2"),
    ],
)
def test_input_that_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
