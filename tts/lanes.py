"""The tensors of the lanes in flight."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from tts.errors import TTSError
from tts.model import RecursiveModel
from tts.rng import Streams
from tts.scheduler import Ints
from tts.strategy import StepView, Strategy


class Lanes:
    """N lanes, a multiple of the block. Addresses never change, so that graphs can be captured on views of a block.

    Attributes:
        slot: host int64 [N], the puzzle slot a lane works for; -1 where it is dead.
    """

    def __init__(self, model: RecursiveModel, strategy: Strategy, n: int, encoded: Tensor, tokens: Tensor):
        device = encoded.device
        self.model, self.strategy, self.n = model, strategy, n
        self.state = {
            name: latent.clone(memory_format=torch.contiguous_format) for name, latent in model.start(n).items()
        }
        if "y" not in self.state:
            raise TTSError(f"{type(model).__name__}.start must return the answer latent 'y'; got {sorted(self.state)}")
        self.memory = {name: value.to(device) for name, value in strategy.memory(n).items()}
        self.encoded = encoded.new_zeros(n, *encoded.shape[1:])
        self.tokens = tokens.new_zeros(n, tokens.shape[1])
        self.answers, self.previous = torch.zeros_like(self.tokens), torch.zeros_like(self.tokens)
        self.keys = torch.zeros(n, dtype=torch.int64, device=device)
        self.rollout, self.step = torch.zeros_like(self.keys), torch.zeros_like(self.keys)
        self.q = torch.zeros(n, dtype=torch.float32, device=device)
        self.residual = torch.zeros_like(self.q)
        self.halt = torch.zeros(n, dtype=torch.bool, device=device)
        self.slot = np.full(n, -1)
        self.host_rollout, self.host_step = np.zeros(n, np.int64), np.zeros(n, np.int64)

    @property
    def live(self) -> Ints:
        """Lanes that carry a rollout."""
        return np.flatnonzero(self.slot >= 0)

    def admit(self, slot: Ints, rollout: Ints, tokens: Tensor, encoded: Tensor, keys: Tensor) -> None:
        """Start rollouts in the first dead lanes; tokens, encoded and keys are those of all slots."""
        lane = np.flatnonzero(self.slot < 0)[: len(slot)]
        self.slot[lane], self.host_rollout[lane], self.host_step[lane] = slot, rollout, 0
        at, source = self._index(lane), self._index(slot)
        for name, latent in self.model.start(len(lane)).items():
            self.state[name][at] = latent
        for name, value in self.strategy.memory(len(lane)).items():
            self.memory[name][at] = value.to(self.memory[name].device)
        self.tokens[at] = self.answers[at] = self.previous[at] = tokens[source]
        self.encoded[at], self.keys[at] = encoded[source], keys[source]
        self.rollout[at], self.step[at], self.q[at] = self._index(rollout), 0, -torch.inf

    def compact(self, block: int) -> None:
        """Move the live lanes together where that empties a block."""
        live = self.live
        if len(np.unique(live // block)) <= -(-len(live) // block):
            return
        order = np.argsort(self.slot < 0, kind="stable")
        at = self._index(order)
        for tensor in self._tensors():
            tensor.copy_(tensor[at])
        for host in (self.slot, self.host_rollout, self.host_step):
            host[:] = host[order]

    def view(self, part: slice) -> StepView:
        """What the strategy sees of a block."""
        return StepView(
            self.model,
            {name: latent[part] for name, latent in self.state.items()},
            self.encoded[part],
            self.tokens[part],
            self.step[part],
            self.answers[part],
            self.q[part],
            {name: value[part] for name, value in self.memory.items()},
        )

    def streams(self, part: slice, seed: int) -> Streams:
        """The noise of a block's rollouts at their own steps."""
        return Streams(seed, self.keys[part], self.rollout[part], self.step[part])

    def _tensors(self) -> Iterator[Tensor]:
        yield from self.state.values()
        yield from self.memory.values()
        yield from (value for value in vars(self).values() if isinstance(value, Tensor))

    def _index(self, values: Ints) -> Tensor:
        return torch.from_numpy(values).to(self.keys.device)
