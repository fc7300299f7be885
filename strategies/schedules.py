"""Schedules: how the size of a perturbation changes over the supervision steps of a rollout."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import attrs
import torch
from attrs.validators import ge
from jaxtyping import Float32, Int64
from torch import Tensor


class Schedule(ABC):
    """A factor for every step of a rollout."""

    @abstractmethod
    def factor(self, step: Int64[Tensor, " N"], depth: int) -> Float32[Tensor, " N"]:
        """Return the factor for each lane, which is before step ``step``, from 0, of ``depth``."""


@attrs.frozen
class Constant(Schedule):
    """Stay at 1, as in PTRM (arXiv 2605.19943, figure 4).

    Examples:
        >>> search = Search(model, GaussianNoise(0.3, schedule=Constant()), QSelector(), k=16)
    """

    def factor(self, step: Int64[Tensor, " N"], depth: int) -> Float32[Tensor, " N"]:
        return torch.ones_like(step, dtype=torch.float32)


@attrs.frozen
class Linear(Schedule):
    """Go from 1 at the first step in a straight line to ``end`` at the last.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3, schedule=Linear(end=0.1)), QSelector(), k=16)
    """

    end: float = attrs.field(default=0.0, validator=ge(0.0))

    def factor(self, step: Int64[Tensor, " N"], depth: int) -> Float32[Tensor, " N"]:
        return 1 + (self.end - 1) * _done(step, depth)


@attrs.frozen
class Cosine(Schedule):
    """Go from 1 at the first step along half a cosine to ``end`` at the last.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3, schedule=Cosine()), QSelector(), k=16)
    """

    end: float = attrs.field(default=0.0, validator=ge(0.0))

    def factor(self, step: Int64[Tensor, " N"], depth: int) -> Float32[Tensor, " N"]:
        return self.end + (1 - self.end) * 0.5 * (1 + torch.cos(math.pi * _done(step, depth)))


@attrs.frozen
class First(Schedule):
    """Stay at 1 for the first n steps, at 0 after them, so that the rollout can settle.

    Examples:
        >>> search = Search(model, GaussianNoise(0.3, schedule=First(4)), QSelector(), k=16)
    """

    n: int = attrs.field(validator=ge(0))

    def factor(self, step: Int64[Tensor, " N"], depth: int) -> Float32[Tensor, " N"]:
        return (step < self.n).float()


def _done(step: Int64[Tensor, " N"], depth: int) -> Float32[Tensor, " N"]:
    """Return the share of the rollout's steps that lies behind, 0 before the first and 1 before the last."""
    return step.float() / max(1, depth - 1)
