"""Calibration: how well scores tell right rollouts from wrong ones."""

from __future__ import annotations

import attrs
import numpy as np
from jaxtyping import Bool, Float64, Int64

from tts._util.arrays import Bools, Floats, Ints, Numbers, as_array, as_bools, as_floats


@attrs.frozen(eq=False)
class Reliability:
    """Predicted against observed correctness in bins of equal width over [0, 1].

    Attributes:
        edges: the borders of the bins.
        count: rollouts in each bin.
        confidence: the mean prediction; NaN where a bin is empty.
        accuracy: the share that is correct; NaN where a bin is empty.
    """

    edges: Float64[Floats, " bins+1"]
    count: Int64[Ints, " bins"]
    confidence: Float64[Floats, " bins"]
    accuracy: Float64[Floats, " bins"]


def reliability(q: Numbers, correct: Numbers, *, bins: int = 10) -> Reliability:
    """Return the reliability table of Q, whose sigmoid is the model's own chance to be correct.

    Args:
        q: halt logits, any shape.
        correct: bool, the same shape.
        bins: how many.

    Source: Guo et al., "On calibration of modern neural networks" (arXiv 1706.04599), section 2.
    """
    logits, right = _pairs("q", q, correct)
    if bins < 1:
        raise ValueError(f"bins is {bins}; pass at least 1")
    chance = np.exp(-np.logaddexp(0, -logits))
    index = np.minimum((chance * bins).astype(np.int64), bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(index, weights=chance, minlength=bins) / count
        accuracy = np.bincount(index, weights=right, minlength=bins) / count
    return Reliability(np.linspace(0, 1, bins + 1), count, confidence, accuracy)


def expected_calibration_error(q: Numbers, correct: Numbers, *, bins: int = 10) -> float:
    """Return the mean distance of confidence and accuracy over the bins of ``reliability``, weighted by their counts.

    Source: Guo et al. (arXiv 1706.04599), equation 3.
    """
    table = reliability(q, correct, bins=bins)
    used = table.count > 0
    gaps = np.abs(table.accuracy - table.confidence)[used]
    return float(gaps @ table.count[used] / table.count.sum())


def auroc(scores: Numbers, correct: Numbers) -> float:
    """Return the chance that a correct rollout scores above a wrong one, ties counted half; NaN without both kinds.

    Args:
        scores: any shape, higher is better.
        correct: bool, the same shape.
    """
    score, right = _pairs("scores", scores, correct)
    _, index, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[index.ravel()]  # from 1, ties share theirs
    good, bad = int(right.sum()), int((~right).sum())
    if not good or not bad:
        return float("nan")
    return float((rank[right].sum() - good * (good + 1) / 2) / (good * bad))


def _pairs(name: str, values: Numbers, correct: Numbers) -> tuple[Float64[Floats, " N"], Bool[Bools, " N"]]:
    """Return values and marks of the same shape, flattened."""
    first, second = as_array(values), as_array(correct)
    if first.shape != second.shape:
        raise ValueError(f"{name} has shape {list(first.shape)} and correct {list(second.shape)}; pass the same shape")
    return as_floats(name, first.ravel(), "N"), as_bools("correct", second.ravel(), "N")
