"""Subject: a result with all that the report knows of it, wherever it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from tts.errors import ShapeError, TTSError
from tts.interfaces import Codec, Puzzle, Strategy, name_of
from tts.search import Result, Search, Status
from tts.strategies import Chain, TargetedNoise


@attrs.frozen(eq=False, kw_only=True)
class Subject:
    """B puzzles searched.

    Attributes:
        name: of the search; empty where there is one alone.
        result: with ``record=("answers", "q")`` the player has every step, else the answers alone.
        correct: bool [B, K], equal to the label; None without labels.
        labels: int [B, L]; None where they are not at hand, even if ``correct`` is.
        ignore: the label of cells that may hold anything.
        codec: the model's, which says how tokens are drawn.
        puzzles: the boards, where they were searched as such.
        words: strategy, selector and so on, by what they are.
        noise: puts noise on some cells alone, which can be shown.
    """

    name: str
    result: Result
    correct: Tensor | None = None
    labels: Tensor | None = None
    ignore: int = 0
    codec: Codec | None = None
    puzzles: Sequence[Puzzle] | None = None
    words: dict[str, str] = attrs.field(factory=dict)
    noise: TargetedNoise | None = None

    @staticmethod
    def of(
        result: Result,
        labels: Tensor | None,
        ignore: int,
        search: Search | None,
        puzzles: Sequence[Puzzle] | None,
    ) -> Subject:
        """Make one of what a caller has at hand.

        Raises:
            ShapeError: labels or puzzles do not fit the result.
            TTSError: the search is not the one that brought it.
        """
        result, correct = on_cpu(result), None
        if labels is not None:
            labels = torch.as_tensor(labels).cpu()
            if labels.shape != result.tokens.shape or labels.is_floating_point():
                raise ShapeError(
                    f"labels must be integer [B, L] = {list(result.tokens.shape)}, a row for each puzzle of the "
                    f"result; got {labels.dtype} {list(labels.shape)}"
                )
            correct = result.rollouts.correct(labels, ignore) & started(result)
        if puzzles is not None and len(puzzles) != len(result.tokens):
            raise ShapeError(f"{len(puzzles)} puzzles, a result of {len(result.tokens)}: give those that were searched")
        if search is not None:
            _check(search, result)
        return Subject(
            name="",
            result=result,
            correct=correct,
            labels=labels,
            ignore=ignore,
            codec=None if search is None else search.model.codec,
            puzzles=puzzles,
            words={} if search is None else words_of(search),
            noise=None if search is None else targeted(search.strategy),
        )

    @property
    def judge(self) -> str:
        """Who says what is right: the label, else the rules; empty where nobody does."""
        return "label" if self.correct is not None else "rules" if self.result.verifier is not None else ""

    @property
    def right(self) -> Tensor | None:
        """bool [B, K]: which rollouts are right, as ``judge`` says."""
        if self.correct is not None:
            return self.correct
        return None if self.result.verifier is None else self.result.verified()


def on_cpu(result: Result) -> Result:
    """Return a result whose tensors are on the CPU."""
    tensors = {name: getattr(result, name).cpu() for name in ("tokens", "keys", "answers", "index", "scores", "winner")}
    return attrs.evolve(result, rollouts=result.rollouts.map(Tensor.cpu), **tensors)


def started(result: Result) -> Tensor:
    """bool [B, K]: rollouts that took a step."""
    return result.rollouts.status != Status.NOT_STARTED


def words_of(search: Search) -> dict[str, str]:
    """Say what a search is, by name."""
    words = {"strategy": str(search.strategy), "selector": str(search.selector)}
    if search.stop is not None:
        words["stop rule"] = str(search.stop)
    return {**words, "rollouts K": str(search.k), "depth": str(search.depth), "model": name_of(search.model)}


def targeted(strategy: Strategy) -> TargetedNoise | None:
    """Return the part of a strategy that picks the cells it perturbs, if there is one."""
    parts = strategy.strategies if isinstance(strategy, Chain) else (strategy,)
    return next((part for part in parts if isinstance(part, TargetedNoise)), None)


def _check(search: Search, result: Result) -> None:
    codec = search.model.codec
    if result.scores.shape[1] != search.k or result.tokens.shape[1] != codec.height * codec.width:
        raise TTSError(
            f"the result has {result.scores.shape[1]} rollouts of {result.tokens.shape[1]} cells a puzzle, the search "
            f"{search.k} of {codec.height * codec.width}: pass the search that brought it"
        )
