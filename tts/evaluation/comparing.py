"""compare(): many searches on the same weights, puzzles and seeds, in one table."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import torch
from torch import Tensor
from tqdm import tqdm

from tts.datasets import Dataset
from tts.evaluation.comparison import Comparison, Run
from tts.interfaces import RecursiveModel, name_of
from tts.runs import Store, describe_search, digest_of
from tts.search import Result, Search, choose
from tts.strategies import QSelector

_OWN = ("selector", "lanes")
"""What two searches may differ in and still share rollouts: who picks, and how many run at a time."""


def compare(
    model: RecursiveModel,
    dataset: Dataset,
    searches: Mapping[str, Search],
    seeds: Iterable[int] = (0,),
    budget: int | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
) -> Comparison:
    """Run every search on the same B puzzles with the same seeds.

    Searches that differ in nothing but the selector share their rollouts, which run once a seed; each is charged their
    whole cost. Every search is first tried for one step on one puzzle, so that a mistake shows before the long run.

    Args:
        model: the one that every search runs.
        dataset: puzzles with their right answers, such as ``Dataset("mine", tokens, answers=labels)``.
        searches: by name; the first is what the others are held against.
        seeds: each search runs once with each.
        budget: equal compute, in lane-steps a puzzle: each search gets k = budget // depth rollouts, cut or grown from
            its own k. It is what a search may spend at most; stop rules spend less, and the table says what was spent.
            What a strategy does between steps, such as taking a gradient, is not a lane-step and shows in seconds
            alone. A deterministic strategy repeats itself in every rollout: give it ``depth=budget`` to spend it on
            depth.
        out: a folder to keep the rollouts in, a run (see ``tts.runs``) for each group of searches that share them and
            each seed, so that the same comparison continues where it was. Searches may join later. Recorded latents
            are not kept.

    Raises:
        ValueError, TypeError: the searches, seeds or budget do not fit; the sentence says which and why.
        PuzzleError, ShapeError: the puzzles do not fit the model, or have no answers that fit them.
        StoreError: ``out`` holds rollouts of the same search on other puzzles or labels, or cannot be written.
        Whatever a search raises, with a note that names the search.
    """
    named, numbers = _checked(model, searches, budget), _seeds(seeds)
    dataset.check(model)
    labels, groups = dataset.labels(model.codec), _sharing(named)
    _try_out(named, dataset[:1])
    outcomes: dict[str, list[_Outcome]] = {name: [] for name in named}
    with tqdm(total=len(groups) * len(numbers), desc="compare", unit="search", disable=None, delay=1) as bar:
        for group in groups:
            for seed in numbers:
                bar.set_postfix_str(group[0])
                with _Named(group[0]):
                    shared = _rollouts(named[group[0]], dataset, seed, out, group[0])
                for name in group:
                    with _Named(name):
                        outcomes[name].append(_outcome(named[name], shared, labels, dataset.ignore))
                bar.update()
    return Comparison({name: _run(named[name], outcomes[name]) for name in named}, numbers)


@attrs.frozen(eq=False)
class _Outcome:
    """One search with one seed: bool [B], bool [B] or None, int64 [B], seconds."""

    correct: Tensor
    passed: Tensor | None
    lane_steps: Tensor
    seconds: float


def run_of(out: str | os.PathLike[str], search: Search, dataset: Dataset, seed: int) -> Store:
    """Open the run in which ``compare(..., out=out)`` keeps the rollouts of a search, whoever picks among them.

    Its folder is named by a hash of what the rollouts depend on. Args as there; Raises as ``Store.open``.
    """
    search = attrs.evolve(search, selector=QSelector())
    content = digest_of(json.dumps(describe_search(search), sort_keys=True).encode())
    name = f"{name_of(search.strategy)}-{search.k}x{search.depth}-{content[:8]}-seed{seed}"
    return Store.open(Path(out) / name, search, dataset, seed=seed)


def _try_out(searches: Mapping[str, Search], puzzle: Dataset) -> None:
    """Run every search for one step."""
    for name, search in searches.items():
        with _Named(name):
            attrs.evolve(search, k=1, depth=1)(puzzle.puzzles, ids=puzzle.ids)


def _rollouts(
    search: Search, dataset: Dataset, seed: int, out: str | os.PathLike[str] | None, description: str
) -> Result:
    """Search, or read what is kept in ``out``."""
    if out is None:
        return search(dataset.puzzles, ids=dataset.ids, seed=seed)
    run = run_of(out, search, dataset, seed)
    run.fill(description)
    return run.result()


def _outcome(search: Search, shared: Result, labels: Tensor, ignore: int) -> _Outcome:
    picked = choose(search.selector, shared)  # puzzles that a stop rule ended keep their winner
    right = shared.rollouts.correct(labels.to(shared.rollouts.answers.device), ignore)
    correct = right.gather(1, picked.index[:, None])[:, 0].cpu()
    passed = right.any(dim=1).cpu() if search.exchangeable else None
    return _Outcome(correct, passed, shared.rollouts.steps.sum(dim=1).cpu(), shared.cost.seconds)


def _run(search: Search, outcomes: Sequence[_Outcome]) -> Run:
    passed = [outcome.passed for outcome in outcomes if outcome.passed is not None]
    return Run(
        search=search,
        correct=torch.stack([outcome.correct for outcome in outcomes]).numpy(),
        passed=torch.stack(passed).numpy() if passed else None,
        lane_steps=torch.stack([outcome.lane_steps for outcome in outcomes]).numpy(),
        seconds=tuple(outcome.seconds for outcome in outcomes),
    )


def _checked(model: RecursiveModel, searches: Mapping[str, Search], budget: int | None) -> dict[str, Search]:
    """Return the searches as they will run."""
    if not isinstance(searches, Mapping) or not searches:
        raise TypeError('compare: searches must be a mapping such as {"noise": Search(...)} with at least one search')
    for name, search in searches.items():
        if not isinstance(name, str) or not isinstance(search, Search):
            raise TypeError(f"compare: searches[{name!r}] is {search!r}; map names to Search objects")
        if search.model is not model:
            raise ValueError(f"compare: search {name!r} holds another model; build every search on the one compared")
    if budget is None:
        return dict(searches)
    return {name: _within(name, search, operator.index(budget)) for name, search in searches.items()}


def _within(name: str, search: Search, budget: int) -> Search:
    """Return the search with as many rollouts as the budget pays for."""
    k = budget // search.depth
    if k < 1:
        raise ValueError(
            f"compare: budget {budget} does not pay for one rollout of search {name!r}, which takes {search.depth} "
            f"lane-steps; pass at least {search.depth} or lower its depth"
        )
    return attrs.evolve(search, k=k)


def _seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    if not isinstance(seeds, Iterable):
        raise TypeError(f"compare: seeds is {seeds!r}; pass several, such as range(3) or ({seeds!r},)")
    numbers = tuple(operator.index(seed) for seed in seeds)
    if not numbers or len(set(numbers)) != len(numbers):
        raise ValueError(f"compare: seeds are {list(numbers)}; pass at least one, and none twice")
    return numbers


def _sharing(searches: Mapping[str, Search]) -> list[list[str]]:
    """Group the names of searches that share their rollouts, in order."""
    groups: list[list[str]] = []
    for name, search in searches.items():
        for group in groups:
            if _same_rollouts(search, searches[group[0]]):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _same_rollouts(a: Search, b: Search) -> bool:
    fields = (field.name for field in attrs.fields(Search) if field.name not in _OWN)
    return all(_equal(getattr(a, name), getattr(b, name)) for name in fields)


def _equal(a: object, b: object) -> bool:
    try:
        return a is b or bool(a == b)
    except (RuntimeError, ValueError):  # a plugin that holds tensors or arrays, of which == gives many answers
        return False


class _Named:
    """Adds to an error which search it came from."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            error.add_note(f"in the comparison's search {self.name!r}")
