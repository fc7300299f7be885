"""The tensors of the lanes in flight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts._util.arrays import Ints
from tts.errors import RolloutError, ShapeError
from tts.interfaces import CoupledStrategy, RecursiveModel, State, StepView, StopView, Strategy, Streams, blame, name_of
from tts.interfaces.checks import check_parents, check_rows, check_state
from tts.search.views import Views


class Lanes:
    """N lanes, a multiple of the block. Addresses never change, so that graphs can be captured on views of a block.

    Attributes:
        state, memory: the latents and the strategy's own tensors by name, each [N, ...].
        encoded: [N, S, D], the embedded views.
        keys, rollout, step: int64 [N], the puzzle key, the rollout's number, the steps it has taken.
        q, residual: float32 [N]; halt: bool [N]; of the last step.
        slot: host int64 [N], the puzzle slot a lane works for; -1 where it is dead.
        tokens, answers, previous: int64 [N, L], the puzzles and the answers to them.
        seen, seen_answers: int64 [N, L], the views of the puzzles that the model sees, and its answers to those.
        row: int64 [N], the row of its view among those of all slots.
        finite: bool [N], whether the logits of the last step were.
    """

    def __init__(self, model: RecursiveModel, strategy: Strategy, n: int, encoded: Tensor, views: Views):
        device = encoded.device
        self.model, self.strategy, self.n, self.views = model, strategy, n, views
        self.state = {name: x.clone(memory_format=torch.contiguous_format) for name, x in self._start(n).items()}
        self.memory = {name: value.to(device, copy=True) for name, value in self._memory(n).items()}
        self.encoded = encoded.new_zeros(n, *encoded.shape[1:])
        self.tokens = views.tokens.new_zeros(n, views.tokens.shape[1])
        self.answers, self.previous = torch.zeros_like(self.tokens), torch.zeros_like(self.tokens)
        self.seen, self.seen_answers = torch.zeros_like(self.tokens), torch.zeros_like(self.tokens)
        self.keys = torch.zeros(n, dtype=torch.int64, device=device)
        self.rollout, self.step, self.row = (torch.zeros_like(self.keys) for _ in range(3))
        self.q = torch.zeros(n, dtype=torch.float32, device=device)
        self.residual = torch.zeros_like(self.q)
        self.halt = torch.zeros(n, dtype=torch.bool, device=device)
        self.finite = torch.ones_like(self.halt)
        self.slot = np.full(n, -1)
        self.host_rollout, self.host_step = np.zeros(n, np.int64), np.zeros(n, np.int64)

    @property
    def live(self) -> Ints:
        """Lanes that carry a rollout."""
        return np.flatnonzero(self.slot >= 0)

    def admit(self, slot: Ints, rollout: Ints, tokens: Tensor, encoded: Tensor, keys: Tensor) -> None:
        """Start rollouts in the first dead lanes; tokens and keys are those of all slots, encoded of all views."""
        lane = np.flatnonzero(self.slot < 0)[: len(slot)]
        index, source, row = self.index(lane), self.index(slot), self.index(self.views.row(slot, rollout))
        state, memory = self._start(len(lane)), self._memory(len(lane))
        check_state(f"{name_of(self.model)}.start", state, {name: x[: len(lane)] for name, x in self.state.items()})
        for name, latent in state.items():
            self.state[name][index] = latent
        for name, value in memory.items():
            self.memory[name][index] = value.to(index.device)
        self.tokens[index] = self.answers[index] = self.previous[index] = tokens[source]
        self.seen[index] = self.seen_answers[index] = self.views.tokens[row]
        self.encoded[index], self.row[index], self.keys[index] = encoded[row], row, keys[source]
        self.rollout[index], self.step[index], self.q[index] = self.index(rollout), 0, -torch.inf
        self.slot[lane], self.host_rollout[lane], self.host_step[lane] = slot, rollout, 0

    def compact(self, block: int) -> None:
        """Move the live lanes together where that empties a block."""
        live = self.live
        if len(np.unique(live // block)) <= -(-len(live) // block):
            return
        order = np.argsort(self.slot < 0, kind="stable")
        index = self.index(order)
        for tensor in self._tensors():
            tensor.copy_(tensor[index])
        for host in (self.slot, self.host_rollout, self.host_step):
            host[:] = host[order]

    def view(self, part: slice, depth: int) -> StepView:
        """Return what the strategy sees of a block."""
        return StepView(
            model=self.model,
            state={name: latent[part] for name, latent in self.state.items()},
            encoded=self.encoded[part],
            tokens=self.seen[part],
            step=self.step[part],
            answers=self.seen_answers[part],
            q=self.q[part],
            memory={name: value[part] for name, value in self.memory.items()},
            depth=depth,
        )

    def answer(self, part: slice, answers: Tensor, pad: int) -> None:
        """Take the model's answers [N, L] to the views of a block, and map them back to the puzzles themselves."""
        self.previous[part] = self.answers[part]
        self.seen_answers[part] = torch.where(self.seen[part] == pad, pad, answers)
        self.answers[part] = torch.where(self.tokens[part] == pad, pad, self.views.back(self.row[part], answers))

    def stop_view(
        self, index: Tensor, slot: Ints, spent: Ints, ended_q: NDArray[np.float32], ended_halt: NDArray[np.bool_]
    ) -> StopView:
        """Return what a stop rule sees of lanes ``index`` [N], which work for ``slot`` [N].

        Args:
            index: the lanes.
            slot: their slots.
            spent: lane-steps of the puzzle in every slot.
            ended_q: [slots, K], the q of the rollouts that have ended.
            ended_halt: [slots, K], whether they would have halted.
        """
        return StopView(
            tokens=self.tokens[index],
            answers=self.answers[index],
            previous=self.previous[index],
            q=self.q[index],
            halt=self.halt[index],
            residual=self.residual[index],
            step=self.step[index],
            puzzle=self.index(slot),
            ended_q=self.index(ended_q),
            ended_halt=self.index(ended_halt),
            spent=self.index(spent[slot]),
            verifier=self.model.codec.verifier,
        )

    def streams(self, part: slice, seed: int) -> Streams:
        """Return the noise of a block's rollouts at their own steps."""
        return Streams(seed, self.keys[part], self.rollout[part], self.step[part])

    def keys_of(self, part: slice) -> Tensor:
        """Return the puzzle keys of a block's live lanes."""
        return self.keys[part][self.index(self.slot[part]) >= 0]

    def resample(self, strategy: CoupledStrategy, k: int, seed: int) -> None:
        """Let the lanes under way continue from the parents that the strategy names among the k of their puzzle."""
        live = self.live[self.host_step[self.live] > 0]
        if not len(live):
            return
        order = np.lexsort((self.host_rollout[live], self.slot[live]))
        family = self.index(live[order].reshape(-1, k))
        first = family[:, 0]
        step, keys = self.step[first], self.keys[first]
        with blame(f"{name_of(strategy)}.resample", lambda: keys):
            parents = strategy.resample(self.q[family], step, Streams(seed, keys, torch.zeros_like(step), step))
            check_parents(parents, family)
        origin = family.gather(1, parents)
        moved = origin != family
        self._inherit(family[moved], origin[moved])

    def _inherit(self, index: Tensor, origin: Tensor) -> None:
        """Copy all that a step changes from lanes ``origin`` to lanes ``index``; the noise stays each lane's own."""
        outputs = (self.answers, self.previous, self.seen_answers, self.q, self.residual, self.halt)
        for tensor in (*self.state.values(), *self.memory.values(), *outputs):
            tensor[index] = tensor[origin]

    def check_finite(self, index: Tensor) -> None:
        """Raise RolloutError unless the last step of lanes ``index`` left finite latents, logits and q."""
        bad = ~(self.finite[index] & self.q[index].isfinite() & self.residual[index].isfinite())
        if bool(bad.any()):
            first = index[bad.nonzero()[0, 0]]
            raise RolloutError(
                f"{name_of(self.model)} returned a value that is not finite on puzzle key {int(self.keys[first])}, "
                f"rollout {int(self.rollout[first])}, step {int(self.step[first])}, under {name_of(self.strategy)}: "
                "lower the noise, run in float32, or check the weights"
            )

    def index(self, values: NDArray[Any]) -> Tensor:
        """Return host numbers on the lanes' device."""
        return torch.from_numpy(values).to(self.keys.device)

    def _start(self, n: int) -> State:
        who = f"{name_of(self.model)}.start"
        with blame(who):
            state = self.model.start(n)
            if not isinstance(state, dict) or "y" not in state:
                got = sorted(state) if isinstance(state, dict) else f"a {name_of(state)}"
                raise ShapeError(f"start must return latents by name, the answer latent 'y' among them; got {got}")
            for name, latent in state.items():
                if latent.ndim != 3 or len(latent) != n:
                    raise ShapeError(f"start returned latent {name!r} as {list(latent.shape)}; expected [{n}, S, D]")
        return state

    def _memory(self, n: int) -> dict[str, Tensor]:
        with blame(f"{name_of(self.strategy)}.memory"):
            memory = self.strategy.memory(n)
            for name, value in memory.items():
                check_rows(f"memory returned {name!r}", value, value.new_empty(n, *value.shape[1:]))
        return memory

    def _tensors(self) -> Iterator[Tensor]:
        yield from self.state.values()
        yield from self.memory.values()
        yield from (value for value in vars(self).values() if isinstance(value, Tensor))
