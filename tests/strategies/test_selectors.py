"""Who is picked: by Q, by vote, by the rules, and by one after another."""

import attrs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import SumRule, Wanderer, random_tokens

from tts import (
    Candidates,
    FirstHalted,
    GaussianNoise,
    MajorityVote,
    QSelector,
    Search,
    Selector,
    Status,
    VerifierSelector,
)
from tts.interfaces import scored
from tts.search import Cost, Result, Rollouts

few = settings(max_examples=60, deadline=None, derandomize=True)
INF = float("inf")


def candidates(answers, q=None, eligible=None):
    """Answers [B, K, L] as nested lists, a letter of the alphabet for a cell."""
    answers = torch.tensor(answers)
    b, k, cells = answers.shape
    q = torch.zeros(b, k) if q is None else torch.tensor(q)
    return Candidates(
        tokens=torch.zeros(b, cells, dtype=torch.int64),
        answers=answers,
        q=q,
        steps=torch.ones(b, k, dtype=torch.int64),
        residual=torch.zeros(b, k),
        eligible=torch.ones(b, k, dtype=torch.bool) if eligible is None else torch.tensor(eligible),
        record={},
        verifier=SumRule(),
    )


def pick(selector, found):
    """The pick of a search, index [B]."""
    rollouts = Rollouts(
        answers=found.answers.short(),
        q=found.q,
        residual=found.residual,
        steps=found.steps,
        status=torch.where(found.eligible, int(Status.FINISHED), int(Status.NOT_STARTED)),
        record=found.record,
    )
    b, none = len(found.tokens), torch.full((len(found.tokens),), -1)
    unpicked = Result(
        tokens=found.tokens,
        keys=torch.arange(b),
        answers=found.tokens,
        index=none,
        scores=found.q,
        winner=none,
        rollouts=rollouts,
        cost=Cost(lane_steps=0, lane_steps_run=0, seconds=0.0, flops=0),
        dtype=torch.float32,
        device=torch.device("cpu"),
        verifier=found.verifier,
    )
    result = unpicked.select(selector)
    assert torch.equal(result.answers, found.answers[torch.arange(b), result.index])
    return result.index.tolist()


A, B, C = [1, 1], [2, 2], [1, 4]  # the rule takes C alone


def test_the_highest_q_and_the_lowest_rollout_on_ties():
    assert pick(QSelector(), candidates([[A, A, A]] * 3, [[1.0, 3.0, 2.0], [5.0, 5.0, 1.0], [-INF, -INF, -INF]])) == [
        1,
        0,
        0,
    ]


def test_who_is_not_eligible_is_never_picked():
    found = candidates(
        [[A, A, A]] * 2, [[9.0, 1.0, 2.0], [INF, -INF, 0.0]], [[False, True, True], [False, True, False]]
    )
    assert pick(QSelector(), found) == [2, 1]


def test_the_most_frequent_answer_wins():
    assert pick(MajorityVote(), candidates([[A, B, C, B], [A, A, B, B], [C, B, B, B]])) == [1, 0, 1]


def test_votes_of_those_not_eligible_do_not_count():
    found = candidates([[A, A, B, C, B]], eligible=[[True, False, True, True, False]])
    assert pick(MajorityVote(), found) == [0]
    found = candidates([[A, A, B, C, B]], eligible=[[False, False, True, True, True]])
    assert pick(MajorityVote(), found) == [2]


def test_votes_stay_within_their_puzzle():
    assert pick(MajorityVote(), candidates([[A, B, B], [A, C, A]])) == [1, 0]


@few
@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 999))
def test_a_vote_counts_equal_answers(b, k, seed):
    generator = torch.Generator().manual_seed(seed)
    answers = torch.randint(0, 2, (b, k, 2), generator=generator)
    eligible = torch.rand(b, k, generator=generator) < 0.7
    found = candidates(answers.tolist(), eligible=eligible.tolist())
    scores = scored(MajorityVote(), found)
    for p in range(b):
        for r in range(k):
            count = sum(bool(eligible[p, o]) and answers[p, o].equal(answers[p, r]) for o in range(k))
            assert scores[p, r] == (count if eligible[p, r] else -INF)


def test_the_rules_choose_the_first_that_passes():
    assert pick(VerifierSelector(), candidates([[A, B, C, C], [A, B, B, A]])) == [2, 0]
    assert pick(VerifierSelector(SumRule(4)), candidates([[A, B, C, C], [A, B, B, A]])) == [1, 1]


def test_the_second_breaks_ties_of_the_first_alone():
    found = candidates([[A, C, C, B], [A, B, A, A]], [[9.0, 1.0, 2.0, 3.0], [1.0, 4.0, 2.0, 3.0]])
    assert pick(VerifierSelector().then(QSelector()), found) == [2, 1]
    assert pick(QSelector().then(VerifierSelector()), found) == [0, 1]
    assert pick(VerifierSelector().then(MajorityVote()).then(QSelector()), found) == [2, 3]


@attrs.frozen
class Scores(Selector):
    """Given scores."""

    of: torch.Tensor

    def score(self, candidates):
        return self.of


@few
@given(st.integers(1, 3), st.integers(1, 6), st.integers(0, 9999))
def test_then_is_the_order_of_pairs(b, k, seed):
    """Also with -inf, also with NaN on rollouts that are not eligible, also nested."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.tensor([-INF, -1e30, 0.0, 1e-30, 1.0, INF])
    first, second, third = (values[torch.randint(0, 6, (b, k), generator=generator)] for _ in range(3))
    eligible = torch.rand(b, k, generator=generator) < 0.8
    eligible[:, 0] |= ~eligible.any(dim=1)
    parts = [Scores(torch.where(eligible, part, torch.nan)) for part in (first, second, third)]
    found = candidates(torch.zeros(b, k, 1, dtype=torch.int64).tolist(), eligible=eligible.tolist())
    for selector in (parts[0].then(parts[1]).then(parts[2]), parts[0].then(parts[1].then(parts[2]))):
        for p, index in enumerate(pick(selector, found)):
            keys = {r: (first[p, r], second[p, r], third[p, r]) for r in range(k) if eligible[p, r]}
            best = max(keys.values())
            assert index == min(r for r, key in keys.items() if key == best)


def test_then_takes_selectors():
    with pytest.raises(TypeError, match="Then: second must be a Selector; got the class itself; write MajorityVote"):
        QSelector().then(MajorityVote)


def test_cancelled_rollouts_are_picked_where_there_are_no_others():
    status = torch.tensor([[Status.CANCELLED, Status.CANCELLED, Status.NOT_STARTED], [2, 3, 0], [1, 3, 3]])
    zeros = torch.zeros(3, 3)
    rollouts = Rollouts(answers=zeros, q=zeros, residual=zeros, steps=zeros, status=status, record={})
    eligible = rollouts.eligible
    assert eligible.tolist() == [[True, True, False], [True, False, False], [True, False, False]]


def test_selectors_see_what_a_search_brought(device):
    """Every field has the shape it claims."""
    seen = []

    @attrs.frozen
    class Look(Selector):
        def score(self, candidates):
            seen.append(candidates)
            return candidates.q

    model = Wanderer().to(device)
    Search(model, GaussianNoise(0.5), Look(), k=4, depth=3, stop=FirstHalted(2), record=("q", "y"))(random_tokens(1))
    (found,) = seen
    shapes = {name: tuple(getattr(found, name).shape) for name in ("tokens", "answers", "q", "steps", "residual")}
    assert shapes == {"tokens": (1, 6), "answers": (1, 4, 6), "q": (1, 4), "steps": (1, 4), "residual": (1, 4)}
    assert found.answers.dtype == found.steps.dtype == torch.int64
    assert found.eligible.dtype == torch.bool
    assert {name: tuple(value.shape) for name, value in found.record.items()} == {"q": (1, 4, 3), "y": (1, 4, 3, 7, 3)}
