"""The hot loop: open, admit, perturb, step, read, retire. Nothing in it is per-lane Python.

Lanes are stepped in blocks of a fixed number, so that compiled code and CUDA graphs see one shape and a rollout's bits
do not depend on how many others run. Empty blocks are skipped, the last one is padded with dead lanes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts._util.arrays import Ints
from tts._util.threads import run_in_threads
from tts.errors import RolloutError
from tts.interfaces import CoupledStrategy, RewritingStrategy, Stop, blame, judged, name_of
from tts.interfaces.checks import check_readout, check_state
from tts.search.cuda_graphs import graphed, plain
from tts.search.embeddings import Embeddings
from tts.search.lanes import Lanes
from tts.search.outcomes import Outcomes
from tts.search.plan import FinishedPuzzles, Plan
from tts.search.queue import Batch, PuzzleQueue
from tts.search.rollouts import Cost, Status
from tts.search.scheduler import Scheduler
from tts.search.views import Views


class Engine:
    """One run over a source of puzzles, with ``lanes`` in flight, a multiple of the model's block."""

    def __init__(self, plan: Plan, lanes: int, source: PuzzleQueue):
        self.plan, self.source = plan, source
        self.n, self.block = lanes, plan.model.block
        # Where lanes end one by one, as many puzzles are open as lanes, so that stragglers never leave lanes empty.
        alone = plan.stop is not None or len(plan.ends) > 1
        slots = min(len(source), lanes if alone else -(-lanes // plan.k) + 1)
        self.scheduler = Scheduler(slots, plan.ends, plan.lockstep)
        vocab_size = plan.model.codec.vocab_size
        self.outcomes = Outcomes(slots, plan.k, source.cells, plan.depth, vocab_size, plan.record)
        self.tokens = torch.zeros(slots, source.cells, dtype=torch.int64, device=plan.device)
        self.keys = torch.zeros(slots, dtype=torch.int64, device=plan.device)
        self.views = Views(plan.strategy, plan.model.codec, slots, plan.k, plan.device)
        self.embeddings = Embeddings(plan.model, slots * self.views.count, plan.device)
        self.advance = graphed(plan.model) if plan.device.type == "cuda" else plain(plan.model)
        self.ids = torch.zeros(slots, dtype=torch.int64)
        self.lanes: Lanes | None = None
        self.waiting: Batch | None = None  # puzzles taken from the source, to open once they are embedded
        self.moved = np.zeros(0, np.int64)  # slots whose next wave begins
        self.lane_steps_run, self.since = 0, time.perf_counter()  # as of the last puzzles that finished
        self.warned = False

    def run(self) -> Iterator[FinishedPuzzles]:
        """Yield puzzles as they finish."""
        while True:
            try:
                if not self._round():
                    return
            except torch.OutOfMemoryError as error:
                self._shrink(error)
                continue
            self.moved, done = self.scheduler.advance(self.outcomes.status)
            if len(done):
                yield self._collect(done)

    def _round(self) -> bool:
        """Step all lanes in flight once; False where nothing is left to run."""
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
        held = self.views.rows(self.scheduler.busy)
        self.embeddings.fill(self.views.rows(slots), self.views.open(slots, batch), held)
        index = torch.from_numpy(slots)
        self.ids[index] = batch.ids
        self.tokens[index.to(self.tokens.device)] = batch.tokens.to(self.tokens.device)
        self.keys[index.to(self.keys.device)] = batch.keys.to(self.keys.device)
        self.scheduler.open(slots, batch.position)
        self.outcomes.forget(slots)
        self.waiting = None

    def _rewrite(self) -> None:
        """Rewrite the puzzles whose next wave begins."""
        strategy, moved = self.plan.strategy, self.moved
        if isinstance(strategy, RewritingStrategy) and len(moved):
            index = torch.from_numpy(moved)
            tokens, keys = (x[index.to(x.device)].cpu() for x in (self.tokens, self.keys))
            position = self.scheduler.positions(moved)
            batch = Batch(position=position, tokens=tokens, ids=self.ids[index], keys=keys)
            answers = torch.from_numpy(self.outcomes.answers[moved]).long()
            q = torch.from_numpy(self.outcomes.q[moved])
            batch = self.views.rewrite(strategy, moved, batch, answers, q)
            self.embeddings.fill(moved, batch, np.setdiff1d(self.scheduler.busy, moved))
        self.moved = moved[:0]

    def _admit(self) -> Lanes | None:
        encoded = self.embeddings.rows
        if encoded is None:
            return None
        if self.lanes is None:
            self.lanes = Lanes(self.plan.model, self.plan.strategy, self.n, encoded, self.views)
        slot, rollout = self.scheduler.grant(self.n - len(self.lanes.live), self.outcomes.status)
        if len(slot):
            self.outcomes.start(slot, rollout)
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
        lanes.q[part] = out.q
        lanes.halt[part] = out.halt
        lanes.finite[part] = out.logits.sum(dim=(1, 2)).isfinite()  # NaN and inf survive the sum
        y, old = state["y"], before.state["y"]
        norms = [x.float().flatten(1).norm(dim=1) for x in (y - old, old)]
        lanes.residual[part] = norms[0] / norms[1].clamp_min(1e-30)
        lanes.step[part] += 1
        for name, latent in state.items():
            lanes.state[name][part] = latent

    def _retire(self, lanes: Lanes) -> None:
        live, index = lanes.live, lanes.index(lanes.live)
        slot, rollout, step = lanes.slot[live], lanes.host_rollout[live], lanes.host_step[live]
        lanes.check_finite(index)
        self.outcomes.step(slot, rollout, lanes, index, step)
        halted = np.zeros(len(live), bool)
        if self.plan.stop is not None:
            halted = self._judge(self.plan.stop, lanes, index, slot, rollout)
        status = np.where(self.scheduler.is_over(slot), Status.CANCELLED, Status.RUNNING)
        status = np.where(halted, Status.HALTED, np.where(step == self.plan.depth, Status.FINISHED, status))
        out = np.flatnonzero(status != Status.RUNNING)
        if len(out):
            self.outcomes.end(slot[out], rollout[out], lanes, index[out], status[out])
            lanes.slot[live[out]] = -1

    def _judge(self, stop: Stop, lanes: Lanes, index: Tensor, slot: Ints, rollout: Ints) -> NDArray[np.bool_]:
        outcomes, k = self.outcomes, self.plan.k
        view = lanes.stop_view(index, slot, outcomes.spent, outcomes.q, outcomes.halt)
        with blame("the stop rule", lambda: lanes.keys[index]):
            verdict = judged(stop, view)
        retire, end, win = (x.cpu().numpy() for x in (verdict.retire, verdict.end, verdict.win))
        if end.any():
            winner = np.full(len(outcomes.status), k)
            np.minimum.at(winner, slot[end & win], rollout[end & win])
            over = np.unique(slot[end])
            self.scheduler.finish(over, np.where(winner < k, winner, -1)[over])
        return retire

    def _collect(self, slots: Ints) -> FinishedPuzzles:
        rollouts = self.outcomes.rollouts(slots)
        position, winner = self.scheduler.close(slots)
        index = torch.from_numpy(slots).to(self.plan.device)
        now = time.perf_counter()
        cost = Cost(
            lane_steps=int(rollouts.steps.sum()),
            lane_steps_run=self.lane_steps_run,
            seconds=now - self.since,
            flops=self.lane_steps_run * self.plan.model.step_flops(),
            embedded=self.embeddings.embedded,
        )
        self.lane_steps_run, self.since, self.embeddings.embedded = 0, now, 0
        return FinishedPuzzles(
            position=position,
            tokens=self.tokens[index].cpu(),
            keys=self.keys[index].cpu(),
            rollouts=rollouts,
            winner=torch.from_numpy(winner),
            cost=cost,
        )

    def _shrink(self, error: torch.OutOfMemoryError) -> None:
        """Halve the lanes in flight; what they carried is run again, which gives the same results."""
        widest, block = self.plan.widest, self.block
        least = -(-widest // block) * block
        if self.n <= least:
            raise RolloutError(
                f"out of memory with {self.n} lanes in flight, the fewest that this search can run "
                f"(blocks of {block}, waves of up to {widest}): use a device with more memory, or narrower waves="
            ) from error
        self.n, self.lanes = max(least, self.n // 2 // block * block), None
        self.outcomes.forget(self.scheduler.requeue(self.outcomes.status))
        if not self.warned:
            self.warned = True
            warnings.warn(f"out of memory: continuing with {self.n} lanes in flight", RuntimeWarning, stacklevel=4)
