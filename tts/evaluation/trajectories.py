"""What rollouts went through, step by step: cells that are right, paths of the latents, typical examples.

All of it needs a search with ``record=("answers", "q", "y")`` and no stop rule, so that every step is there.
Source: PTRM (arXiv 2605.19943, figure 3), which draws such pictures of TRM.
"""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from tts.errors import TTSError
from tts.search import Result, Status


@attrs.frozen
class Example:
    """A rollout worth a look: puzzle and rollout by their places in the result, and why."""

    name: str
    puzzle: int
    rollout: int


def recorded(result: Result, name: str) -> Tensor:
    """Return what was recorded under ``name``, [B, K, depth, ...].

    Raises:
        TTSError: it was not recorded, or some rollouts did not run to full depth.
    """
    if name not in result.rollouts.record:
        raise TTSError(f"trajectories need {name!r} of every step: search with record=('answers', 'q', 'y')")
    if bool((result.rollouts.status != Status.FINISHED).any()):
        raise TTSError("trajectories need rollouts that ran to full depth: search without a stop rule")
    return result.rollouts.record[name]


def cell_accuracy(result: Result, labels: Tensor, ignore: int = 0) -> Tensor:
    """Return the share of the labelled cells that are right after each step, float64 [B, K, depth]; labels int [B, L].

    Raises:
        TTSError: answers were not recorded, or not all rollouts ran to full depth.
    """
    answers, labels = recorded(result, "answers"), labels.to(result.rollouts.answers.device)
    counted = labels != ignore
    right = (answers == labels[:, None, None]) & counted[:, None, None]
    return right.sum(dim=3) / counted.sum(dim=1)[:, None, None].double()


def examples(result: Result, labels: Tensor, ignore: int = 0) -> list[Example]:
    """Find a quick success, a delayed success and a failure, as far as there are any.

    The quick success is the rollout that is right for good after the fewest steps, the delayed one after the most,
    preferably of the same puzzle as a failure; of failures it is the first. Errors as ``cell_accuracy``.
    """
    right = cell_accuracy(result, labels, ignore) == 1
    for_good = right.flip(2).cumprod(dim=2).sum(dim=2)  # steps at the end that are right throughout
    solved = for_good > 0
    chosen = []
    if bool(solved.any()):
        chosen.append(_at("quick success", for_good.double()))
        mixed = solved & ~solved.all(dim=1, keepdim=True)
        among = mixed if bool(mixed.any()) else solved
        chosen.append(_at("delayed success", torch.where(among, -for_good.double(), -torch.inf)))
    if not bool(solved.all()):
        beside = ~solved & (torch.arange(len(solved)) == (chosen[1].puzzle if chosen else 0))[:, None]
        chosen.append(_at("failure", (beside if bool(beside.any()) else ~solved).double()))
    return chosen


def _at(name: str, score: Tensor) -> Example:
    place = int(score.argmax())
    return Example(name, place // score.shape[1], place % score.shape[1])


def principal_paths(result: Result, puzzle: int) -> tuple[Tensor, tuple[float, float]]:
    """Project the answer latents of one puzzle's rollouts on the plane of their two principal components.

    Returns:
        Coordinates float64 [K, depth, 2], and the shares of the variance along the two axes.

    Raises:
        TTSError: y was not recorded, or not all rollouts ran to full depth.
    """
    y = recorded(result, "y")[puzzle].double()
    points = y.flatten(2).flatten(0, 1)
    points = points - points.mean(dim=0)
    values, vectors = torch.linalg.eigh(points @ points.T)  # few points in many dimensions: their Gram matrix
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    signs = vectors[vectors.abs().argmax(dim=0), torch.arange(vectors.shape[1])].sign()
    total = float(values.sum()) or 1.0
    plane = vectors[:, :2] * signs[:2] * values[:2].sqrt()
    return plane.view(*y.shape[:2], 2), (float(values[0]) / total, float(values[1]) / total)
