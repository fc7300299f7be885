"""What a search promises: rollouts that depend on nothing beside them, costs that add up, clear words for bad input."""

import random
from itertools import product

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import CELLS, CODEC, VOCABULARY, SumRule, Wanderer, random_tokens, small_trm

from tts import (
    Budget,
    Converged,
    FirstHalted,
    GaussianNoise,
    Halted,
    Identity,
    MajorityVote,
    PuzzleError,
    QSelector,
    Search,
    ShapeError,
    Status,
    Strategy,
    TTSError,
    Verified,
    VerifierSelector,
)
from tts.puzzles import Sudoku
from tts.rng import Streams, puzzle_keys

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


def assert_equal(a, b, rows=slice(None)):
    """Results a and b[rows] are equal to the bit in all that does not depend on the clock or the padding."""
    for name in ("tokens", "keys", "answers", "index", "winner"):
        assert torch.equal(getattr(a, name), getattr(b, name)[rows]), name
    assert torch.equal(a.scores.nan_to_num(9), b.scores[rows].nan_to_num(9))
    for name in ("answers", "q", "residual", "steps", "status"):
        assert torch.equal(getattr(a.rollouts, name), getattr(b.rollouts, name)[rows]), name
    assert a.rollouts.record.keys() == b.rollouts.record.keys()
    for name, value in a.rollouts.record.items():
        assert torch.equal(value.nan_to_num(9), b.rollouts.record[name][rows].nan_to_num(9)), name


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
    search = Search(sudoku_model(), NOISE, QSelector(), k=2, depth=2)
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


# What it returns


def test_selecting_again_runs_nothing():
    model, tokens = Wanderer(), random_tokens(6, 14)
    by_q = Search(model, NOISE, QSelector(), k=8, depth=3)(tokens)
    spent = model.lane_steps
    by_vote = by_q.select(MajorityVote())
    assert model.lane_steps == spent
    assert_equal(by_vote, Search(model, NOISE, MajorityVote(), k=8, depth=3)(tokens))
    assert_equal(by_vote.select(QSelector()), by_q)


def test_selecting_again_lets_go_of_the_winner():
    result = Search(Wanderer(), NOISE, QSelector(), k=8, depth=4, stop=Verified())(random_tokens(9, 15))
    assert (result.winner >= 0).any()
    again = result.select(QSelector())
    assert (again.winner == -1).all()
    assert torch.equal(again.index, again.scores.argmax(dim=1))


def test_validity_is_that_of_the_answers():
    result = Search(Wanderer(), NOISE, VerifierSelector(), k=6, depth=3)(random_tokens(8, 16))
    right = result.rollouts.answers.sum(dim=2) % 5 == 0
    assert torch.equal(result.verified(), right)
    assert torch.equal(result.valid, right.any(dim=1))
    assert 0 < right.sum() < right.numel()


def test_a_rollout_that_did_not_start_is_not_verified():
    """Its answer is all zeros, which this rule would let pass."""
    result = Search(Wanderer(), NOISE, QSelector(), k=6, depth=3, stop=FirstHalted())(random_tokens(8, 17))
    waiting = result.rollouts.status == Status.NOT_STARTED
    assert waiting.any()
    assert not result.verified()[waiting].any()


def test_rules_are_asked_for_where_none_are_known():
    model = Wanderer()
    model.codec = attrs.evolve(CODEC, verifier=None)
    result = Search(model, NOISE, QSelector(), k=2, depth=1)(random_tokens(2))
    with pytest.raises(TTSError, match="no verifier"):
        _ = result.valid
    with pytest.raises(TTSError, match="no verifier"):
        result.verified()
    with pytest.raises(TTSError, match=r"VerifierSelector\(\) needs rules"):
        result.select(VerifierSelector())
    with pytest.raises(TTSError, match=r"Verified\(\) needs rules"):
        Search(model, NOISE, QSelector(), k=2, stop=Verified())(random_tokens(2))
    assert result.select(VerifierSelector(SumRule(1))).index.tolist() == [0, 0]


def test_correct_leaves_out_cells_without_a_label():
    result = Search(Wanderer(), NOISE, QSelector(), k=4, depth=2)(random_tokens(3, 18))
    labels = result.rollouts.answers[:, 2].long()
    assert result.rollouts.correct(labels)[:, 2].all()
    wrong = labels.clone()
    wrong[:, 1] = wrong[:, 1] % (VOCABULARY - 1) + 1
    assert not result.rollouts.correct(wrong)[:, 2].any()
    wrong[:, 1] = 0
    assert result.rollouts.correct(wrong)[:, 2].all()
    wrong[:, 1] = -100
    assert not result.rollouts.correct(wrong)[:, 2].any()


def test_a_result_knows_its_dtype_and_device(device):
    result = Search(small_trm().bfloat16().to(device), NOISE, QSelector(), k=2, depth=1)(random_tokens(2))
    assert (result.dtype, result.device.type) == (torch.bfloat16, device)
    assert result.rollouts.q.dtype == torch.float32
    assert result.rollouts.answers.dtype == torch.int16


# Bad input


def sudoku_model():
    """A toy whose tokens are those of 4x4 sudokus."""
    from tts import TRM, TRMConfig, VarietyCodec

    config = TRMConfig(
        vocab_size=6, seq_len=16, num_puzzle_identifiers=1, hidden_size=16, H_cycles=1, L_cycles=1, L_layers=1,
        expansion=1, num_heads=2, mlp_t=True, pos_encodings="none", puzzle_emb_ndim=0,
    )  # fmt: skip
    return TRM(config, VarietyCodec("sudoku", 4, 4)).eval()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"k": 0}, ValueError, "k must be 1 or more; got 0"),
        ({"k": 2.0}, TypeError, "k must be a whole number; got 2.0"),
        ({"depth": 0}, ValueError, "depth must be 1 or more; got 0"),
        ({"lanes": -1}, ValueError, "lanes must be 1 or more; got -1"),
        ({"lanes": "many"}, TypeError, "lanes must be a whole number; got 'many'"),
        ({"waves": ()}, ValueError, r"waves is \(\); give sizes"),
        ({"waves": (1, 0)}, ValueError, r"waves is \(1, 0\); give sizes"),
        ({"record": ("logits",)}, ValueError, "record has 'logits'; choose among q, residual, answers, y, z"),
        ({"stop": 3}, TypeError, "stop must be a Stop; got 3"),
        ({"stop": Halted}, TypeError, r"stop must be a Stop; got the class itself; write Halted\(...\)"),
        ({"strategy": 0.1}, TypeError, "strategy must be a Strategy; got 0.1"),
        ({"selector": QSelector}, TypeError, r"selector must be a Selector; got the class itself; write QSelector\("),
        ({"model": "sudoku-9x9"}, TypeError, "model must be a RecursiveModel; got 'sudoku-9x9'"),
    ],
)
def test_a_search_says_what_is_wrong_with_its_parts(change, error, says):
    good = {"model": Wanderer(), "strategy": NOISE, "selector": QSelector(), "k": 2}
    with pytest.raises(error, match=says) as caught:
        Search(**good | change)
    assert len(str(caught.value)) < 200


BAD_PUZZLES = [
    (torch.ones(2, CELLS + 1, dtype=torch.int64), {}, ShapeError, r"\[B, L\] with L = 6 \(2 x 3\).*\[2, 7\]"),
    (torch.ones(CELLS, dtype=torch.int64), {}, ShapeError, r"integer tokens \[B, L\]"),
    (torch.ones(2, CELLS), {}, ShapeError, r"integer tokens.*torch.float32"),
    (torch.full((3, CELLS), VOCABULARY), {}, PuzzleError, "puzzle 0 has token 7 in cell 0.*0 to 6"),
    (-random_tokens(3, 1), {}, PuzzleError, "puzzle 0 has token -"),
    (random_tokens(2), {"ids": torch.zeros(3, dtype=torch.int64)}, ShapeError, r"ids must be an integer.*B = 2.*\[3\]"),
    (random_tokens(2), {"ids": torch.zeros(2)}, ShapeError, "ids must be an integer tensor.*float32"),
    (random_tokens(2), {"keys": torch.zeros(2, 1).long()}, ShapeError, r"keys must be an integer.*\[2, 1\]"),
    (random_tokens(2), {"keys": [1, 2]}, ShapeError, "keys must be an integer tensor.*a list"),
    (random_tokens(2), {"seed": 0.5}, TypeError, "float"),
    ([Sudoku([0] * 16, 2, 2)], {"ids": torch.zeros(1).long()}, ShapeError, "ids go with tokens"),
    ([Sudoku([0] * 16, 2, 2)], {}, PuzzleError, "cannot read a sudoku board; pass tokens"),
    (Sudoku([0] * 16, 2, 2), {}, PuzzleError, "a list of boards; got a Sudoku"),
    ("1...", {}, PuzzleError, "a list of boards; got a str"),
    (["1..."], {}, PuzzleError, "puzzle 0 is a str; tts.parse makes boards"),
    (random_tokens(2).numpy(), {}, PuzzleError, "tokens .* or a list of boards; got a ndarray"),
]


@pytest.mark.parametrize(("puzzles", "more", "error", "says"), BAD_PUZZLES)
def test_a_search_says_what_is_wrong_with_puzzles(puzzles, more, error, says):
    search = Search(Wanderer(), NOISE, QSelector(), k=2, depth=1)
    with pytest.raises(error, match=says):
        search(puzzles, **more)
    with pytest.raises(error, match=says):
        list(search.stream(puzzles, **more))


def test_a_wrong_board_among_good_ones_is_named():
    boards = [Sudoku([0] * 16, 2, 2), Sudoku([0] * 81, 3, 3)]
    with pytest.raises(PuzzleError, match=r"puzzle 1: .*\(3, 3\)"):
        Search(sudoku_model(), NOISE, QSelector(), k=2, depth=1)(boards)


@pytest.mark.parametrize("nothing", [[], torch.zeros(0, CELLS, dtype=torch.int64)])
def test_nothing_to_search(nothing):
    search = Search(Wanderer(), NOISE, QSelector(), k=2)
    with pytest.raises(PuzzleError, match="no puzzles were given"):
        search(nothing)
    assert list(search.stream(nothing)) == []


def test_a_model_without_a_codec_is_told_so():
    model = Wanderer()
    model.codec = None
    with pytest.raises(PuzzleError, match="build it with codec="):
        Search(model, NOISE, QSelector(), k=2)(random_tokens(1))
