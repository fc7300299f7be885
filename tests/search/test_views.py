"""Rollouts that see their puzzle from different sides: what they see, and that nothing outside notices."""

from functools import partial
from itertools import islice

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import assert_equal
from support.searches import search as default_search
from support.solved_boards import solved

from tts import (
    Chain,
    FirstHalted,
    GaussianNoise,
    Halted,
    Identity,
    MajorityVote,
    PuzzleError,
    RolloutError,
    VarietyCodec,
    Verified,
)
from tts.interfaces import InputStrategy, View
from tts.puzzles import PUZZLINK, VARIETIES
from tts.strategies import Grouped, GuidedParticles, SymmetricViews
from tts.testing import SmallModel, TakeFirst

NOISE = GaussianNoise(0.3, ("y", "z"))
SUDOKU = SmallModel(VarietyCodec("sudoku", 4, 4))
few = settings(max_examples=30, deadline=None, derandomize=True)


def boards(b, seed=0, givens=0.5):
    """int64 [B, 16]: solved 4x4 sudokus with some cells taken out."""
    rng = np.random.default_rng(seed)
    answers = np.stack([solved("sudoku", 4, 4, rng)[1].ravel() for _ in range(b)])
    return torch.from_numpy(np.where(rng.random(answers.shape) < givens, answers, 1))


search = partial(default_search, k=4, model=SUDOKU, depth=3)


def seen(codec, tokens, n, seed=0):
    return list(islice(codec.views(tokens.numpy(), 0, seed), n))


def forth(view, answers):
    """Answers to a puzzle as answers to its view."""
    return torch.from_numpy(view.values)[answers.long()][..., torch.from_numpy(view.cells)]


# The views of a codec


@pytest.mark.parametrize(("height", "width"), [(5, 5), (5, 6), (7, 5)])
@pytest.mark.parametrize("variety", [name for name in PUZZLINK if name != "sudoku"])
def test_verdicts_survive_the_views_of_a_padded_board(variety, height, width):
    codec = VarietyCodec(variety, height, width)
    tokens, answers = solved(variety, 5, 4, np.random.default_rng(1))
    # heyawake's clues on all cells
    tokens = VARIETIES[variety].board.from_tokens(tokens.ravel(), 5, 4).tokens().reshape(5, 4)
    puzzle, right = (padded(grid, codec) for grid in (tokens, answers))
    wrong = right.clone()
    wrong[0] = right[1] if right[0] != right[1] else right[right != right[0]][0]
    views = seen(codec, puzzle, 99)
    assert len(views) == 8
    assert torch.equal(forth(views[0], right), right)
    assert np.array_equal(views[0].tokens, puzzle.numpy())
    rules = codec.verifier.violations(puzzle.expand(2, -1), torch.stack([right, wrong])).rules
    assert rules[1].any()
    for view in views:
        both = forth(view, torch.stack([right, wrong]))
        violations = codec.verifier.violations(torch.from_numpy(view.tokens).expand(2, -1), both)
        assert torch.equal(violations.rules, rules)


def padded(grid, codec):
    board = np.full((codec.height, codec.width), codec.pad)
    board[: grid.shape[0], : grid.shape[1]] = grid
    return torch.from_numpy(board.ravel())


def test_views_that_do_not_fit_are_left_out():
    """Boards of 3 x 5 turned by a quarter are too high for a codec of 3 x 5, and boxes of 2 x 3 become 3 x 2."""
    tokens, _ = solved("lightup", 3, 5, np.random.default_rng(0))
    assert len(seen(VarietyCodec("lightup", 3, 5), torch.from_numpy(tokens.ravel()), 99)) == 4
    codec = VarietyCodec("sudoku", 6, 6)
    views = seen(codec, torch.ones(36, dtype=torch.int64), 20)
    assert len({view.cells.tobytes() for view in views}) == 20


def test_codecs_without_symmetries_say_so():
    with pytest.raises(RolloutError, match=r"SymmetricViews.views_of failed on puzzle key .*TokenCodec knows no symm"):
        search(SymmetricViews(), model=SmallModel())(boards(1))
    with pytest.raises(PuzzleError, match="pad cells alone"):
        next(SUDOKU.codec.views(np.zeros(16, np.int64), 0))


# The engine


@few
@given(st.data())
def test_results_do_not_depend_on_lanes_or_order(data):
    b, k, depth = (data.draw(st.integers(1, most)) for most in (5, 9, 4))
    strategy = SymmetricViews(NOISE, n_views=data.draw(st.integers(1, 10)), seed=data.draw(st.integers(0, 9)))
    stop = data.draw(st.sampled_from([None, Halted(), Verified(), FirstHalted(2)]))
    order = torch.tensor(data.draw(st.permutations(range(b))))
    tokens = boards(b, data.draw(st.integers(0, 99)), givens=data.draw(st.sampled_from([0.0, 0.5])))

    def run(puzzles, lanes):
        return search(strategy, k=k, depth=depth, stop=stop, lanes=lanes, record=("q", "answers"))(puzzles)

    assert_equal(run(tokens[order], 1), run(tokens, 256), order)


def test_the_rollouts_of_fewer_are_the_first():
    tokens = boards(4, 1)
    four, nine = (search(SymmetricViews(NOISE, n_views=6), k=k)(tokens).rollouts for k in (4, 9))
    assert torch.equal(four.q, nine.q[:, :4])
    assert torch.equal(four.answers, nine.answers[:, :4])


@pytest.mark.parametrize("inner", [Identity(), NOISE], ids=repr)
def test_a_rollout_is_one_of_its_view_mapped_back(inner, device):
    """To the bit: what a search of the view itself, under the puzzle's key, finds."""
    tokens, model = boards(3, 2), SmallModel(VarietyCodec("sudoku", 4, 4)).to(device)
    result = search(SymmetricViews(inner, n_views=3, seed=4), k=7, model=model, record=("answers", "q"))(tokens)
    for puzzle in range(3):
        for rollout in range(7):
            view = seen(model.codec, tokens[puzzle], 3, seed=4)[rollout % 3]
            there = search(inner, k=7, model=model, record=("answers", "q"))(
                torch.from_numpy(view.tokens)[None], keys=result.keys[puzzle : puzzle + 1]
            ).rollouts
            here = result.rollouts
            assert torch.equal(here.record["q"][puzzle, rollout], there.record["q"][0, rollout])
            assert torch.equal(
                forth(view, here.record["answers"][puzzle, rollout]), there.record["answers"][0, rollout].long()
            )
            assert torch.equal(forth(view, here.answers[puzzle, rollout]), there.answers[0, rollout].long())
    assert len(result.rollouts.q[0].unique()) == (3 if inner == Identity() else 7)


@attrs.frozen
class Watch(GaussianNoise):
    """Keeps what a strategy sees."""

    views: list = attrs.field(factory=list)

    def perturb(self, view, rng):
        self.views.append((rng.rollout.clone(), view.tokens.clone(), view.answers.clone()))
        return super().perturb(view, rng)


def test_the_inner_strategy_sees_the_view():
    watch, tokens = Watch(0.3), boards(1, 3)
    result = search(SymmetricViews(watch, n_views=4), record=("answers",))(tokens)
    views = seen(SUDOKU.codec, tokens[0], 4)
    for step, (rollout, shown, answers) in enumerate(watch.views):
        for lane, r in enumerate(rollout.tolist()):
            assert torch.equal(shown[lane], torch.from_numpy(views[r].tokens))
            before = result.rollouts.record["answers"][0, r, step - 1] if step else tokens[0]
            assert torch.equal(answers[lane], forth(views[r], before))


class Echo(SmallModel):
    """Answers with what it sees."""

    def encode(self, tokens, ids):
        return torch.nn.functional.one_hot(tokens, self.codec.vocab_size).float()

    def start(self, n):
        return {"y": torch.zeros(n, self.cells, self.codec.vocab_size)}

    def step(self, state, encoded):
        return {"y": encoded + 0 * state["y"]}

    def read(self, state):
        return attrs.evolve(super().read({"y": torch.zeros(len(state["y"]), self.cells + 1, 8)}), logits=state["y"])


def test_answers_are_mapped_back_before_anyone_looks():
    """A model that repeats what it sees, on solved boards: stop rules, records, votes and rules see the puzzle."""
    tokens, model = boards(4, 4, givens=1.0), Echo(VarietyCodec("sudoku", 4, 4))
    for stop in (None, Verified()):
        result = search(SymmetricViews(), k=9, model=model, stop=stop, record=("answers",), waves=(2,))(tokens)
        started = result.rollouts.status > 0
        assert (result.rollouts.answers == tokens[:, None])[started].all()
        assert (result.rollouts.record["answers"][started][:, 0] == tokens[:, None].expand(-1, 9, -1)[started]).all()
        assert result.valid.all()
        assert (result.winner == (0 if stop else -1)).all()
    votes = attrs.evolve(search(SymmetricViews(), k=9, model=model), selector=Grouped(TakeFirst(), MajorityVote(), 8))(
        tokens
    )
    assert (votes.scores.amax(dim=1) == 8).all()


def test_every_view_is_embedded_once_and_counted():
    tokens = boards(3, 5)
    assert search(NOISE, k=9, lanes=64)(tokens[[0, 1, 2, 0]]).cost.embedded == 3
    result = search(SymmetricViews(NOISE, n_views=5), k=9, lanes=64)(tokens[[0, 1, 2, 0]])
    assert result.cost.embedded == 15
    assert search(SymmetricViews(NOISE, n_views=5), k=2)(tokens).cost.embedded == 6
    streamed = [one.cost.embedded for _, one in search(SymmetricViews(NOISE, n_views=5), k=9).stream(tokens)]
    assert sum(streamed) == 15


def test_fewer_views_than_asked_for_are_taken_in_turn():
    codec = VarietyCodec("lightup", 3, 5)
    tokens, _ = solved("lightup", 3, 5, np.random.default_rng(2))
    rollouts = search(SymmetricViews(n_views=8), k=8, model=SmallModel(codec))(
        torch.from_numpy(tokens.reshape(1, -1))
    ).rollouts
    assert torch.equal(rollouts.q[:, :4], rollouts.q[:, 4:])
    assert len(rollouts.q[0].unique()) == 4


def test_views_of_boards_are_those_of_their_tokens():
    from tts.puzzles import Sudoku

    tokens = boards(3, 6)
    puzzles = [Sudoku.from_tokens(row.numpy(), 4, 4) for row in tokens]
    assert_equal(search(SymmetricViews(NOISE))(puzzles), search(SymmetricViews(NOISE))(tokens))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tokens": np.full(16, 6)}, "view 0 whose tokens are not \\[16\\], from 0 to 5"),
        ({"tokens": np.ones(15, np.int64)}, "view 0 whose tokens are not"),
        ({"cells": np.zeros(16, np.int64)}, "cells are not a permutation of 0 to 15"),
        ({"values": np.arange(5)}, "values are not a permutation of 0 to 5"),
        (None, "no views"),
    ],
)
def test_wrong_views_are_named(change, says):
    @attrs.frozen
    class Wrong(InputStrategy):
        n_views = 2

        def perturb(self, view, rng):
            return view.state

        def views_of(self, codec, tokens, identifier):
            good = View(tokens, identifier, np.arange(16), np.arange(6))
            return [] if change is None else [attrs.evolve(good, **change)]

    with pytest.raises(RolloutError, match=r"Wrong.views_of failed on puzzle key .*" + says):
        search(Wrong())(boards(1))


def test_views_stand_outermost():
    for wrap in (SymmetricViews, GuidedParticles, lambda inner: Chain(inner)):
        with pytest.raises(TypeError, match=r"cannot hold SymmetricViews, .*; write SymmetricViews\(...\) outermost"):
            wrap(SymmetricViews())
    with pytest.raises(TypeError, match="cannot hold GuidedParticles"):
        SymmetricViews(GuidedParticles(NOISE))
    with pytest.raises(ValueError, match="views must be 1 or more; got 0"):
        SymmetricViews(n_views=0)
