"""The contract that every plugin keeps, as checks to call from your own tests.

    from tts.testing import check_strategy

    def test_my_strategy():
        check_strategy(MyStrategy(0.1))

Each check raises AssertionError with one sentence that says what was promised.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor

from tts.interfaces import Candidates, RecursiveModel, Selector, State, StepView, Stop, Strategy, Streams, Verifier
from tts.search import Result, Search
from tts.strategies import Halted
from tts.testing.stand_ins import Jitter, SmallModel, TakeFirst, random_candidates, random_tokens


def check_strategy(strategy: Strategy, model: RecursiveModel | None = None, *, device: str = "cpu") -> None:
    """Check shapes and dtypes in float32 and bfloat16, that noise follows from the seed, and that lanes are apart.

    Nothing that the strategy is given may change, and no global random state be read or written.

    Args:
        strategy: what to check.
        model: searched with it; a small untrained one unless given.
        device: where.
    """
    model = (model or SmallModel()).to(device)
    _check_frozen(strategy)
    for dtype in (torch.float32, torch.bfloat16):
        cast = model.to(dtype)
        lanes = _lanes(cast, strategy, 6)
        with _untouched(*lanes.state.values(), lanes.encoded, lanes.tokens, lanes.step, lanes.answers, lanes.q):
            state = strategy.perturb(_again(lanes), _streams(lanes, 0))
        for name, latent in lanes.state.items():
            promise(name in state, f"{strategy} passes on every latent; {name!r} is missing")
            same = (state[name].shape, state[name].dtype) == (latent.shape, latent.dtype)
            got = f"{state[name].dtype} {list(state[name].shape)}"
            promise(same, f"{strategy} keeps shape and dtype of {name!r}; it returned {got}")
        again = strategy.perturb(_again(lanes), _streams(lanes, 0))
        promise(_equal(state, again), f"{strategy} draws the same noise for the same seed")
        part = strategy.perturb(_rows(lanes, slice(2, 5)), _streams(_rows(lanes, slice(2, 5)), 0))
        rows = {name: latent[2:5] for name, latent in state.items()}
        promise(_equal(rows, part), f"{strategy} treats a lane the same, whichever lanes are beside it")
    for n in (1, 3):
        for name, value in strategy.memory(n).items():
            promise(len(value) == n, f"{strategy}.memory({n})[{name!r}] has {n} rows; it has {list(value.shape)}")
    _check_search(Search(model.to(torch.float32), strategy, TakeFirst(), k=4, depth=3), f"{strategy}")


def check_selector(selector: Selector, candidates: Candidates | None = None) -> None:
    """Check for one floating-point score a rollout, that follows from the puzzle's own rollouts; nothing may change.

    Where the selector says that it is ``independent``, leaving out rollouts does not change the order of the others.

    Args:
        selector: what to check.
        candidates: random ones of 5 puzzles and 6 rollouts unless given.
    """
    _check_frozen(selector)
    some = candidates or random_candidates()
    with _untouched(some.tokens, some.answers, some.q, some.steps, some.residual, some.eligible):
        scores = selector.score(some)
    promise(scores.shape == some.q.shape, f"{selector}.score gives [B, K]; it gave {list(scores.shape)}")
    promise(scores.is_floating_point(), f"{selector}.score gives floating-point numbers; it gave {scores.dtype}")
    promise(not bool(scores.isnan().any()), f"{selector}.score gives no NaN")
    order = torch.arange(len(scores) - 1, -1, -1)
    turned = selector.score(_puzzles(some, order))
    promise(torch.equal(turned, scores[order]), f"{selector} scores a puzzle the same, whichever puzzles are beside it")
    alone = selector.score(_puzzles(some, order[:1]))
    promise(torch.equal(alone, scores[order[:1]]), f"{selector} scores a puzzle the same alone")
    if selector.independent:
        rest = torch.arange(1, scores.shape[1])
        fewer = selector.score(_rollouts(some, rest))
        promise(
            torch.equal(_higher(fewer), _higher(scores[:, rest])),
            f"{selector} is independent: it orders two rollouts the same, whichever others there are",
        )


def check_verifier(verifier: Verifier, tokens: Tensor, answers: Tensor, valid: Tensor) -> None:
    """Check the verdicts on puzzles, their names, shapes and dtypes, and that rows are apart.

    A valid answer marks no cell; no rows, and answers of tokens that do not exist, are judged without an error.

    Args:
        verifier: what to check.
        tokens: int [N, L], puzzles.
        answers: int [N, L], an answer to each.
        valid: bool [N], which of the answers are right.
    """
    _check_frozen(verifier)
    with _untouched(tokens, answers):
        violations = verifier.violations(tokens, answers)
    n, cells = tokens.shape
    promise(violations.names == verifier.names, f"{verifier} reports its own names; got {violations.names}")
    promise(
        violations.rules.shape == (n, len(verifier.names)),
        f"{verifier} gives rules [N, R]; got {list(violations.rules.shape)}",
    )
    promise(violations.cells.shape == (n, cells), f"{verifier} gives cells [N, L]; got {list(violations.cells.shape)}")
    promise(violations.rules.dtype == violations.cells.dtype == torch.bool, f"{verifier} gives rules and cells as bool")
    promise(torch.equal(violations.valid.cpu(), valid.cpu()), f"{verifier} finds just the right answers valid")
    promise(not bool(violations.cells[violations.valid].any()), f"{verifier} marks no cell of a valid answer")
    for row in range(min(n, 4)):
        alone = verifier.violations(tokens[row : row + 1], answers[row : row + 1])
        promise(torch.equal(alone.rules[0], violations.rules[row]), f"{verifier} judges a row the same alone")
    promise(verifier.violations(tokens[:0], answers[:0]).rules.shape[0] == 0, f"{verifier} survives N = 0")
    for rubbish in (-1, 10_000):
        wrong = verifier.violations(tokens, torch.full_like(answers, rubbish))
        promise(
            not bool(wrong.valid.any()), f"{verifier} refuses answers of tokens that do not exist, such as {rubbish}"
        )


def check_stop(stop: Stop, model: RecursiveModel | None = None, strategy: Strategy | None = None) -> None:
    """Check that a search with this rule gives the same results whatever the lanes and the order of the puzzles.

    Args:
        stop: what to check.
        model: searched with it; a small untrained one unless given.
        strategy: of that search.
    """
    _check_frozen(stop)
    promise(isinstance(stop.ends_puzzles, bool), f"{stop}.ends_puzzles is a bool")
    search = Search(model or SmallModel(), strategy or Jitter(), TakeFirst(), k=6, depth=4, stop=stop)
    _check_search(search, f"{stop}")
    both = attrs.evolve(search, stop=stop | Halted(1e9))
    _same(
        search(random_tokens(search.model, 5)),
        both(random_tokens(search.model, 5)),
        f"{stop} | a rule that never fires is {stop}",
    )


def check_model(model: RecursiveModel) -> None:
    """Check the model's shapes, fixed starts, that rows are apart and nothing changes in place; then run a search."""
    codec, n = model.codec, model.block
    tokens = random_tokens(model, n)
    ids = torch.zeros(n, dtype=torch.int64, device=tokens.device)
    with torch.no_grad():
        encoded, state = model.encode(tokens, ids), model.start(n)
        promise(encoded.ndim == 3 and len(encoded) == n, f"encode gives [B, S, D]; got {list(encoded.shape)}")
        promise({"y"} <= set(state), f"start gives the answer latent 'y'; got {sorted(state)}")
        promise(_equal(state, model.start(n)), "start gives the same latents each time")
        with _untouched(*state.values(), encoded):
            after = model.step(state, encoded)
        promise(set(after) == set(state), f"step gives the latents {sorted(state)}; got {sorted(after)}")
        out = model.read(after)
        promise(
            out.logits.shape == (*tokens.shape, codec.vocab_size), f"logits are [N, L, V]; got {list(out.logits.shape)}"
        )
        promise(
            out.q.shape == out.halt.shape == (n,),
            f"q and halt are [N]; got {list(out.q.shape)}, {list(out.halt.shape)}",
        )
        promise(out.q.dtype == torch.float32 and out.halt.dtype == torch.bool, "q is float32 and halt is bool")
        promise(bool(out.q.isfinite().all() and out.logits.isfinite().all()), "q and logits are finite")
        turned = model.step({name: latent.flip(0) for name, latent in state.items()}, encoded.flip(0))
        rows = {name: latent.flip(0) for name, latent in after.items()}
        promise(_equal(rows, turned), "a row's result does not depend on its place in the block")
    _check_search(Search(model, Jitter(), TakeFirst(), k=3, depth=2), type(model).__name__)


def promise(holds: bool, sentence: str) -> None:
    """Raise AssertionError with the sentence unless the promise holds."""
    if not holds:
        raise AssertionError(f"broken promise: {sentence}")


def _check_frozen(plugin: Any) -> None:
    name = type(plugin).__name__
    promise(attrs.has(type(plugin)), f"{name} is an attrs class; decorate it with @attrs.frozen")
    for field in attrs.fields(type(plugin))[:1]:
        try:
            setattr(plugin, field.name, None)
        except attrs.exceptions.FrozenInstanceError:
            return
        promise(False, f"{name} is frozen; decorate it with @attrs.frozen")


def _lanes(model: RecursiveModel, strategy: Strategy, n: int) -> StepView:
    """Return n lanes in the midst of their rollouts, at different steps."""
    weights = next(model.parameters())
    tokens = random_tokens(model, n).to(weights.device)
    with torch.no_grad():
        encoded = model.encode(tokens, torch.zeros_like(tokens[:, 0]))
        state = model.step(model.start(n), encoded)
        out = model.read(state)
    step = torch.arange(n, device=tokens.device) % 3
    q = torch.where(step == 0, -torch.inf, out.q)
    answers = torch.where(step[:, None] == 0, tokens, out.logits.argmax(dim=2))
    memory = {name: value.to(weights.device) for name, value in strategy.memory(n).items()}
    return StepView(
        model=model,
        state=state,
        encoded=encoded,
        tokens=tokens,
        step=step,
        answers=answers,
        q=q,
        memory=memory,
        depth=4,
    )


def _again(view: StepView) -> StepView:
    return attrs.evolve(view, memory={name: value.clone() for name, value in view.memory.items()})


def _rows(view: StepView, part: slice) -> StepView:
    fields = {name: getattr(view, name)[part] for name in ("encoded", "tokens", "step", "answers", "q")}
    state = {name: latent[part] for name, latent in view.state.items()}
    return attrs.evolve(
        view, state=state, memory={name: value[part].clone() for name, value in view.memory.items()}, **fields
    )


def _streams(view: StepView, seed: int) -> Streams:
    return Streams(seed, view.tokens.sum(dim=1) * 7919, view.tokens[:, 0] % 3, view.step)


def _equal(a: State, b: State) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def _puzzles(candidates: Candidates, rows: Tensor) -> Candidates:
    names = ("tokens", "answers", "q", "steps", "residual", "eligible")
    fields = {name: getattr(candidates, name)[rows] for name in names}
    record = {name: value[rows] for name, value in candidates.record.items()}
    return attrs.evolve(candidates, **fields, record=record)


def _rollouts(candidates: Candidates, columns: Tensor) -> Candidates:
    names = ("answers", "q", "steps", "residual", "eligible")
    fields = {name: getattr(candidates, name)[:, columns] for name in names}
    record = {name: value[:, columns] for name, value in candidates.record.items()}
    return attrs.evolve(candidates, **fields, record=record)


def _higher(scores: Tensor) -> Tensor:
    """Return bool [B, K, K]: which rollouts score higher than which."""
    return scores.unsqueeze(2) > scores.unsqueeze(1)


def _check_search(search: Search, name: str) -> None:
    tokens = random_tokens(search.model, 5)
    whole = search(tokens, seed=3)
    _same(whole, search(tokens, seed=3), f"{name}: the same seed gives the same rollouts")
    order = torch.tensor([3, 0, 4, 2, 1])
    turned = attrs.evolve(search, lanes=1)(tokens[order], seed=3)
    back = Result.join([turned], order.argsort())
    _same(whole, back, f"{name}: rollouts depend neither on the lanes nor on the order of the puzzles")


def _same(a: Result, b: Result, sentence: str) -> None:
    for field in ("answers", "q", "steps", "status"):
        promise(torch.equal(getattr(a.rollouts, field), getattr(b.rollouts, field)), f"{sentence}; {field} differ")
    promise(torch.equal(a.index, b.index), f"{sentence}; the picked rollouts differ")


@contextmanager
def _untouched(*tensors: Tensor) -> Iterator[None]:
    """Hold the body to changing none of the tensors, and to neither reading nor writing global random state."""
    copies = [tensor.clone() for tensor in tensors]
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # type: ignore[index]  # noqa: NPY002
    yield
    for tensor, copy in zip(tensors, copies, strict=True):
        promise(torch.equal(tensor, copy), "what a plugin is given is not changed in place")
    same = torch.equal(states[0], torch.get_rng_state()) and states[2] == random.getstate()
    same = same and bool((states[1] == np.random.get_state()[1]).all())  # type: ignore[index]  # noqa: NPY002
    promise(same, "no global random state is read or written; draw from rng")
