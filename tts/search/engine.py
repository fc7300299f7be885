"""The hot loop: open, admit, perturb, step, read, retire. Nothing in it is per-lane Python.

Lanes are stepped in blocks of a fixed number, so that compiled code and CUDA graphs see one shape and a rollout's bits
do not depend on how many others run. Empty blocks are skipped, the last one is padded with dead lanes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts._util.arrays import Ints
from tts._util.threads import run_in_threads
from tts.errors import RolloutError
from tts.interfaces import CoupledStrategy, RecursiveModel, RewritingStrategy, Stop, Strategy, blame, judged, name_of
from tts.interfaces.checks import check_readout, check_state
from tts.search.cuda_graphs import graphed, plain
from tts.search.embeddings import Embeddings
from tts.search.lanes import Lanes, Record
from tts.search.queue import Batch, PuzzleQueue
from tts.search.result import Cost, Rollouts, Status
from tts.search.scheduler import RUNNING, Scheduler
from tts.search.views import Views


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

    @property
    def widest(self) -> int:
        """Lanes that must start together."""
        return int(np.diff(self.ends, prepend=0).max()) if self.lockstep else 1


class Engine:
    """One run over a source of puzzles, with ``lanes`` in flight, a multiple of the model's block."""

    def __init__(self, plan: Plan, lanes: int, source: PuzzleQueue):
        self.plan, self.source, self.n, self.block = plan, source, lanes, plan.model.block
        # Where lanes end one by one, as many puzzles are open as lanes, so that stragglers never leave lanes empty.
        alone = plan.stop is not None or len(plan.ends) > 1
        slots = min(len(source), lanes if alone else -(-lanes // plan.k) + 1)
        self.scheduler = Scheduler(slots, plan.k, source.cells, plan.ends, plan.lockstep, plan.model.codec.vocab_size)
        self.tokens = torch.zeros(slots, source.cells, dtype=torch.int64, device=plan.device)
        self.keys = torch.zeros(slots, dtype=torch.int64, device=plan.device)
        self.views = Views(plan.strategy, plan.model.codec, slots, plan.k, plan.device)
        self.embeddings = Embeddings(plan.model, slots * self.views.count, plan.device)
        answers = torch.from_numpy(self.scheduler.answers).dtype
        self.record = Record(plan.record, slots, plan.k, plan.depth, answers)
        self.advance = graphed(plan.model) if plan.device.type == "cuda" else plain(plan.model)
        self.ids, self.moved = torch.zeros(slots, dtype=torch.int64), np.zeros(0, np.int64)
        self.lanes: Lanes | None = None
        self.waiting: Batch | None = None
        self.lane_steps_run, self.since, self.warned = 0, time.perf_counter(), False

    def run(self) -> Iterator[Finished]:
        """Yield puzzles as they finish."""
        while True:
            try:
                if not self._round():
                    return
            except torch.OutOfMemoryError as error:
                self._shrink(error)
                continue
            wave = self.scheduler.wave.copy()
            closed = self.scheduler.advance()
            self.moved = np.flatnonzero(self.scheduler.wave > wave)
            if len(closed):
                yield self._collect(closed)

    def _round(self) -> bool:
        """One step of all lanes in flight; False where nothing is left to run."""
        self._rewrite()
        self._open()
        lanes = self._admit()
        if lanes is None:
            return False
        if isinstance(self.plan.strategy, CoupledStrategy):
            lanes.resample(self.plan.strategy, self.plan.k, self.plan.seed)
        self._step_blocks(lanes)
        lanes.host_step[lanes.live] += 1
        self._retire(lanes)
        return True

    def _open(self) -> None:
        free = self.scheduler.free
        if self.waiting is None and len(free):
            self.waiting = self.source.take(len(free))
        batch = self.waiting
        if batch is None:
            return
        slots = free[: len(batch.position)]
        held = np.flatnonzero(self.scheduler.puzzle >= 0)
        self.embeddings.fill(self.views.rows(slots), self.views.open(slots, batch), self.views.rows(held))
        at = torch.from_numpy(slots).to(self.plan.device)
        self.ids[torch.from_numpy(slots)] = batch.ids
        self.tokens[at], self.keys[at] = batch.tokens.to(at.device), batch.keys.to(at.device)
        self.scheduler.open(slots, batch.position)
        self.record.clear(slots)
        self.waiting = None

    def _rewrite(self) -> None:
        """Rewrite the puzzles whose next wave begins."""
        strategy, moved, found = self.plan.strategy, self.moved, self.scheduler
        if isinstance(strategy, RewritingStrategy) and len(moved):
            at = torch.from_numpy(moved)
            tokens, keys = (x[at.to(x.device)].cpu() for x in (self.tokens, self.keys))
            batch = Batch(found.puzzle[moved], tokens, self.ids[at], keys, moved)
            answers, q = torch.from_numpy(found.answers[moved]).long(), torch.from_numpy(found.q[moved])
            batch = self.views.rewrite(strategy, moved, batch, answers, q)
            self.embeddings.fill(moved, batch, np.setdiff1d(np.flatnonzero(found.puzzle >= 0), moved))
        self.moved = moved[:0]

    def _admit(self) -> Lanes | None:
        encoded = self.embeddings.rows
        if encoded is None:
            return None
        if self.lanes is None:
            self.lanes = Lanes(self.plan.model, self.plan.strategy, self.n, encoded, self.views)
        slot, rollout = self.scheduler.grant(self.n - len(self.lanes.live))
        if len(slot):
            self.lanes.admit(slot, rollout, self.tokens, encoded, self.keys)
        else:
            self.lanes.compact(self.block)
        return self.lanes if len(self.lanes.live) else None

    def _step_blocks(self, lanes: Lanes) -> None:
        first = (np.unique(lanes.live // self.block) * self.block).tolist()
        parts = [slice(lane, lane + self.block) for lane in first]
        if self.plan.model.parallel_blocks:
            run_in_threads(lambda index: self._step(lanes, parts[index]), len(parts))
            self.lane_steps_run += self.block * len(parts)
            return
        for part in parts:
            self._step(lanes, part)
            self.lane_steps_run += self.block

    def _step(self, lanes: Lanes, part: slice) -> None:
        plan, before = self.plan, lanes.view(part, self.plan.depth)
        with blame(f"{name_of(plan.strategy)}.perturb", lambda: lanes.keys_of(part)):
            state = plan.strategy.perturb(before, lanes.streams(part, plan.seed))
            check_state("perturb", state, before.state)
        with blame(name_of(plan.model), lambda: lanes.keys_of(part)):
            state, out = self.advance(state, before.encoded)
            check_readout(out, before.tokens, plan.model.codec.vocab_size)
        lanes.answer(part, out.logits.argmax(dim=2), plan.model.codec.pad)
        lanes.q[part] = torch.where(out.logits.sum(dim=(1, 2)).isfinite(), out.q, torch.nan)
        lanes.halt[part] = out.halt
        y, old = state["y"], before.state["y"]
        norms = [x.float().flatten(1).norm(dim=1) for x in (y - old, old)]
        lanes.residual[part] = norms[0] / norms[1].clamp_min(1e-30)
        lanes.step[part] += 1
        for name, latent in state.items():
            lanes.state[name][part] = latent

    def _retire(self, lanes: Lanes) -> None:
        live, scheduler = lanes.live, self.scheduler
        at, slot, rollout, step = lanes.index(live), lanes.slot[live], lanes.host_rollout[live], lanes.host_step[live]
        lanes.check_finite(at)
        self.record.write(lanes, at, slot, rollout, step)
        halted = np.zeros(len(live), bool)
        if self.plan.stop is not None:
            halted = self._judge(self.plan.stop, lanes, at, slot, rollout)
        status = np.where(scheduler.over[slot], Status.CANCELLED, RUNNING)
        status = np.where(halted, Status.HALTED, np.where(step == self.plan.depth, Status.FINISHED, status))
        scheduler.steps[slot, rollout] = step
        out = np.flatnonzero(status != RUNNING)
        if len(out):
            fields = (lanes.answers, lanes.q, lanes.residual, lanes.halt)
            scheduler.retire(slot[out], rollout[out], status[out], *(x[at[out]].cpu().numpy() for x in fields))
            lanes.slot[live[out]] = -1

    def _judge(self, stop: Stop, lanes: Lanes, at: Tensor, slot: Ints, rollout: Ints) -> NDArray[np.bool_]:
        scheduler = self.scheduler
        spent = scheduler.steps.sum(axis=1) + np.bincount(slot, minlength=len(scheduler.puzzle))
        view = lanes.stop_view(at, slot, spent, scheduler.q, scheduler.halt)
        with blame("the stop rule", lambda: lanes.keys[at]):
            verdict = judged(stop, view)
        lane, ends, wins = (x.cpu().numpy() for x in (verdict.retire, verdict.end, verdict.win))
        if ends.any():
            winner = np.full(len(spent), scheduler.k)
            np.minimum.at(winner, slot[ends & wins], rollout[ends & wins])
            over = np.unique(slot[ends])
            scheduler.ended(over, np.where(winner < scheduler.k, winner, -1)[over])
        return lane

    def _collect(self, slots: Ints) -> Finished:
        found, at = self.scheduler, torch.from_numpy(slots)
        on_device = at.to(self.plan.device)
        rollouts = Rollouts(
            answers=torch.from_numpy(found.answers[slots]),
            q=torch.from_numpy(found.q[slots]),
            residual=torch.from_numpy(found.residual[slots]),
            steps=torch.from_numpy(found.steps[slots]),
            status=torch.from_numpy(found.status[slots]),
            record=self.record.rows(at),
        )
        now = time.perf_counter()
        flops = self.lane_steps_run * self.plan.model.step_flops()
        cost = Cost(int(rollouts.steps.sum()), self.lane_steps_run, now - self.since, flops, self.embeddings.embedded)
        self.lane_steps_run, self.since, self.embeddings.embedded = 0, now, 0
        position, winner = found.puzzle[slots].copy(), torch.from_numpy(found.winner[slots])
        found.puzzle[slots] = -1
        return Finished(position, self.tokens[on_device].cpu(), self.keys[on_device].cpu(), rollouts, winner, cost)

    def _shrink(self, error: torch.OutOfMemoryError) -> None:
        """Half the lanes in flight; what they carried is run again, which gives the same results."""
        widest, block = self.plan.widest, self.block
        least = -(-widest // block) * block
        if self.n <= least:
            raise RolloutError(
                f"out of memory with {self.n} lanes in flight, the fewest that this search can run "
                f"(blocks of {block}, waves of up to {widest}): use a device with more memory, or narrower waves="
            ) from error
        self.n, self.lanes = max(least, self.n // 2 // block * block), None
        self.scheduler.requeue()
        if not self.warned:
            self.warned = True
            warnings.warn(f"out of memory: going on with {self.n} lanes in flight", RuntimeWarning, stacklevel=4)
