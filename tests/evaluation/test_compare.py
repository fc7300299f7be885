"""A comparison says what the searches say one by one, runs shared rollouts once, and spends what it was given."""

import csv
import os
from pathlib import Path

import attrs
import numpy as np
import pytest
import scipy.stats
import torch
from rich.console import Console
from support.models import CELLS, VOCABULARY, Wanderer, random_tokens

import tts
from tts import (
    Budget,
    Comparison,
    Dataset,
    FirstHalted,
    GaussianNoise,
    Identity,
    MajorityVote,
    PuzzleError,
    QSelector,
    Search,
    ShapeError,
    Strategy,
    TTSError,
    VerifierSelector,
)
from tts.evaluation import Run, against_lane_steps, rollout_curves
from tts.interfaces import CoupledStrategy
from tts.metrics import mode_at_k, pass_at_k
from tts.testing import check_strategy

NOISE = GaussianNoise(0.5, ("y", "z"))
PUZZLES = random_tokens(12)
DEPTH = 4


def labels_of(model, seed=0):
    """Labels that some rollouts reach: what rollout 2 of 5 answers on even puzzles, its own shifted on odd ones."""
    answers = Search(model, NOISE, QSelector(), k=5, depth=DEPTH)(PUZZLES, seed=seed).rollouts.answers[:, 2].long()
    odd = torch.arange(len(answers)) % 4 == 3
    return torch.where(odd[:, None] & (answers > 0), answers % (VOCABULARY - 1) + 1, answers)


def labelled(labels, **more):
    return Dataset("random", PUZZLES, answers=labels, **more)


@pytest.fixture
def model():
    return Wanderer()


@pytest.fixture
def searches(model):
    noisy = Search(model, NOISE, QSelector(), k=5, depth=DEPTH)
    return {
        "plain": Search(model, Identity(), QSelector(), k=1, depth=DEPTH),
        "best-Q": noisy,
        "mode": attrs.evolve(noisy, selector=MajorityVote()),
        "few lanes": attrs.evolve(noisy, lanes=4),
        "first halted": attrs.evolve(noisy, stop=FirstHalted()),
        "first halted, by vote": attrs.evolve(noisy, stop=FirstHalted(), selector=MajorityVote()),
    }


def test_each_search_fares_as_it_does_alone(model, searches):
    labels, seeds = labels_of(model), (0, 3)
    comparison = tts.compare(model, labelled(labels), searches, seeds)
    assert list(comparison.runs) == list(searches)
    for name, search in searches.items():
        run = comparison.runs[name]
        for row, seed in enumerate(seeds):
            alone = search(PUZZLES, seed=seed)
            right = ((alone.answers == labels) | (labels == 0)).all(dim=1)
            assert torch.from_numpy(run.correct[row]).equal(right), name
            assert run.lane_steps[row].sum() == alone.cost.lane_steps
            if run.passed is not None:
                assert torch.from_numpy(run.passed[row]).equal(alone.rollouts.correct(labels).any(dim=1))
    assert 0 < comparison.runs["best-Q"].correct.mean() < 1


def test_a_puzzle_that_a_rule_ended_keeps_its_winner(model, searches):
    names = ("first halted", "first halted, by vote")
    alone = searches[names[1]](PUZZLES)
    assert not alone.select(MajorityVote()).answers.equal(alone.answers)
    comparison = tts.compare(model, labelled(alone.answers, ignore=-1), {name: searches[name] for name in names})
    assert comparison.runs[names[1]].correct.all()


def test_rollouts_that_differ_only_in_the_selector_run_once(model, searches):
    """Of plain, noise and noise with a stop rule there is one run a seed, no more."""
    labels = labels_of(model)
    model.lane_steps = 0
    once = [searches[name](PUZZLES, seed=seed) for name in ("plain", "best-Q", "first halted") for seed in (0, 1)]
    expected, model.lane_steps = model.lane_steps, 0
    tts.compare(model, labelled(labels), searches, (0, 1))
    tried = len(searches) * model.block  # one step of one block for each
    assert model.lane_steps == expected + tried
    assert sum(result.cost.lane_steps_run for result in once) == expected


@pytest.mark.parametrize(
    "change",
    [{"k": 4}, {"depth": 3}, {"strategy": GaussianNoise(0.4, ("y", "z"))}, {"stop": Budget(9)}, {"record": "q"}],
    ids=str,
)
def test_searches_that_differ_in_more_do_not_share(model, searches, change):
    noisy, other = searches["best-Q"], attrs.evolve(searches["best-Q"], **change)
    labels, cost = labels_of(model), {}
    for names in ({"one": noisy}, {"two": other}, {"one": noisy, "two": other}):
        model.lane_steps = 0
        tts.compare(model, labelled(labels), names)
        cost[tuple(names)] = model.lane_steps
    assert cost["one", "two"] == cost["one",] + cost["two",]


def test_strategies_that_cannot_be_compared_do_not_share(model):
    @attrs.frozen
    class Shift(Strategy):
        """Holds a tensor: == of two has many answers."""

        by: torch.Tensor

        def perturb(self, view, rng):
            return {**view.state, "y": view.state["y"] + self.by}

    searches = {str(x): Search(model, Shift(torch.full((3,), float(x))), QSelector(), k=1, depth=DEPTH) for x in (0, 1)}
    comparison = tts.compare(model, labelled(searches["0"](PUZZLES).answers), searches)
    assert comparison.runs["0"].correct.all()
    assert not comparison.runs["1"].correct.all()


def test_a_budget_cuts_and_grows_k(model, searches):
    deep = attrs.evolve(searches["best-Q"], depth=7)
    comparison = tts.compare(model, labelled(labels_of(model)), {**searches, "deep": deep}, budget=15)
    for name, run in comparison.runs.items():
        assert run.search.k == (2 if name == "deep" else 3)
        assert (run.lane_steps <= 15).all()
    assert comparison.runs["plain"].lane_steps.tolist() == [[12] * len(PUZZLES)]
    assert (comparison.runs["first halted"].lane_steps < 12).any()


@attrs.frozen
class Follow(CoupledStrategy):
    """Every rollout goes on from the one with the best q."""

    def perturb(self, view, rng):
        return {**view.state, "y": view.state["y"] + 0.5 * rng.normal("y", tuple(view.state["y"].shape[1:]))}

    def resample(self, q, step, rng):
        return q.argmax(dim=1, keepdim=True).expand_as(q)


def test_oracle_stands_beside_exchangeable_rollouts_only(model, searches):
    searches["coupled"] = attrs.evolve(searches["best-Q"], strategy=Follow())
    rows = {row.search: row for row in tts.compare(model, labelled(labels_of(model)), searches).rows()}
    without = {name for name, row in rows.items() if row.passed is None}
    assert without == {"first halted", "first halted, by vote", "coupled"}
    assert all(row.passed is None or row.passed.mean >= row.accuracy.mean for row in rows.values())


def made(*correct):
    """A comparison of invented runs: correct [seeds][B] each."""
    search = Search(Wanderer(), NOISE, QSelector(), k=5, depth=DEPTH)
    marks = [np.array(rows, dtype=bool) for rows in correct]
    steps = [np.full(rows.shape, 20) for rows in marks]
    runs = [
        Run(search=search, correct=rows, passed=rows | True, lane_steps=n, seconds=(1.5,) * len(rows))
        for rows, n in zip(marks, steps, strict=True)
    ]
    return Comparison({f"run | {i}": run for i, run in enumerate(runs)}, tuple(range(len(marks[0]))))


def test_rows_of_one_seed_are_paired_by_mcnemar():
    rng = np.random.default_rng(0)
    first, second = rng.random((1, 60)) < 0.3, rng.random((1, 60)) < 0.6
    rows = made(first, second).rows()
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    assert rows[1].p == pytest.approx(scipy.stats.binomtest(gained, gained + lost).pvalue)
    assert rows[1].gain.mean == pytest.approx((gained - lost) / 60)
    assert rows[1].gain.low < rows[1].gain.mean < rows[1].gain.high
    assert (rows[0].gain, rows[0].p) == (None, None)


def test_seeds_are_averaged_by_puzzle_before_any_test():
    """The same answers with four seeds are no more evidence than with one; puzzles that gain a little still count."""
    first = np.array([[1, 0, 0, 0, 1, 0, 0, 1]], dtype=bool)
    second = np.array([[1, 1, 1, 1, 1, 1, 0, 0]], dtype=bool)
    once, often = made(first, second).rows()[1], made(*(x.repeat(4, axis=0) for x in (first, second))).rows()[1]
    assert (once.accuracy, once.gain, once.p) == (often.accuracy, often.gain, often.p)
    half = np.concatenate([first, second])
    assert made(np.concatenate([first, first]), half).rows()[1].p == once.p
    assert made(np.concatenate([first, first]), half).rows()[1].accuracy.mean == 0.5625


def test_exports_hold_the_same_numbers(tmp_path):
    comparison = made([[1, 0, 0, 1]], [[1, 1, 1, 1]])
    records = comparison.records()
    assert [record["accuracy"] for record in records] == [0.5, 1.0]
    assert records[1]["difference"] == 0.5
    assert records[0]["mcnemar_p"] is None
    comparison.save(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [{name: "" if v is None else str(v) for name, v in record.items()} for record in records] == read
    markdown = comparison.markdown().splitlines()
    assert markdown[3].startswith("| run \\| 1 | 5 x 4 | 100.0 (51-100) |")
    assert len({line.replace("\\|", "").count("|") for line in markdown[:4]}) == 1
    console = Console(width=80)
    with console.capture() as shown:
        console.print(comparison.rich())
    (line,) = (line for line in shown.get().splitlines() if "run | 1" in line)
    assert line.split()[3:9] == ["5", "x", "4", "100.0", "(51-100)", "100.0"]
    assert line.split()[-1] == "0.5"


def test_a_table_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        made([[1, 0]]).save(target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.csv"]


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"searches": {}}, TypeError, "at least one search"),
        ({"searches": {"a": 3}}, TypeError, r"searches\['a'\] is 3"),
        ({"model": Wanderer()}, ValueError, "'plain' holds another model"),
        ({"budget": 3}, ValueError, "budget 3 does not pay for one rollout of search 'plain'"),
        ({"seeds": 2}, TypeError, "seeds is 2"),
        ({"seeds": ()}, ValueError, "at least one"),
        ({"seeds": (1, 1)}, ValueError, "none twice"),
        ({"dataset": labelled(torch.ones(3, CELLS, dtype=torch.int64))}, ShapeError, r"labels must be .*= \[12, 6\]"),
        ({"dataset": labelled(torch.ones(12, 5, dtype=torch.int64))}, ShapeError, "a row for each puzzle; got"),
        ({"dataset": labelled(torch.zeros(12, CELLS, dtype=torch.int64))}, PuzzleError, "row 0: no labelled cell"),
        ({"dataset": Dataset("bare", PUZZLES)}, PuzzleError, "bare has no solutions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_refused_in_a_sentence(model, searches, change, kind, sentence):
    valid = {"model": model, "dataset": labelled(torch.ones_like(PUZZLES)), "searches": searches}
    with pytest.raises(kind, match=sentence):
        tts.compare(**{**valid, **change})


def test_a_mistake_shows_before_the_long_run_and_names_its_search(model, searches):
    model.lane_steps, wrong = 0, attrs.evolve(searches["best-Q"], selector=QSelector("max"))  # needs q of every step
    with pytest.raises(TTSError) as caught:
        tts.compare(model, labelled(torch.ones_like(PUZZLES)), {**searches, "wrong": wrong})
    assert caught.value.__notes__ == ["in the comparison's search 'wrong'"]
    assert model.lane_steps == (len(searches) + 1) * model.block


@attrs.frozen
class Blink(Strategy):
    """A strategy of somebody else's: zeroes a latent of some rollouts at some steps."""

    chance: float = 0.3
    latent: str = "y"

    def perturb(self, view, rng):
        latent = view.state[self.latent]
        away = rng.uniform("blink", (1, 1)) < self.chance
        return {**view.state, self.latent: torch.where(away, 0, latent)}


def test_a_strategy_from_outside_joins(model, searches, device):
    check_strategy(Blink(), device=device)
    blink = Search(model, Blink(), QSelector(), k=5, depth=DEPTH)
    rows = tts.compare(model, labelled(labels_of(model)), {**searches, "blink": blink}, budget=20).rows()
    assert rows[-1].search == "blink"
    assert rows[-1].lane_steps == 20
    assert 0 <= rows[-1].accuracy.mean <= rows[-1].passed.mean <= 1


def test_curves_of_a_result(model):
    labels = labels_of(model)
    result = Search(model, NOISE, QSelector(), k=5, depth=DEPTH)(PUZZLES)
    correct, curves = result.rollouts.correct(labels), rollout_curves(result, labels)
    assert list(curves) == ["pass@k", "verified@k", "best-Q@k", "mode@k"]
    np.testing.assert_array_equal(curves["pass@k"].mean, pass_at_k(correct).mean)
    np.testing.assert_array_equal(curves["mode@k"].mean, mode_at_k(correct, result.rollouts.answers).mean)
    for name, selector in (("best-Q@k", QSelector()), ("verified@k", VerifierSelector().then(QSelector()))):
        picked = (result.select(selector).answers == labels) | (labels == 0)
        assert curves[name].mean[-1] == pytest.approx(picked.all(dim=1).double().mean())
    cost = against_lane_steps(curves["pass@k"], result)
    np.testing.assert_allclose(cost.lane_steps, DEPTH * np.arange(1, 6))


def test_curves_without_rules_leave_the_verifier_out(model):
    result = attrs.evolve(Search(model, NOISE, QSelector(), k=2, depth=2)(PUZZLES), verifier=None)
    assert "verified@k" not in rollout_curves(result, PUZZLES)


def test_curves_refuse_rollouts_that_a_rule_cut_short(model):
    result = Search(model, NOISE, QSelector(), k=5, depth=DEPTH, stop=FirstHalted())(PUZZLES)
    with pytest.raises(TTSError, match="a rule that ends puzzles does not allow"):
        rollout_curves(result, PUZZLES)
