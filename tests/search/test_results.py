"""What a search returns: picks again, verdicts, labels."""

import attrs
import pytest
import torch
from support.models import CODEC, VOCABULARY, SumRule, Wanderer, assert_equal, random_tokens, small_trm

from tts import (
    FirstHalted,
    GaussianNoise,
    Halted,
    MajorityVote,
    QSelector,
    Search,
    Status,
    TTSError,
    Verified,
    VerifierSelector,
)
from tts.strategies import GuidedParticles, Pinning, SymmetricViews

NOISE = GaussianNoise(0.5, ("y", "z"))


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


@pytest.mark.parametrize(
    ("strategy", "stop", "exchangeable"),
    [
        (NOISE, None, True),
        (SymmetricViews(NOISE), None, True),
        (NOISE, Halted(), True),
        (NOISE, Verified(), False),
        (GuidedParticles(NOISE), None, False),
        (Pinning(NOISE), None, False),
    ],
    ids=repr,
)
def test_rollouts_are_exchangeable_where_neither_strategy_nor_rule_ties_them(strategy, stop, exchangeable):
    assert Search(Wanderer(), strategy, QSelector(), k=2, stop=stop).exchangeable is exchangeable
