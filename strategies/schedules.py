"""How the size of a perturbation changes over the supervision steps of a rollout."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import attrs
import torch
from attrs.validators import ge
from torch import Tensor


class Schedule(ABC):
    """A factor for every step of a rollout."""

    @abstractmethod
    def factor(self, step: Tensor, depth: int) -> Tensor:
        """float32 [N]: the factor before step ``step`` int64 [N], from 0, of ``depth``."""


@attrs.frozen
class Constant(Schedule):
    """1 at every step, as in PTRM (arXiv 2605.19943, figure 4)."""

    def factor(self, step: Tensor, depth: int) -> Tensor:
        return torch.ones_like(step, dtype=torch.float32)


@attrs.frozen
class Linear(Schedule):
    """From 1 at the first step in a straight line to ``end`` at the last."""

    end: float = attrs.field(default=0.0, validator=ge(0.0))

    def factor(self, step: Tensor, depth: int) -> Tensor:
        return 1 + (self.end - 1) * _done(step, depth)


@attrs.frozen
class Cosine(Schedule):
    """From 1 at the first step along half a cosine to ``end`` at the last."""

    end: float = attrs.field(default=0.0, validator=ge(0.0))

    def factor(self, step: Tensor, depth: int) -> Tensor:
        return self.end + (1 - self.end) * 0.5 * (1 + torch.cos(math.pi * _done(step, depth)))


@attrs.frozen
class First(Schedule):
    """1 in the first n steps, 0 after: noise that lets the rollout settle."""

    n: int = attrs.field(validator=ge(0))

    def factor(self, step: Tensor, depth: int) -> Tensor:
        return (step < self.n).float()


def _done(step: Tensor, depth: int) -> Tensor:
    return step.float() / max(1, depth - 1)
