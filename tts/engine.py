"""The hot loop: open, admit, perturb, step, read, retire. Nothing in it is per-lane Python.

Lanes are stepped in blocks of a fixed number, so that compiled code and CUDA graphs see one shape and a rollout's bits
do not depend on how many others run. Empty blocks are skipped, the last one is padded with dead lanes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator

import attrs
import numpy as np
import torch
from torch import Tensor

from tts.checks import blame, check_readout, check_state
from tts.errors import RolloutError, ShapeError
from tts.lanes import Lanes
from tts.model import RecursiveModel
from tts.rollouts import Cost, Rollouts, Status
from tts.scheduler import RUNNING, Ints, Scheduler
from tts.stopping import Stop, StopView
from tts.strategy import Strategy


@attrs.frozen(eq=False)
class Batch:
    """n puzzles: positions in the caller's order [n], tokens int64 [n, L], ids [n], keys [n], content hashes [n]."""

    position: Ints
    tokens: Tensor
    ids: Tensor
    keys: Tensor
    content: Ints


@attrs.frozen(eq=False)
class Finished:
    """Puzzles that have just been finished. ``cost`` is what was spent since the ones before."""

    position: Ints
    tokens: Tensor
    keys: Tensor
    rollouts: Rollouts
    winner: Tensor
    cost: Cost

    def take(self, row: int, cost: Cost) -> Finished:
        """One of the puzzles, at ``cost``."""
        one = slice(row, row + 1)
        rollouts = self.rollouts.map(lambda x: x[one])
        return Finished(self.position[one], self.tokens[one], self.keys[one], rollouts, self.winner[one], cost)


@attrs.frozen
class Plan:
    """What to run: everything of a search but its selector."""

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


class Engine:
    """One run over a source of puzzles; ``source(n)`` gives at most n more, None at the end."""

    def __init__(self, plan: Plan, lanes: int, cells: int, source: Callable[[int], Batch | None]):
        self.plan, self.source, self.n = plan, source, lanes
        self.block = plan.model.block
        slots = lanes if plan.lockstep else -(-lanes // plan.k) + 1
        dtype = np.int16 if plan.model.codec.vocab_size <= 2**15 else np.int32
        self.scheduler = Scheduler(slots, plan.k, cells, plan.ends, plan.lockstep, dtype)
        self.tokens = torch.zeros(slots, cells, dtype=torch.int64, device=plan.device)
        self.keys = torch.zeros(slots, dtype=torch.int64, device=plan.device)
        self.content = np.zeros(slots, np.int64)
        self.encoded: Tensor | None = None
        self.lanes: Lanes | None = None
        self.record: dict[str, Tensor] = {}
        self.waiting: Batch | None = None
        self.lane_steps_run, self.since, self.warned = 0, time.perf_counter(), False

    def run(self) -> Iterator[Finished]:
        """Yield puzzles as they finish."""
        while True:
            try:
                self._open()
                lanes = self._admit()
                if lanes is None or not len(lanes.live):
                    return
                self._advance(lanes)
                self._retire(lanes)
            except torch.OutOfMemoryError as error:
                self._shrink(error)
                continue
            closed = self.scheduler.advance()
            if len(closed):
                yield self._collect(closed)

    def _open(self) -> None:
        free = self.scheduler.free
        if not len(free):
            return
        self.waiting = self.waiting or self.source(len(free))
        if self.waiting is None:
            return
        batch = self.waiting
        slots = free[: len(batch.position)]
        self._encode(batch, slots)
        at = torch.from_numpy(slots).to(self.plan.device)
        self.tokens[at], self.keys[at] = batch.tokens.to(at.device), batch.keys.to(at.device)
        self.content[slots] = batch.content
        self.scheduler.open(slots, batch.position)
        for name in self.record:
            self.record[name][torch.from_numpy(slots)] = torch.nan if name == "q" else 0
        self.waiting = None

    def _encode(self, batch: Batch, slots: Ints) -> None:
        """Embed each distinct puzzle once; those that are open already are copied. Fixed shapes, as for steps."""
        held = np.flatnonzero(self.scheduler.puzzle >= 0)
        _, first = np.unique(batch.content, return_index=True)
        fresh = first[~np.isin(batch.content[first], self.content[held])]
        for begin in range(0, len(fresh), self.block):
            part = fresh[begin : begin + self.block]
            rows = torch.from_numpy(np.resize(part, self.block))
            with blame("encode", batch.keys[rows[: len(part)]]):
                encoded = self.plan.model.encode(*(x[rows].to(self.plan.device) for x in (batch.tokens, batch.ids)))
                if encoded.ndim != 3 or len(encoded) != self.block:
                    raise ShapeError(f"encode returned shape {tuple(encoded.shape)}; expected [{self.block}, S, D]")
            if self.encoded is None:
                self.encoded = encoded.new_zeros(len(self.content), *encoded.shape[1:])
            self.encoded[torch.from_numpy(slots[part]).to(encoded.device)] = encoded[: len(part)]
        rest = np.setdiff1d(np.arange(len(slots)), fresh)
        if len(rest) and self.encoded is not None:
            holders = np.concatenate((held, slots[fresh]))
            content = np.concatenate((self.content[held], batch.content[fresh]))
            order = np.argsort(content)
            origin = holders[order][np.searchsorted(content[order], batch.content[rest])]
            at, of = (torch.from_numpy(x).to(self.encoded.device) for x in (slots[rest], origin))
            self.encoded[at] = self.encoded[of]

    def _admit(self) -> Lanes | None:
        if self.encoded is None:
            return None
        if self.lanes is None:
            with blame("start", self.keys[:0]):
                self.lanes = Lanes(self.plan.model, self.plan.strategy, self.n, self.encoded, self.tokens)
        slot, rollout = self.scheduler.grant(self.n - len(self.lanes.live))
        if len(slot):
            self.lanes.admit(slot, rollout, self.tokens, self.encoded, self.keys)
        else:
            self.lanes.compact(self.block)
        return self.lanes

    def _advance(self, lanes: Lanes) -> None:
        for index in np.unique(lanes.live // self.block):
            part = slice(int(index) * self.block, (int(index) + 1) * self.block)
            self._step(lanes, part)
            self.lane_steps_run += self.block
        lanes.host_step[lanes.live] += 1

    def _step(self, lanes: Lanes, part: slice) -> None:
        plan, before = self.plan, lanes.view(part)
        keys = lanes.keys[part][torch.from_numpy(lanes.slot[part] >= 0).to(plan.device)]
        with blame(f"{type(plan.strategy).__name__}.perturb", keys):
            state = plan.strategy.perturb(before, lanes.streams(part, plan.seed))
            check_state(f"{type(plan.strategy).__name__}.perturb", state, before.state)
        with blame(type(plan.model).__name__, keys):
            state = plan.model.step(state, before.encoded)
            check_state("step", state, before.state)
            out = plan.model.read(state)
            check_readout(out, before.tokens, plan.model.codec.vocab_size)
        pad = plan.model.codec.pad
        lanes.previous[part] = before.answers
        lanes.answers[part] = torch.where(before.tokens == pad, pad, out.logits.argmax(dim=2))
        lanes.q[part] = torch.where(out.logits.isfinite().all(dim=2).all(dim=1), out.q, torch.nan)
        lanes.halt[part] = out.halt
        y, old = state["y"], before.state["y"]
        norms = [torch.linalg.vector_norm(x, dim=(1, 2), dtype=torch.float32) for x in (y - old, old)]
        lanes.residual[part] = norms[0] / norms[1].clamp_min(1e-30)
        lanes.step[part] += 1
        for name, latent in state.items():
            lanes.state[name][part] = latent

    def _retire(self, lanes: Lanes) -> None:
        plan, live = self.plan, lanes.live
        at = torch.from_numpy(live).to(plan.device)
        slot, rollout, step = lanes.slot[live], lanes.host_rollout[live], lanes.host_step[live]
        bad = ~(lanes.q[at].isfinite() & lanes.residual[at].isfinite())
        if bool(bad.any()):
            i = int(bad.nonzero()[0])
            raise RolloutError(
                f"{type(plan.model).__name__} returned a value that is not finite on puzzle key "
                f"{int(lanes.keys[at[i]])}, rollout {rollout[i]}, step {step[i]}: lower the noise, or run in float32"
            )
        self._write_record(lanes, at, slot, rollout, step)
        halted = np.zeros(len(live), bool)
        if plan.stop is not None:
            halted = self._judge(plan.stop, lanes, at, slot, rollout)
        over = self.scheduler.over[slot]
        status = np.where(over, Status.CANCELLED, RUNNING)
        status = np.where(halted, Status.HALTED, np.where(step == plan.depth, Status.FINISHED, status))
        self.scheduler.steps[slot, rollout] = step
        out = np.flatnonzero(status != RUNNING)
        if len(out):
            self.scheduler.retire(
                slot[out],
                rollout[out],
                status[out],
                *(x[at[out]].cpu().numpy() for x in (lanes.answers, lanes.q, lanes.residual)),
            )
            lanes.slot[live[out]] = -1

    def _judge(self, stop: Stop, lanes: Lanes, at: Tensor, slot: Ints, rollout: Ints) -> np.ndarray:
        scheduler, device = self.scheduler, self.plan.device
        spent = scheduler.steps.sum(axis=1) + np.bincount(slot, minlength=len(scheduler.puzzle))
        on_device = [torch.from_numpy(x).to(device) for x in (slot, scheduler.halted()[slot], spent[slot])]
        fields = (lanes.tokens, lanes.answers, lanes.previous, lanes.q, lanes.halt, lanes.residual, lanes.step)
        view = StopView(
            *(x[at] for x in fields), on_device[0], len(spent), *on_device[1:], self.plan.model.codec.verifier
        )
        with blame(f"{type(stop).__name__}.done", lanes.keys[at]):
            verdict = stop.done(view)
            for name in ("lane", "puzzle", "wins"):
                if getattr(verdict, name).shape != at.shape:
                    raise ShapeError(f"{name} has shape {tuple(getattr(verdict, name).shape)}; expected [{len(at)}]")
        lane, ends, wins = (x.cpu().numpy() for x in (verdict.lane, verdict.puzzle, verdict.wins))
        if ends.any():
            winner = np.full(len(spent), scheduler.k)
            np.minimum.at(winner, slot[ends & wins], rollout[ends & wins])
            over = np.unique(slot[ends])
            scheduler.ended(over, np.where(winner < scheduler.k, winner, -1)[over])
        return lane

    def _write_record(self, lanes: Lanes, at: Tensor, slot: Ints, rollout: Ints, step: Ints) -> None:
        for name in self.plan.record:
            value = (lanes.state[name] if name in lanes.state else getattr(lanes, name))[at].cpu()
            if name == "answers":
                value = value.to(torch.from_numpy(self.scheduler.answers[:0]).dtype)
            if name not in self.record:
                shape = (len(self.content), self.plan.k, self.plan.depth, *value.shape[1:])
                self.record[name] = torch.full(shape, torch.nan if name == "q" else 0, dtype=value.dtype)
            self.record[name][slot, rollout, step - 1] = value

    def _collect(self, slots: Ints) -> Finished:
        found, at = self.scheduler, torch.from_numpy(slots)
        on_device = at.to(self.plan.device)
        rows = (found.answers, found.q, found.residual, found.steps, found.status)
        rollouts = Rollouts(*(torch.from_numpy(x[slots]) for x in rows), {n: v[at] for n, v in self.record.items()})
        now = time.perf_counter()
        flops = self.lane_steps_run * self.plan.model.step_flops()
        cost = Cost(int(rollouts.steps.sum()), self.lane_steps_run, now - self.since, flops)
        self.lane_steps_run, self.since = 0, now
        position, winner = found.puzzle[slots].copy(), torch.from_numpy(found.winner[slots])
        found.puzzle[slots] = -1
        return Finished(position, self.tokens[on_device].cpu(), self.keys[on_device].cpu(), rollouts, winner, cost)

    def _shrink(self, error: torch.OutOfMemoryError) -> None:
        """Half the lanes in flight; what they carried is run again, which gives the same results."""
        widest = int(np.diff(self.plan.ends, prepend=0).max()) if self.plan.lockstep else 1
        least = -(-widest // self.block) * self.block
        if self.n <= least:
            raise RolloutError(
                f"out of memory with {self.n} lanes in flight, the fewest that this search can run "
                f"(blocks of {self.block}, waves of up to {widest}): use a device with more memory, or narrower waves="
            ) from error
        self.n = max(least, self.n // 2 // self.block * self.block)
        self.lanes = None
        self.scheduler.requeue()
        if self.plan.device.type == "cuda":
            torch.cuda.empty_cache()
        if not self.warned:
            self.warned = True
            warnings.warn(f"out of memory: going on with {self.n} lanes in flight", RuntimeWarning, stacklevel=4)
