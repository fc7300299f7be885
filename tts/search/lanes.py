"""The tensors of the lanes in flight, and the record of what they went through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

LATENTS = ("y", "z")
RECORDABLE = ("q", "residual", "answers", *LATENTS)


class Lanes:
    """N lanes, a multiple of the block. Addresses never change, so that graphs can be captured on views of a block.

    Attributes:
        slot: host int64 [N], the puzzle slot a lane works for; -1 where it is dead.
        tokens, answers, previous: int64 [N, L], the puzzles and the answers to them.
        seen, given: int64 [N, L], the views of the puzzles that the model sees, and its answers to those.
        row: int64 [N], the views.
    """

    def __init__(self, model: RecursiveModel, strategy: Strategy, n: int, encoded: Tensor, views: Views):
        device = encoded.device
        self.model, self.strategy, self.n, self.views = model, strategy, n, views
        self.state = {name: x.clone(memory_format=torch.contiguous_format) for name, x in self._start(n).items()}
        self.memory = {name: value.to(device, copy=True) for name, value in self._memory(n).items()}
        self.encoded = encoded.new_zeros(n, *encoded.shape[1:])
        self.tokens = views.tokens.new_zeros(n, views.tokens.shape[1])
        self.answers, self.previous = torch.zeros_like(self.tokens), torch.zeros_like(self.tokens)
        self.seen, self.given = torch.zeros_like(self.tokens), torch.zeros_like(self.tokens)
        self.keys = torch.zeros(n, dtype=torch.int64, device=device)
        self.rollout, self.step, self.row = (torch.zeros_like(self.keys) for _ in range(3))
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
        """Start rollouts in the first dead lanes; tokens and keys are those of all slots, encoded of all views."""
        lane = np.flatnonzero(self.slot < 0)[: len(slot)]
        at, source, row = self.index(lane), self.index(slot), self.index(self.views.row(slot, rollout))
        state, memory = self._start(len(lane)), self._memory(len(lane))
        check_state(f"{name_of(self.model)}.start", state, {name: x[: len(lane)] for name, x in self.state.items()})
        for name, latent in state.items():
            self.state[name][at] = latent
        for name, value in memory.items():
            self.memory[name][at] = value.to(at.device)
        self.tokens[at] = self.answers[at] = self.previous[at] = tokens[source]
        self.seen[at] = self.given[at] = self.views.tokens[row]
        self.encoded[at], self.row[at], self.keys[at] = encoded[row], row, keys[source]
        self.rollout[at], self.step[at], self.q[at] = self.index(rollout), 0, -torch.inf
        self.slot[lane], self.host_rollout[lane], self.host_step[lane] = slot, rollout, 0

    def compact(self, block: int) -> None:
        """Move the live lanes together where that empties a block."""
        live = self.live
        if len(np.unique(live // block)) <= -(-len(live) // block):
            return
        order = np.argsort(self.slot < 0, kind="stable")
        at = self.index(order)
        for tensor in self._tensors():
            tensor.copy_(tensor[at])
        for host in (self.slot, self.host_rollout, self.host_step):
            host[:] = host[order]

    def view(self, part: slice, depth: int) -> StepView:
        """What the strategy sees of a block."""
        return StepView(
            self.model,
            {name: latent[part] for name, latent in self.state.items()},
            self.encoded[part],
            self.seen[part],
            self.step[part],
            self.given[part],
            self.q[part],
            {name: value[part] for name, value in self.memory.items()},
            depth,
        )

    def answer(self, part: slice, given: Tensor, pad: int) -> None:
        """Take the model's answers [N, L] for a block, and map them back to the puzzles themselves."""
        self.previous[part] = self.answers[part]
        self.given[part] = torch.where(self.seen[part] == pad, pad, given)
        self.answers[part] = torch.where(self.tokens[part] == pad, pad, self.views.back(self.row[part], given))

    def stop_view(
        self, at: Tensor, slot: Ints, spent: Ints, ended_q: NDArray[np.float32], ended_halt: NDArray[np.bool_]
    ) -> StopView:
        """What a stop rule sees of lanes ``at`` [N], which work for ``slot`` [N]; the rest is that of all slots."""
        return StopView(
            tokens=self.tokens[at],
            answers=self.answers[at],
            previous=self.previous[at],
            q=self.q[at],
            halt=self.halt[at],
            residual=self.residual[at],
            step=self.step[at],
            puzzle=self.index(slot),
            ended_q=self.index(ended_q),
            ended_halt=self.index(ended_halt),
            spent=self.index(spent[slot]),
            verifier=self.model.codec.verifier,
        )

    def streams(self, part: slice, seed: int) -> Streams:
        """The noise of a block's rollouts at their own steps."""
        return Streams(seed, self.keys[part], self.rollout[part], self.step[part])

    def keys_of(self, part: slice) -> Tensor:
        """The puzzle keys of a block's live lanes."""
        return self.keys[part][self.index(self.slot[part]) >= 0]

    def resample(self, strategy: CoupledStrategy, k: int, seed: int) -> None:
        """Let the lanes under way go on from the parents that the strategy names among the k of their puzzle."""
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

    def _inherit(self, at: Tensor, origin: Tensor) -> None:
        """Lanes ``at`` take all that a step changes from lanes ``origin``; rollout numbers and their noise stay."""
        brought = (self.answers, self.previous, self.given, self.q, self.residual, self.halt)
        for tensor in (*self.state.values(), *self.memory.values(), *brought):
            tensor[at] = tensor[origin]

    def check_finite(self, at: Tensor) -> None:
        """Raise RolloutError unless the last step of lanes ``at`` left finite latents, logits and q."""
        bad = ~(self.q[at].isfinite() & self.residual[at].isfinite())
        if bool(bad.any()):
            first = at[bad.nonzero()[0, 0]]
            raise RolloutError(
                f"{name_of(self.model)} returned a value that is not finite on puzzle key {int(self.keys[first])}, "
                f"rollout {int(self.rollout[first])}, step {int(self.step[first])}, under {name_of(self.strategy)}: "
                "lower the noise, run in float32, or check the weights"
            )

    def index(self, values: NDArray[Any]) -> Tensor:
        """Host numbers on the lanes' device."""
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


class Record:
    """What ``record=`` asks for, of the puzzles in all slots: host tensors [slots, K, depth, ...] by name."""

    def __init__(self, names: Sequence[str], slots: int, k: int, depth: int, answers: torch.dtype):
        self.names, self.shape, self.answers = names, (slots, k, depth), answers
        self.kept: dict[str, Tensor] = {}

    def clear(self, slots: Ints) -> None:
        """Forget the puzzles that the slots had."""
        for value in self.kept.values():
            value[torch.from_numpy(slots)] = _nothing(value.dtype)

    def write(self, lanes: Lanes, at: Tensor, slot: Ints, rollout: Ints, step: Ints) -> None:
        """Keep what the step of lanes ``at`` has brought."""
        for name in self.names:
            if name in LATENTS and name not in lanes.state:
                raise ShapeError(
                    f"record asks for the latent {name!r}; {name_of(lanes.model)} has {sorted(lanes.state)}"
                )
            value = (lanes.state[name] if name in LATENTS else getattr(lanes, name))[at].cpu()
            value = value.to(self.answers) if name == "answers" else value
            if name not in self.kept:
                self.kept[name] = torch.full((*self.shape, *value.shape[1:]), _nothing(value.dtype), dtype=value.dtype)
            self.kept[name][slot, rollout, step - 1] = value

    def rows(self, slots: Tensor) -> dict[str, Tensor]:
        """Copies of what is kept of some slots."""
        return {name: value[slots] for name, value in self.kept.items()}


def _nothing(dtype: torch.dtype) -> float:
    return torch.nan if dtype.is_floating_point else 0
