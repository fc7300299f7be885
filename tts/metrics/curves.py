"""Curves: what K rollouts a puzzle are worth, as pass@k, best@k and mode@k for every k at once.

The curves average over all subsets of k among the K rollouts, exactly: they need exchangeable rollouts, so neither a
coupled strategy nor a stop rule that ends a puzzle early.
"""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tts._util.arrays import Bools, Floats, Ints, Numbers, as_array, as_bools, as_floats
from tts.metrics.intervals import accuracy_bounds, difference_bounds

_MOST_ROLLOUTS = 1000  # C(1000, 500) is near the largest float64


@attrs.frozen(eq=False)
class Curve:
    """A metric for k = 1 to K rollouts.

    Attributes:
        k: 1 to K.
        mean: over puzzles.
        low, high: the 95 % interval over puzzles, see ``accuracy_interval``.
        per_puzzle: the expectation over the subsets of k among the K rollouts of each puzzle.
    """

    k: Int64[Ints, " K"]
    mean: Float64[Floats, " K"]
    low: Float64[Floats, " K"]
    high: Float64[Floats, " K"]
    per_puzzle: Float64[Floats, "B K"]


def pass_at_k(correct: Numbers, *, seed: int = 0, samples: int = 2000) -> Curve:
    """Return the chance that at least one of k rollouts is correct: an unbiased estimate, 1 - C(K - c, k) / C(K, k).

    Args:
        correct: bool [B, K].
        seed, samples: of the bootstrap over puzzles.

    Raises:
        ValueError: the shape or a value is not as said.

    Source: Chen et al., "Evaluating large language models trained on code" (arXiv 2107.03374), section 2.1.
    """
    right = as_bools("correct", correct, "B K")
    return _curve(1 - _all_outside(right.shape[1])[right.sum(axis=1)], seed, samples)


def best_at_k(correct: Numbers, scores: Numbers, *, seed: int = 0, samples: int = 2000) -> Curve:
    """Return the chance that the best-scored of k rollouts is correct; with Q for scores, best-Q@k.

    Exact, by sorting: the best of a subset is the rollout of rank r where the subset holds it and none above it. Ties
    are split evenly, as over all orders of the rollouts. (A search takes the lowest index, which for one order of K
    tied rollouts may fall on either side of this mean.)

    Args:
        correct: bool [B, K].
        scores: float [B, K], higher is better.
        seed, samples: of the bootstrap over puzzles.

    Raises:
        ValueError: shapes or values are not as said, or a score is not finite (a rollout that was not eligible).
    """
    return _curve(_best(correct, scores)[1], seed, samples)


def verifier_gap(correct: Numbers, scores: Numbers, *, seed: int = 0, samples: int = 2000) -> Curve:
    """Return what a perfect verifier would add: pass@k - best@k, with the interval of the paired difference.

    Args and errors as ``best_at_k``.
    """
    right, best = _best(correct, scores)
    gap = (1 - _all_outside(right.shape[1])[right.sum(axis=1)] - best).clip(0, 1)  # rounding only
    low, high = difference_bounds(gap, seed=seed, samples=samples, level=0.95)
    return Curve(np.arange(1, gap.shape[1] + 1), gap.mean(axis=0), low.clip(0), high, gap)


def mode_at_k(correct: Numbers, answers: Numbers, *, seed: int = 0, samples: int = 2000) -> Curve:
    """Return the chance that the most frequent whole answer among k rollouts is correct, ties split evenly.

    Exact for every k, from how often each answer occurs among the K: see ``_mode``. At most 1,000 rollouts.

    Args:
        correct: bool [B, K].
        answers: int [B, K, L].
        seed, samples: of the bootstrap over puzzles.

    Raises:
        ValueError: shapes or values are not as said, or equal answers to a puzzle are not equally correct.
    """
    right = as_bools("correct", correct, "B K")
    array = np.ascontiguousarray(as_array(answers))
    if array.ndim != 3 or array.shape[:2] != right.shape or array.shape[2] == 0:
        raise ValueError(f"answers has shape {list(array.shape)}; expected [{right.shape[0]}, {right.shape[1]}, L]")
    if right.shape[1] > _MOST_ROLLOUTS:
        raise ValueError(f"mode@k of {right.shape[1]} rollouts is out of reach; pass at most {_MOST_ROLLOUTS}")
    whole = array.reshape(-1, array.shape[2]).view(np.dtype((np.void, array.dtype.itemsize * array.shape[2])))
    kinds = np.unique(whole.ravel(), return_inverse=True)[1].reshape(right.shape)
    chances = [_mode(*_votes(row, marks)) for row, marks in zip(kinds, right, strict=True)]
    return _curve(np.stack(chances), seed, samples)


def _curve(per_puzzle: Float64[Floats, "B K"], seed: int, samples: int) -> Curve:
    per_puzzle = per_puzzle.clip(0, 1)  # rounding only
    low, high = accuracy_bounds(per_puzzle, seed=seed, samples=samples, level=0.95)
    return Curve(np.arange(1, per_puzzle.shape[1] + 1), per_puzzle.mean(axis=0), low, high, per_puzzle)


def _all_outside(rollouts: int) -> Float64[Floats, "{rollouts}+1 {rollouts}"]:
    """Return the chance C(K - c, k) / C(K, k) that k of K rollouts avoid c of them, in row c, column k - 1."""
    taken = np.arange(rollouts)
    free = (rollouts - np.arange(rollouts + 1)[:, None] - taken).clip(0) / (rollouts - taken)
    return np.cumprod(free, axis=1, dtype=np.float64)


def _best(correct: Numbers, scores: Numbers) -> tuple[Bool[Bools, "B K"], Float64[Floats, "B K"]]:
    """Return correct [B, K] as bool, and best@k of every puzzle."""
    right, score = as_bools("correct", correct, "B K"), as_floats("scores", scores, "B K")
    if right.shape != score.shape:
        raise ValueError(f"correct has shape {list(right.shape)} and scores {list(score.shape)}; pass [B, K] twice")
    order = np.argsort(-score, axis=1, kind="stable")
    score, ranked = np.take_along_axis(score, order, axis=1), np.take_along_axis(right, order, axis=1)
    starts = np.ones(score.shape, dtype=np.bool_)
    starts[:, 1:] = score[:, 1:] != score[:, :-1]
    tied = np.cumsum(starts) - 1  # one number for each run of ties, rows apart
    share = np.bincount(tied, weights=ranked.ravel()) / np.bincount(tied)
    outside = _all_outside(right.shape[1])
    best: Floats = share[tied].reshape(right.shape) @ (outside[:-1] - outside[1:])
    return right, best


def _votes(kinds: Shaped[NDArray[np.intp], " K"], right: Bool[Bools, " K"]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return how often each right answer and each wrong answer occurs among the answers to one puzzle."""
    _, index, votes = np.unique(kinds, return_inverse=True, return_counts=True)
    marks = np.bincount(index, weights=right)
    if ((marks > 0) & (marks < votes)).any():
        raise ValueError("equal answers to one puzzle are marked both right and wrong; compute correct from answers")
    return tuple(np.sort(votes[marks > 0]).tolist()), tuple(np.sort(votes[marks == 0]).tolist())


@lru_cache(maxsize=4096)
def _mode(right: tuple[int, ...], wrong: tuple[int, ...]) -> Float64[Floats, " K"]:
    """Return mode@k of a puzzle from the votes for its right and wrong answers, over all subsets of k votes.

    A right answer wins with j votes where every other has at most j. Subsets are counted by size in the coefficients
    of polynomials, one an answer, cut off after x**j, and multiplied. Where t others have j votes too, the win is
    shared: 1 / (1 + t) is the integral of y**t over [0, 1], so each coefficient of x**j is taken times y, and
    Gauss-Legendre quadrature, exact here, sums over t. Every term is positive: nothing cancels.
    """
    rollouts = sum(right) + sum(wrong)
    ways = _binomials(rollouts)
    wins = np.zeros(rollouts + 1)
    for index, votes in enumerate(right):
        others = right[:index] + right[index + 1 :] + wrong
        for j in range(1, votes + 1):
            wins[j:] += ways[votes, j] * _at_most(others, j, ways)[: rollouts + 1 - j]
    chance: Floats = wins[1:] / ways[rollouts, 1:]
    chance.flags.writeable = False
    return chance


def _at_most(votes: tuple[int, ...], j: int, ways: Float64[Floats, "n n"]) -> Float64[Floats, " n"]:
    """Count the subsets by size that hold at most j votes of each answer, weighted 1 / (1 + answers that hold j)."""
    size, many = len(ways), [n for n in votes if n >= j]
    rest: Floats = ways[sum(votes) - sum(many)]
    if not many:
        return rest
    y, weights = _quadrature(len(many) // 2 + 1)
    subsets = np.tile(rest, (len(y), 1))
    for n in many:
        fewer = np.concatenate([np.zeros(size - 1), ways[n, :j], np.zeros(size - j)])
        product = subsets @ np.ascontiguousarray(sliding_window_view(fewer, size)[::-1])
        product[:, j:] += subsets[:, : size - j] * (y[:, None] * ways[n, j])
        subsets = product
    result: Floats = weights @ subsets
    return result


@lru_cache(maxsize=1024)
def _quadrature(n: int) -> tuple[Float64[Floats, " {n}"], Float64[Floats, " {n}"]]:
    """Return nodes and weights of the Gauss-Legendre rule on [0, 1], exact for polynomials up to degree 2 * n - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2


@lru_cache(maxsize=4)
def _binomials(n: int) -> Float64[Floats, "{n}+1 {n}+1"]:
    """Return Pascal's triangle."""
    rows = np.zeros((n + 1, n + 1))
    rows[:, 0] = 1
    for row in range(1, n + 1):
        rows[row, 1:] = rows[row - 1, 1:] + rows[row - 1, :-1]
    return rows
