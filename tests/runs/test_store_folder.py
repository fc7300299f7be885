"""Whose folder it is: another run is refused in one sentence, and descriptions tell runs apart."""

import os
import subprocess
import sys

import attrs
import numpy as np
import pytest
import torch
from support.models import Wanderer, assert_equal, random_tokens, small_trm
from support.runs import DATA, NOISE, TOKENS, files, filled, search

from tts import (
    Dataset,
    GaussianNoise,
    Halted,
    MajorityVote,
    PuzzleError,
    ShapeError,
    Store,
    StoreError,
    Strategy,
    TTSError,
)
from tts.runs import describe
from tts.runs.fingerprint import differences
from tts.strategies import GuidedParticles


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("run"))


@attrs.frozen
class Shift(Strategy):
    """A plugin that holds whatever."""

    by: object

    def perturb(self, view, rng):
        return view.state


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"k": 6}, "search.k is 5 there and 6 here"),
        ({"depth": 3}, "search.depth is 4 there and 3 here"),
        ({"model": Wanderer(seed=1)}, "search.model.weights is [0-9a-f]{32} there"),
        (
            {"model": Wanderer().bfloat16()},
            "search.model.dtype is float32 there and bfloat16 here, search.model.weights",
        ),
        ({"model": small_trm()}, "search.model is Wanderer there and SmallTRM here"),
        ({"strategy": GaussianNoise(0.4, ("y", "z"))}, "search.strategy.sigma is 0.5 there and 0.4 here"),
        ({"strategy": GuidedParticles(NOISE)}, "search.strategy is GaussianNoise there and GuidedParticles here"),
        ({"selector": MajorityVote()}, "search.selector is QSelector there and MajorityVote here"),
        ({"stop": Halted()}, "search.stop is None there and Halted here"),
        ({"waves": (1, 2)}, r"search.waves is None there and \[1, 2\] here"),
        ({"record": "q"}, r"search.record is \[\] there and \['q'\] here"),
        ({"tokens": random_tokens(14, 2)}, "data.tokens is .* there and .* here"),
        ({"tokens": TOKENS[:9]}, "data.puzzles is 14 there and 9 here"),
        ({"ids": torch.ones(14, dtype=torch.int64)}, "data.tokens is"),
        ({"keys": torch.arange(14)}, "data.tokens is"),
        ({"answers": TOKENS}, "data.labels is None there"),
        ({"ignore": 3}, "data.ignore is 0 there and 3 here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_another_run_is_refused_in_one_sentence(run, change, says):
    before = files(run.folder)
    known = {name: change[name] for name in ("answers", "ids", "ignore") if name in change}
    data = Dataset("random", change.get("tokens", TOKENS), **known)
    options = {name: change[name] for name in ("keys", "seed") if name in change}
    other = {name: change[name] for name in change.keys() - known.keys() - options.keys() - {"tokens"}}
    with pytest.raises(
        StoreError, match=f"holds another run: .*{says}.*; repeat that run, or name another folder"
    ) as e:
        Store.open(run.folder, attrs.evolve(search(), **other), data, **options)
    assert "\n" not in str(e.value)
    assert files(run.folder) == before


def test_what_changes_no_result_is_let_in(run):
    data = Dataset("the same", TOKENS.int(), ids=torch.zeros(14, dtype=torch.int64))
    again = Store.open(run.folder, search(lanes=4), data, shard=7)
    assert (len(again), again.missing()) == (5, [])
    assert_equal(again.result(), run.result())


def test_other_folders_and_damaged_manifests_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"is not a run folder: it holds thesis.tex but no manifest.json"):
        Store.open(tmp_path, search(), DATA)
    with pytest.raises(StoreError, match="cannot be used as a run folder: File exists"):
        Store.open(tmp_path / "thesis.tex", search(), DATA)
    for number, content in enumerate(('{"format": 1', "[]", "{}", '{"format": 1, "run": {}, "shard": "x"}')):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "manifest.json").write_text(content)
        with pytest.raises(StoreError, match=r"manifest.json is damaged: restore it"):
            Store.open(folder, search(), DATA)
    Store.open(tmp_path / "new", search(), DATA)
    manifest = tmp_path / "new" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(StoreError, match="was written in format 2, this is 1"):
        Store.open(tmp_path / "new", search(), DATA)


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path):
    folder = tmp_path / "run"
    for error, says, more in (
        (PuzzleError, "nothing to search: x has no puzzles", {"data": Dataset("x", TOKENS[:0])}),
        (PuzzleError, "x has 3 cells a puzzle, the model 6", {"data": Dataset("x", TOKENS[:, :3])}),
        (ShapeError, "puzzles must be integer tokens", {"data": Dataset("x", TOKENS.float())}),
        (
            ShapeError,
            r"labels must be integer \[B, L\] = \[14, 6\]",
            {"data": Dataset("x", TOKENS, answers=TOKENS[:3])},
        ),
        (ShapeError, "labels must be .*got a list", {"data": Dataset("x", TOKENS, answers=TOKENS.tolist())}),
        (ValueError, "shard is 0", {"shard": 0}),
        (
            StoreError,
            "search.strategy.by is a function, which cannot be written down",
            {"strategy": Shift(lambda x: x)},
        ),
    ):
        options = {"data": DATA, **more}
        with pytest.raises(error, match=says):
            Store.open(folder, search(strategy=options.pop("strategy", NOISE)), options.pop("data"), **options)
    assert not folder.exists()


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TTSError, match=r"pip install 'test-time-search\[store\]'"):
        Store.open(tmp_path / "run", search(), DATA)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (torch.arange(3), torch.arange(3) + 1),
        (torch.arange(3), torch.arange(3.0)),
        (torch.zeros(5000), torch.zeros(5000).index_fill(0, torch.tensor(2500), 1)),
        (np.arange(3), np.arange(4)),
        (1.0, float("inf")),
        (float("inf"), -float("inf")),
        ((1, 2), (2, 1)),
        ({"a": 1}, {"a": 2}),
        (frozenset("ab"), frozenset("ac")),
        (NOISE, GaussianNoise(0.5, ("y",))),
        (Wanderer(), Wanderer(seed=1)),
        (Shift(None), Shift(0)),
        (len, max),
        (range(3), range(4)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_descriptions_tell_values_apart(one, two):
    assert differences(describe(one, "x"), describe(two, "x"), "x")
    assert differences(describe(one, "x"), describe(one, "x"), "x") == []


def test_a_description_is_the_same_in_every_process():
    values = "[frozenset('abcdef'), {'b': 1, 'a': 2.5}, int, len]"
    code = f"from tts.runs import describe; print(describe({values}, 'x'))"
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == str(describe([frozenset("abcdef"), {"b": 1, "a": 2.5}, int, len], "x"))
