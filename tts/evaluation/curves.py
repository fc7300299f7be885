"""Accuracy against k and against lane-steps, from the rollouts of one search."""

from __future__ import annotations

import attrs
import numpy as np
from torch import Tensor

from tts._util.arrays import Floats
from tts.errors import TTSError
from tts.interfaces import rank
from tts.metrics import Curve, best_at_k, mode_at_k, pass_at_k
from tts.search import Result


@attrs.frozen(eq=False)
class CostCurve:
    """A metric for k = 1 to K rollouts, and what they cost.

    Attributes:
        lane_steps: float64 [K], supervision steps a puzzle that k of its rollouts take in the mean.
        curve: the metric.
    """

    lane_steps: Floats
    curve: Curve


def rollout_curves(
    result: Result, labels: Tensor, *, ignore: int = 0, seed: int = 0, samples: int = 2000
) -> dict[str, Curve]:
    """Return ``pass@k``, ``verified@k`` (where rules are known; by Q among several), ``best-Q@k`` and ``mode@k``.

    Each is the mean over all subsets of k among the K rollouts of a puzzle, as in ``tts.metrics``.

    Args:
        result: of a search of B puzzles.
        labels: int [B, L]; cells whose label is ``ignore`` may hold anything.
        seed, samples: of the bootstrap over puzzles.

    Raises:
        TTSError: the rollouts are not exchangeable: a strategy couples them, or a rule ends puzzles.
    """
    correct = result.rollouts.correct(labels.to(result.rollouts.answers.device), ignore)
    return curves_of(result, correct, seed=seed, samples=samples)


def curves_of(result: Result, correct: Tensor, *, seed: int = 0, samples: int = 2000) -> dict[str, Curve]:
    """Return ``rollout_curves`` where it is known which rollouts are right, bool [B, K]."""
    _check(result)
    q = result.rollouts.q
    curves = {"pass@k": pass_at_k(correct, seed=seed, samples=samples)}
    if result.verifier is not None:
        k = q.shape[1]
        verified_then_q = result.verified().double() * k + rank(q)
        curves["verified@k"] = best_at_k(correct, verified_then_q, seed=seed, samples=samples)
    curves["best-Q@k"] = best_at_k(correct, q, seed=seed, samples=samples)
    curves["mode@k"] = mode_at_k(correct, result.rollouts.answers, seed=seed, samples=samples)
    return curves


def against_lane_steps(curve: Curve, result: Result) -> CostCurve:
    """Turn a curve over k of this result into one over lane-steps: k times the mean supervision steps of a rollout.

    That is exact for the mean over all subsets of k, also where rollouts halt on their own. Errors as
    ``rollout_curves``.
    """
    _check(result)
    return CostCurve(curve.k.astype(np.float64) * float(result.rollouts.steps.double().mean()), curve)


def _check(result: Result) -> None:
    if not result.exchangeable:
        raise TTSError(
            "curves over k are means over subsets of rollouts, which a coupled strategy or a rule that ends puzzles "
            "does not allow; search without it, or take the accuracy of result.answers"
        )
