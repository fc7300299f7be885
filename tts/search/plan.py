"""What the engine is given, and what it gives back."""

from __future__ import annotations

import attrs
import numpy as np
import torch
from torch import Tensor

from tts._util.arrays import Ints
from tts.interfaces import RecursiveModel, Stop, Strategy
from tts.search.rollouts import Cost, Rollouts


@attrs.frozen(eq=False, kw_only=True)
class Plan:
    """What to run: everything of a search but its selector.

    Attributes:
        k: rollouts a puzzle, K.
        depth: supervision steps a rollout.
        ends: the cumulative ends of the waves, the last one K.
        lockstep: whether a wave starts together, and waits for the one before.
        record: what to keep of every step.
        seed: of all noise.
    """

    model: RecursiveModel
    strategy: Strategy
    stop: Stop | None
    k: int
    depth: int
    ends: Ints
    lockstep: bool
    record: tuple[str, ...]
    seed: int
    device: torch.device

    @property
    def widest(self) -> int:
        """Lanes that must start together."""
        return int(np.diff(self.ends, prepend=0).max()) if self.lockstep else 1


@attrs.frozen(eq=False, kw_only=True)
class FinishedPuzzles:
    """n puzzles that have just been finished, before one of their rollouts is picked.

    Attributes:
        position: [n], in the caller's order.
        tokens: int64 [n, L].
        keys: int64 [n].
        rollouts: of the n puzzles.
        winner: int64 [n], the rollout with which a stop rule ended the puzzle, else -1.
        cost: what was spent since the ones before.
    """

    position: Ints
    tokens: Tensor
    keys: Tensor
    rollouts: Rollouts
    winner: Tensor
    cost: Cost

    def take(self, row: int, cost: Cost) -> FinishedPuzzles:
        """Return one of the puzzles, at ``cost``."""
        one = slice(row, row + 1)
        return FinishedPuzzles(
            position=self.position[one],
            tokens=self.tokens[one],
            keys=self.keys[one],
            rollouts=self.rollouts.map(lambda x: x[one]),
            winner=self.winner[one],
            cost=cost,
        )
