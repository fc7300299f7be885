"""What the rollouts of all open puzzles have brought so far. Host side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts._util.arrays import Ints
from tts.errors import ShapeError
from tts.interfaces import name_of
from tts.search.lanes import Lanes
from tts.search.rollouts import Rollouts, Status

LATENTS = ("y", "z")
RECORDABLE = ("q", "residual", "answers", *LATENTS)


class Outcomes:
    """The outcomes of K rollouts in every slot, as of their own last step once they have ended.

    Attributes:
        status: int8 [slots, K], see Status.
        steps: int64 [slots, K], supervision steps taken, of running rollouts too.
        answers: int16 [slots, K, L], int32 for vocabularies beyond int16; 0 until the rollout ends.
        q: float32 [slots, K], the halt logit; -inf until then.
        residual: float32 [slots, K]; inf until then.
        halt: bool [slots, K], the model would stop here; False until then.
        record: what ``record=`` asks for, by name: tensors [slots, K, depth, ...], NaN (answers: 0) where no step was
            taken.
    """

    def __init__(self, slots: int, k: int, cells: int, depth: int, vocab_size: int, names: Sequence[str]):
        self.status = np.zeros((slots, k), np.int8)
        self.steps = np.zeros((slots, k), np.int64)
        self.answers = np.zeros((slots, k, cells), np.int16 if vocab_size <= 2**15 else np.int32)
        self.q = np.full((slots, k), -np.inf, np.float32)
        self.residual = np.full((slots, k), np.inf, np.float32)
        self.halt = np.zeros((slots, k), bool)
        self.names, self.shape = names, (slots, k, depth)
        self.record: dict[str, Tensor] = {}

    @property
    def spent(self) -> Ints:
        """Lane-steps of the puzzle in each slot, int64 [slots]."""
        spent: Ints = self.steps.sum(axis=1)
        return spent

    def forget(self, rollouts: Ints | NDArray[np.bool_]) -> None:
        """Make rollouts as if they had not started: those of some slots, or where bool [slots, K] is True."""
        self.status[rollouts], self.steps[rollouts] = Status.NOT_STARTED, 0
        self.answers[rollouts], self.halt[rollouts] = 0, False
        self.q[rollouts], self.residual[rollouts] = -np.inf, np.inf
        for value in self.record.values():
            value[torch.from_numpy(rollouts)] = _nothing(value.dtype)

    def start(self, slot: Ints, rollout: Ints) -> None:
        """Note that rollouts have been given a lane."""
        self.status[slot, rollout] = Status.RUNNING

    def step(self, slot: Ints, rollout: Ints, lanes: Lanes, index: Tensor, step: Ints) -> None:
        """Note the step that rollouts have taken in lanes ``index``, and what is recorded of it."""
        self.steps[slot, rollout] = step
        for name in self.names:
            if name in LATENTS and name not in lanes.state:
                raise ShapeError(
                    f"record asks for the latent {name!r}; {name_of(lanes.model)} has {sorted(lanes.state)}"
                )
            value = (lanes.state[name] if name in LATENTS else getattr(lanes, name))[index].cpu()
            value = value.to(torch.from_numpy(self.answers).dtype) if name == "answers" else value
            if name not in self.record:
                shape = (*self.shape, *value.shape[1:])
                self.record[name] = torch.full(shape, _nothing(value.dtype), dtype=value.dtype)
            self.record[name][slot, rollout, step - 1] = value

    def end(self, slot: Ints, rollout: Ints, lanes: Lanes, index: Tensor, status: Ints) -> None:
        """Take what rollouts have brought that end in lanes ``index``."""
        self.status[slot, rollout] = status
        self.answers[slot, rollout] = _host(lanes.answers[index])
        self.q[slot, rollout] = _host(lanes.q[index])
        self.residual[slot, rollout] = _host(lanes.residual[index])
        self.halt[slot, rollout] = _host(lanes.halt[index])

    def rollouts(self, slots: Ints) -> Rollouts:
        """Return copies of the outcomes in some slots."""
        return Rollouts(
            answers=torch.from_numpy(self.answers[slots]),
            q=torch.from_numpy(self.q[slots]),
            residual=torch.from_numpy(self.residual[slots]),
            steps=torch.from_numpy(self.steps[slots]),
            status=torch.from_numpy(self.status[slots]),
            record={name: value[torch.from_numpy(slots)] for name, value in self.record.items()},
        )


def _host(values: Tensor) -> NDArray[Any]:
    host: NDArray[Any] = values.cpu().numpy()
    return host


def _nothing(dtype: torch.dtype) -> float:
    return torch.nan if dtype.is_floating_point else 0
