"""Intervals: how far a mean over puzzles can be trusted, and whether two searches differ."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import attrs
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from tts._util.arrays import Floats, Numbers, as_bools, as_floats

_DRAWN = 1 << 22  # bootstrap weights held at once: 32 MB


@attrs.frozen
class Interval:
    """A mean, and the interval around it."""

    mean: float
    low: float
    high: float

    def percent(self, digits: int = 0) -> str:
        """Return mean and interval of a share in percent, as in ``93.3 (70-99)``; ``digits`` are those of the ends."""
        return f"{100 * self.mean:.1f} ({100 * self.low:.{digits}f}-{100 * self.high:.{digits}f})"

    def points(self, digits: int = 0) -> str:
        """Return mean and interval of a difference in percentage points, as in ``+3.3 (-1 to +9)``."""
        return f"{100 * self.mean:+.1f} ({100 * self.low:+.{digits}f} to {100 * self.high:+.{digits}f})"


def bootstrap_means(values: Float64[Floats, "B M"], *, seed: int, samples: int) -> Float64[Floats, "{samples} M"]:
    """Return the means of M columns of values over ``samples`` resamples of the B puzzles.

    Resampling draws how often every distinct row occurs, which is the same and cheaper where rows repeat.
    """
    rng = np.random.default_rng(seed)
    rows, counts = np.unique(values, axis=0, return_counts=True)
    at_once = max(1, _DRAWN // len(rows))
    means = np.empty((samples, values.shape[1]))
    for begin in range(0, samples, at_once):
        part = means[begin : begin + at_once]
        part[:] = rng.multinomial(len(values), counts / len(values), size=len(part)) @ rows
    means /= len(values)
    return means


def bootstrap_interval(values: Numbers, *, seed: int = 0, samples: int = 10_000, level: float = 0.95) -> Interval:
    """Return the mean of values [B] and its percentile bootstrap interval over puzzles.

    It has no width where all values are equal: see ``accuracy_interval`` for accuracies.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    array = as_floats("values", values, "B")
    means = bootstrap_means(array[:, None], seed=seed, samples=samples)[:, 0]
    low, high = np.quantile(means, _tails(level))
    return Interval(float(array.mean()), float(low), float(high))


def wilson_interval(successes: float, n: int, *, level: float = 0.95) -> Interval:
    """Return the share of successes among n and its score interval, which has width even where all or none succeed.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes among {n}: pass 0 <= successes <= n and n >= 1")
    share, square = successes / n, NormalDist().inv_cdf(_tails(level)[1]) ** 2
    centre = (share + square / (2 * n)) / (1 + square / n)
    reach = math.sqrt(square * (share * (1 - share) + square / (4 * n)) / n) / (1 + square / n)
    return Interval(share, max(0.0, min(centre - reach, share)), min(1.0, max(centre + reach, share)))


def accuracy_interval(values: Numbers, *, seed: int = 0, samples: int = 10_000, level: float = 0.95) -> Interval:
    """Return the mean of accuracies [B] in [0, 1] and its interval over puzzles.

    Wilson's where every value is 0 or 1, or all values are equal (the bootstrap would give it no width, and no spread
    in [0, 1] is wider than that of 0 and 1); the percentile bootstrap elsewhere.
    """
    array = as_floats("values", values, "B")
    low, high = accuracy_bounds(array[:, None], seed=seed, samples=samples, level=level)
    return Interval(float(array.mean()), float(low[0]), float(high[0]))


def accuracy_bounds(
    values: Float64[Floats, "B M"], *, seed: int, samples: int, level: float
) -> tuple[Float64[Floats, " M"], Float64[Floats, " M"]]:
    """Return low and high of the ``accuracy_interval`` of every column of values."""
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"accuracies run from {values.min():g} to {values.max():g}; they must lie in [0, 1]")
    low, high = np.quantile(bootstrap_means(values, seed=seed, samples=samples), _tails(level), axis=0)
    flat = ((values == 0) | (values == 1)).all(axis=0) | (values == values[0]).all(axis=0)
    for column in np.flatnonzero(flat):
        wilson = wilson_interval(min(float(values[:, column].sum()), len(values)), len(values), level=level)
        low[column], high[column] = wilson.low, wilson.high
    return low, high


def difference_bounds(
    values: Float64[Floats, "B M"], *, seed: int, samples: int, level: float
) -> tuple[Float64[Floats, " M"], Float64[Floats, " M"]]:
    """Return low and high of the ``paired_difference`` of every column of differences."""
    low, high = np.quantile(bootstrap_means(values, seed=seed, samples=samples), _tails(level), axis=0)
    flat, unseen = (values == values[0]).all(axis=0), wilson_interval(0, len(values), level=level).high
    low[flat] = np.maximum(values[0, flat] - unseen, -1)
    high[flat] = np.minimum(values[0, flat] + unseen, 1)
    return low, high


def paired_difference(a: Numbers, b: Numbers, *, seed: int = 0, samples: int = 10_000, level: float = 0.95) -> Interval:
    """Return how much better a is than b on the same puzzles: mean of a - b, and its percentile bootstrap interval.

    Where the difference is the same on every puzzle, the bootstrap would have no width: there the interval reaches as
    far as the share of puzzles that may differ though none did (Wilson's upper bound for none among B).

    Args:
        a, b: accuracies [B] in [0, 1], or bool.
    """
    first, second = as_floats("a", a, "B"), as_floats("b", b, "B")
    _same_length(first, second)
    both = np.stack([first, second])
    if both.min() < 0 or both.max() > 1:
        raise ValueError(f"accuracies run from {both.min():g} to {both.max():g}; they must lie in [0, 1]")
    gap = first - second
    low, high = difference_bounds(gap[:, None], seed=seed, samples=samples, level=level)
    return Interval(float(gap.mean()), float(low[0]), float(high[0]))


def mcnemar(a: Numbers, b: Numbers) -> float:
    """Return the exact two-sided p-value that a and b, bool [B], are right equally often on the same puzzles.

    Only puzzles that one of them solves count: under the null each is as likely to be either's. 1 where there is none.

    Source: McNemar, Psychometrika 12 (1947), with binomial in place of asymptotic tails.
    """
    first, second = as_bools("a", a, "B"), as_bools("b", b, "B")
    _same_length(first, second)
    only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
    n, term, total = only_a + only_b, 1, 0
    for i in range(min(only_a, only_b) + 1):  # the lower tail of Binomial(n, 1/2), in whole numbers
        total += term
        term = term * (n - i) // (i + 1)
    return min(1.0, 2 * total / (1 << n))


def _same_length(first: NDArray[Any], second: NDArray[Any]) -> None:
    if len(first) != len(second):
        raise ValueError(f"a has {len(first)} puzzles and b {len(second)}; pass both on the same puzzles")


def _tails(level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; pass one between 0 and 1, such as 0.95")
    return (1 - level) / 2, (1 + level) / 2
