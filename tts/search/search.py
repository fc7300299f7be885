"""Search: many rollouts of a recursive model on each puzzle, and the pick of one."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence

import attrs
import numpy as np
import torch
from attrs.validators import optional
from torch import Tensor
from tqdm import tqdm

from tts._util.arrays import Ints
from tts.errors import PuzzleError
from tts.interfaces import (
    CoupledStrategy,
    Puzzle,
    RecursiveModel,
    Selector,
    Stop,
    Strategy,
    device_of,
    instance,
    name_of,
    positive,
)
from tts.search.engine import Engine
from tts.search.outcomes import RECORDABLE
from tts.search.plan import FinishedPuzzles, Plan
from tts.search.queue import PuzzleQueue
from tts.search.result import Result, pick_of
from tts.search.scheduler import wave_ends


class SearchInterrupted(KeyboardInterrupt):
    """Ctrl-C. ``result`` holds the puzzles that were finished, ``position`` int64 [n] says which of the input's."""

    def __init__(self, result: Result | None, position: Tensor):
        super().__init__(f"interrupted with {len(position)} puzzles finished; they are in .result")
        self.result, self.position = result, position


def _sizes(waves: Iterable[int] | None) -> tuple[int, ...] | None:
    return None if waves is None else tuple(waves)


def _names(record: str | Iterable[str]) -> tuple[str, ...]:
    return (record,) if isinstance(record, str) else tuple(record)


@attrs.frozen(eq=False)
class Search:
    """K rollouts of a model on each puzzle, made to differ by a strategy, of which a selector picks one.

    Implements PTRM (arXiv 2605.19943, figure 4) when ``stop`` is None: every rollout runs ``depth`` supervision steps,
    the strategy perturbing the latents before each. A rollout depends on nothing but the weights, the puzzle, the seed,
    the puzzle key and its own number.

    Args:
        model: a recursive model; searched in its own dtype, on its own device.
        strategy: what makes the rollouts differ.
        selector: which rollout answers.
        k: rollouts a puzzle, K.
        depth: supervision steps a rollout.
        lanes: rollouts in flight, rounded up to whole blocks and to the widest wave; bounds the memory.
        stop: when to retire a rollout or end a puzzle. Rollouts run in waves when the rule can end a puzzle,
            or the strategy rewrites puzzles.
        waves: sizes of the waves, the last one repeated; by default 1, 1, 2, 4, ...
        record: what to keep of every step: any of "q", "residual", "answers", "y", "z".
    """

    model: RecursiveModel = attrs.field(validator=instance(RecursiveModel))
    strategy: Strategy = attrs.field(validator=instance(Strategy))
    selector: Selector = attrs.field(validator=instance(Selector))
    k: int = attrs.field(kw_only=True, validator=positive)
    depth: int = attrs.field(default=16, kw_only=True, validator=positive)
    lanes: int | None = attrs.field(default=None, kw_only=True, validator=optional(positive))
    stop: Stop | None = attrs.field(default=None, kw_only=True, validator=optional(instance(Stop)))
    waves: tuple[int, ...] | None = attrs.field(default=None, kw_only=True, converter=_sizes)
    record: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_names)

    @waves.validator
    def _are_sizes(self, _: object, waves: tuple[int, ...] | None) -> None:
        if waves is not None and not (waves and all(isinstance(size, int) and size >= 1 for size in waves)):
            raise ValueError(f"Search: waves is {waves}; give sizes of 1 or more, or None for 1, 1, 2, 4, ...")

    @record.validator
    def _are_recordable(self, _: object, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in RECORDABLE:
                raise ValueError(f"Search: record has {name!r}; choose among {', '.join(RECORDABLE)}")

    def __attrs_post_init__(self) -> None:
        if self._coupled:
            name = name_of(self.strategy)
            if self.stop is not None and self.stop.ends_lanes:
                raise ValueError(
                    f"Search: {name_of(self.stop)} can stop rollouts one by one, but those of {name} run together; "
                    "stop whole puzzles, say by Verified(), FirstHalted() or Budget(n)"
                )
            if self.waves is not None:
                raise ValueError(f"Search: the rollouts of {name} run together, in one wave; leave waves out")

    @property
    def _coupled(self) -> bool:
        return isinstance(self.strategy, CoupledStrategy)

    @property
    def exchangeable(self) -> bool:
        """Whether all rollouts run and know nothing of each other, without which pass@k is not defined."""
        return self.strategy.exchangeable and (self.stop is None or not self.stop.ends_puzzles)

    def __call__(
        self,
        puzzles: Tensor | Sequence[Puzzle],
        *,
        ids: Tensor | None = None,
        keys: Tensor | None = None,
        seed: int = 0,
    ) -> Result:
        """Search B puzzles.

        Args:
            puzzles: tokens, integer [B, L], or boards that the model's codec knows.
            ids: puzzle identifiers [B] of tokens; 0 by default. Boards bring their own.
            keys: int64 [B], which tell the noise of equal puzzles apart; by default a hash of tokens and id, so that
                equal puzzles get equal rollouts.
            seed: of all noise.

        Raises:
            PuzzleError, ShapeError: the puzzles do not fit the model.
            RolloutError: the model, the strategy or a rule failed; names it and the puzzle key.
            SearchInterrupted: Ctrl-C; carries the puzzles that were finished.
        """
        source = PuzzleQueue(self.model.codec, puzzles, ids, keys)
        seed = operator.index(seed)
        if not len(source):
            raise PuzzleError("there is nothing to search: no puzzles were given")
        parts: list[tuple[Ints, Result]] = []
        try:
            with tqdm(total=len(source), desc="search", unit="puzzle", disable=None, delay=1) as bar:
                for finished in self._run(source, seed):
                    parts.append((finished.position, self._result(finished)))
                    bar.update(len(finished.position))
        except KeyboardInterrupt as interrupt:
            raise SearchInterrupted(*_in_order(parts)) from interrupt
        result, _ = _in_order(parts)
        assert result is not None
        return result

    def stream(
        self,
        puzzles: Tensor | Sequence[Puzzle],
        *,
        ids: Tensor | None = None,
        keys: Tensor | None = None,
        seed: int = 0,
    ) -> Iterator[tuple[int, Result]]:
        """Yield (position, result of one puzzle) as puzzles finish; memory does not grow with their number.

        The costs of the results add up to what the whole search has spent. Arguments and errors are those of a call,
        except that no puzzles give no results, and that Ctrl-C raises KeyboardInterrupt itself.
        """
        return self._stream(PuzzleQueue(self.model.codec, puzzles, ids, keys), operator.index(seed))

    def _stream(self, source: PuzzleQueue, seed: int) -> Iterator[tuple[int, Result]]:
        for finished in self._run(source, seed):
            free = attrs.evolve(finished.cost, lane_steps=0, lane_steps_run=0, seconds=0.0, flops=0, embedded=0)
            for row, position in enumerate(finished.position.tolist()):
                steps = int(finished.rollouts.steps[row].sum())
                cost = attrs.evolve(free if row else finished.cost, lane_steps=steps)
                yield position, self._result(finished.take(row, cost))

    def _run(self, source: PuzzleQueue, seed: int) -> Iterator[FinishedPuzzles]:
        model, stop = self.model, self.stop
        lockstep = self.strategy.lockstep or (stop is not None and stop.ends_puzzles)
        ends = wave_ends(self.k, self.waves) if lockstep and not self._coupled else np.array([self.k])
        plan = Plan(
            model=model,
            strategy=self.strategy,
            stop=stop,
            k=self.k,
            depth=self.depth,
            ends=ends,
            lockstep=lockstep,
            record=self.record,
            seed=seed,
            device=device_of(model),
        )
        together = torch.get_num_threads() if model.parallel_blocks else 1
        lanes = max(min(self.lanes or 4 * together * model.block, len(source) * self.k), plan.widest)
        steps = Engine(plan, -(-lanes // model.block) * model.block, source).run()
        while True:
            with torch.no_grad():  # entered again for each step, so that a caller's own code never runs inside it
                finished = next(steps, None)
            if finished is None:
                return
            yield finished

    def _result(self, finished: FinishedPuzzles) -> Result:
        verifier = self.model.codec.verifier
        pick = pick_of(
            self.selector,
            tokens=finished.tokens,
            keys=finished.keys,
            rollouts=finished.rollouts,
            winner=finished.winner,
            verifier=verifier,
        )
        return Result(
            tokens=finished.tokens,
            keys=finished.keys,
            answers=pick.answers,
            index=pick.index,
            scores=pick.scores,
            winner=finished.winner,
            rollouts=finished.rollouts,
            cost=finished.cost,
            dtype=next(self.model.parameters(), torch.empty(0)).dtype,
            device=device_of(self.model),
            verifier=verifier,
            exchangeable=self.exchangeable,
            independent=pick.independent,
        )


def _in_order(parts: list[tuple[Ints, Result]]) -> tuple[Result | None, Tensor]:
    if not parts:
        return None, torch.zeros(0, dtype=torch.int64)
    position = torch.from_numpy(np.concatenate([position for position, _ in parts]))
    order = position.argsort()
    return Result.join([result for _, result in parts], order), position[order]
