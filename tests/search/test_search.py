"""What a search promises: rollouts that depend on nothing beside them, and costs that add up."""

import random
from itertools import product

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import (
    CODEC,
    Wanderer,
    assert_equal,
    random_tokens,
    small_sudoku_model,
    small_trm,
)

from tts import (
    Budget,
    Converged,
    FirstHalted,
    GaussianNoise,
    Halted,
    Identity,
    QSelector,
    Search,
    Status,
    Strategy,
    Verified,
)
from tts.interfaces import Streams, puzzle_keys
from tts.puzzles import Sudoku

NOISE = GaussianNoise(0.5, ("y", "z"))
STOPS = (
    None,
    Halted(),
    Halted(1.0),
    FirstHalted(),
    FirstHalted(2),
    Verified(),
    Converged(0.3),
    Budget(7),
    Halted() | Budget(9),
    Verified() | FirstHalted(2) | Budget(11),
    Converged(0.5) | FirstHalted(3),
)
MODELS = {
    "toy": Wanderer(),
    "mlp": small_trm(),
    "attention": small_trm(mlp_t=False),
    "mlp in bfloat16": small_trm().bfloat16(),
    "attention in bfloat16": small_trm(mlp_t=False).bfloat16(),
}
few = settings(max_examples=30, deadline=None, derandomize=True)
anywhere = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


# What a rollout depends on


@anywhere
@few
@given(st.data())
def test_results_do_not_depend_on_lanes_or_order(model, data):
    """A search in one block equals one with room for all, on the same puzzles in another order, under every rule."""
    b, k, depth = (data.draw(st.integers(1, most)) for most in (6, 9, 5))
    stop = data.draw(st.sampled_from(STOPS))
    waves = data.draw(st.none() | st.lists(st.integers(1, 4), min_size=1, max_size=3))
    order = torch.tensor(data.draw(st.permutations(range(b))))
    tokens, seed = random_tokens(b, data.draw(st.integers(0, 99)), repeat=0.2), data.draw(st.integers(0, 99))

    def run(puzzles, lanes):
        search = Search(model, NOISE, QSelector(), k=k, depth=depth, stop=stop, waves=waves, lanes=lanes, record=("q",))
        return search(puzzles, seed=seed)

    wide, narrow = run(tokens, 256), run(tokens[order], 1)
    assert_equal(narrow, wide, order)
    assert narrow.cost.lane_steps == wide.cost.lane_steps


@anywhere
def test_equal_puzzles_get_equal_rollouts(model):
    tokens = random_tokens(3, 1)
    result = Search(model, NOISE, QSelector(), k=5, depth=3, lanes=8)(tokens[[0, 1, 0, 2, 2, 0]])
    for a, b in ((0, 2), (0, 5), (3, 4)):
        assert torch.equal(result.rollouts.q[a], result.rollouts.q[b])
        assert torch.equal(result.rollouts.answers[a], result.rollouts.answers[b])
    assert not torch.equal(result.rollouts.q[0], result.rollouts.q[1])


@anywhere
def test_rollouts_do_not_depend_on_their_number(model):
    """The rollouts of k = 4 are the first four of k = 8."""
    tokens = random_tokens(5, 2)
    four, eight = (Search(model, NOISE, QSelector(), k=k, depth=4)(tokens).rollouts for k in (4, 8))
    assert torch.equal(four.q, eight.q[:, :4])
    assert torch.equal(four.answers, eight.answers[:, :4])
    assert torch.equal(four.residual, eight.residual[:, :4])
    assert len(eight.q[0].unique()) == 8


def test_noise_depends_on_seed_and_keys_alone(device):
    tokens = random_tokens(3, 3)
    search = Search(Wanderer().to(device), NOISE, QSelector(), k=4, depth=3)
    default = search(tokens)
    assert torch.equal(default.keys, puzzle_keys(tokens, torch.zeros(3, dtype=torch.int64)))
    assert_equal(default, search(tokens, keys=default.keys))
    assert not torch.equal(default.rollouts.q, search(tokens, seed=1).rollouts.q)
    same = tokens[[0, 0, 0]]
    apart = search(same, keys=torch.tensor([7, 8, 7])).rollouts.q
    assert torch.equal(apart[0], apart[2])
    assert not torch.equal(apart[0], apart[1])


def test_identifiers_change_the_puzzle(device):
    tokens = random_tokens(1, 4)[[0, 0]]
    result = Search(Wanderer().to(device), Identity(), QSelector(), k=1, depth=2)(tokens, ids=torch.tensor([0, 3]))
    assert result.keys[0] != result.keys[1]
    assert result.rollouts.q[0] != result.rollouts.q[1]


def test_ids_given_as_zeros_are_the_default():
    tokens, search = random_tokens(3, 5), Search(Wanderer(), NOISE, QSelector(), k=2, depth=2)
    assert_equal(search(tokens), search(tokens.to(torch.int16), ids=torch.zeros(3, dtype=torch.int32)))


# What a search is


def plain(model, tokens, k, depth, sigma, seed):
    """Every rollout to full depth, as papers and official code do it: q [B, K], answers [B, K, L], residual [B, K]."""
    ids = torch.zeros(len(tokens), dtype=torch.int64)
    keys, rollout = puzzle_keys(tokens, ids).repeat_interleave(k), torch.arange(k).repeat(len(tokens))
    encoded, tokens = model.encode(tokens, ids).repeat_interleave(k, 0), tokens.repeat_interleave(k, 0)
    state = model.start(len(keys))
    for step in range(depth):
        rng = Streams(seed, keys, rollout, torch.full_like(keys, step))
        before = state["y"]
        state = {
            name: (latent.float() + sigma * rng.normal(name, latent.shape[1:])).to(latent.dtype)
            for name, latent in state.items()
        }
        state = model.step(state, encoded)
    out = model.read(state)
    residual = (state["y"] - before).float().flatten(1).norm(dim=1) / before.float().flatten(1).norm(dim=1)
    answers = torch.where(tokens == CODEC.pad, CODEC.pad, out.logits.argmax(dim=2))
    return out.q.view(-1, k), answers.view(-1, k, tokens.shape[1]), residual.view(-1, k)


@anywhere
@pytest.mark.parametrize("b", [1, 2, 5])
def test_fixed_depth_is_the_plain_loop(model, b):
    """To the bit where the plain loop steps as many rows as a block, to rounding elsewhere."""
    k, depth, tokens = model.block // min(b, 2), 4, random_tokens(b, 6)
    result = Search(model, NOISE, QSelector(), k=k, depth=depth)(tokens, seed=3)
    with torch.no_grad():
        q, answers, residual = plain(model, tokens, k, depth, 0.5, 3)
    assert (result.rollouts.status == Status.FINISHED).all()
    assert (result.rollouts.steps == depth).all()
    if b <= 2:
        assert torch.equal(result.rollouts.q, q)
        assert torch.equal(result.rollouts.answers.long(), answers)
        torch.testing.assert_close(result.rollouts.residual, residual)
    elif result.dtype == torch.float32:
        torch.testing.assert_close(result.rollouts.q, q, atol=1e-5, rtol=1e-5)
        assert torch.equal(result.rollouts.answers.long(), answers)
    assert torch.equal(result.index, result.rollouts.q.argmax(dim=1))
    assert torch.equal(result.answers, result.rollouts.answers[torch.arange(b), result.index].long())


def test_identity_is_the_deterministic_model(device):
    result = Search(Wanderer().to(device), Identity(), QSelector(), k=3, depth=4)(random_tokens(4, 7)).rollouts
    assert torch.equal(result.q, result.q[:, :1].expand(-1, 3))
    assert torch.equal(result.answers, result.answers[:, :1].expand(-1, 3, -1))


def test_pad_cells_stay_pad(device):
    tokens = random_tokens(6, 8)
    answers = Search(Wanderer().to(device), NOISE, QSelector(), k=4, depth=2)(tokens).rollouts.answers
    pad = (tokens == CODEC.pad)[:, None].expand_as(answers)
    assert pad.any()
    assert (answers[pad] == CODEC.pad).all()


def test_boards_are_their_tokens():
    search = Search(small_sudoku_model(), NOISE, QSelector(), k=2, depth=2)
    boards = [Sudoku([1, 0, 0, 0] * 4, 2, 2), Sudoku([0, 2, 0, 0] * 4, 2, 2)]
    assert_equal(search(boards), search(torch.from_numpy(np.stack([board.tokens() for board in boards]))))


@pytest.mark.parametrize("names", [("q",), ("answers", "residual"), ("y", "z"), "q"])
def test_the_record_holds_every_step(device, names):
    tokens, depth = random_tokens(3, 9), 4
    runs = [
        Search(Wanderer().to(device), NOISE, QSelector(), k=3, depth=t, record=names)(tokens).rollouts
        for t in range(1, depth + 1)
    ]
    assert set(runs[-1].record) == ({names} if isinstance(names, str) else set(names))
    for t, run in enumerate(runs):
        for name, value in run.record.items():
            assert torch.equal(value, runs[-1].record[name][:, :, : t + 1])
            if hasattr(run, name):
                assert torch.equal(value[:, :, t], getattr(run, name))


def test_the_record_is_empty_where_no_step_was_taken(device):
    search = Search(Wanderer().to(device), NOISE, QSelector(), k=5, depth=4, stop=Verified(), record=("q", "answers"))
    rollouts = search(random_tokens(9, 10)).rollouts
    taken = torch.arange(4) < rollouts.steps[:, :, None]
    assert torch.equal(~rollouts.record["q"].isnan(), taken)
    assert (rollouts.record["answers"][~taken] == 0).all()
    assert (~taken).any()


# What it costs


@few
@given(st.integers(1, 5), st.integers(1, 8), st.sampled_from(STOPS), st.sampled_from([1, 4, 16]), st.integers(0, 99))
def test_every_lane_step_is_counted(b, k, stop, lanes, seed):
    model = Wanderer()
    result = Search(model, NOISE, QSelector(), k=k, depth=4, stop=stop, lanes=lanes)(random_tokens(b, seed))
    cost = result.cost
    assert cost.lane_steps == result.rollouts.steps.sum()
    assert cost.lane_steps_run == model.lane_steps >= cost.lane_steps
    assert cost.lane_steps_run % model.block == 0
    assert cost.flops == 7 * cost.lane_steps_run
    assert cost.seconds > 0
    if stop is None and b * k % model.block == 0:
        assert cost.lane_steps_run == cost.lane_steps == b * k * 4


def test_equal_puzzles_are_embedded_once(device):
    model, tokens = Wanderer(block=4).to(device), random_tokens(7, 11)
    Search(model, NOISE, QSelector(), k=2, depth=2, lanes=64)(tokens.repeat(4, 1))
    rows = torch.cat([part.unique(dim=0) for part in model.embedded])
    assert len(rows) == len(rows.unique(dim=0)) == len(tokens.unique(dim=0))


@attrs.frozen
class Meddler(Strategy):
    """Looks at what a search must leave alone, from inside."""

    seen: list

    def perturb(self, view, rng):
        self.seen.append((torch.is_grad_enabled(), view.model.training))
        return view.state


@pytest.mark.parametrize(("training", "grad"), [*product([True, False], repeat=2)])
def test_global_state_is_left_alone(training, grad):
    model, seen, tokens = Wanderer().train(training), [], random_tokens(3, 12)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    with torch.set_grad_enabled(grad):
        search = Search(model, Meddler(seen), QSelector(), k=3, depth=2)
        result = search(tokens)
        for _ in search.stream(tokens):
            assert torch.is_grad_enabled() == grad
        assert torch.is_grad_enabled() == grad
    assert set(seen) == {(False, training)}
    assert model.training == training
    assert not result.rollouts.q.requires_grad
    assert torch.equal(states[0], torch.get_rng_state())
    assert (states[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert states[2] == random.getstate()


def test_results_do_not_depend_on_global_seeds():
    search, tokens = Search(Wanderer(), NOISE, QSelector(), k=3, depth=2), random_tokens(3, 13)
    torch.manual_seed(1)
    first = search(tokens)
    torch.manual_seed(2)
    assert_equal(first, search(tokens))
