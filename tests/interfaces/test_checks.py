"""What is asked of the rules, whatever the form of the answers."""

import attrs
import pytest
import torch
from support.models import CELLS, SumRule, random_tokens

from tts import RolloutError
from tts.interfaces import Verifier, passes


@attrs.frozen
class Repeats(Verifier):
    """An answer is valid if its first token is the puzzle's; so each must be held to its own puzzle."""

    names = ("first",)

    def violations(self, tokens, answers):
        broken = answers[:, :1] != tokens[:, :1]
        return attrs.evolve(SumRule().violations(tokens, answers), names=self.names, rules=broken)


def test_k_answers_to_a_puzzle_are_judged_as_one_after_the_other():
    tokens = random_tokens(5, 1)
    answers = torch.stack([random_tokens(5, seed) for seed in (1, 2, 3, 4)], dim=1)
    valid = passes(Repeats(), tokens, answers)
    assert valid.shape == (5, 4)
    assert valid[:, 0].all()
    assert not valid.all()
    for rollout in range(4):
        assert torch.equal(valid[:, rollout], passes(Repeats(), tokens, answers[:, rollout]))


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
def test_no_answers_are_judged(shape):
    answers = torch.zeros(*shape, CELLS, dtype=torch.int64)
    assert passes(SumRule(), torch.zeros(0, CELLS, dtype=torch.int64), answers).shape == shape


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_rules_that_fail_are_named(shape):
    @attrs.frozen
    class Broken(SumRule):
        def valid(self, tokens, answers):
            return answers.sum(dim=1)

    answers = torch.zeros(*shape, CELLS, dtype=torch.int64)
    with pytest.raises(RolloutError, match=r"Broken.valid failed: valid returned torch.int64 .*; expected bool \["):
        passes(Broken(), torch.zeros(2, CELLS, dtype=torch.int64), answers)
