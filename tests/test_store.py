"""A run folder gives back what the search returned, whatever happened while it was filled."""

import gc
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import Wanderer, assert_equal, random_tokens, small_trm

import tts.shards
from tts import (
    Budget,
    FirstHalted,
    GaussianNoise,
    Halted,
    MajorityVote,
    QSelector,
    Result,
    Search,
    Strategy,
    TTSError,
    Verified,
    VerifierSelector,
)
from tts.describe import describe, differences
from tts.errors import PuzzleError, ShapeError, StoreError
from tts.puzzles import parse
from tts.store import Store
from tts.strategies import GuidedParticles, Pinning

NOISE = GaussianNoise(0.5, ("y", "z"))
TOKENS = random_tokens(14, 1, repeat=0.2)


def search(model=None, **more):
    given = {"strategy": NOISE, "selector": QSelector(), "k": 5, "depth": 4, **more}
    return Search(model or Wanderer(), given.pop("strategy"), given.pop("selector"), **given)


def without_seconds(table):
    return table.drop_columns(["seconds"]) if "seconds" in table.column_names else table


def assert_same_tables(a, b):
    for kind in ("rollouts", "puzzles"):
        one, two = (without_seconds(run.table(kind)).to_pandas() for run in (a, b))
        pandas.testing.assert_frame_equal(one, two)


def files(folder):
    return sorted(path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())


# What comes back


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_a_run_in_shards_equals_the_search(tmp_path_factory, data):
    """Row for row, for every kind of strategy, rule and selector, in shards of any size."""
    model = data.draw(st.sampled_from([Wanderer(), small_trm(), small_trm(mlp_t=False).bfloat16()]))
    strategy = data.draw(st.sampled_from([NOISE, GuidedParticles(NOISE), Pinning(NOISE, threshold=-1)]))
    stops = [None, Verified(), Budget(9)] + [Halted(), FirstHalted(2)] * (not isinstance(strategy, GuidedParticles))
    stop = data.draw(st.sampled_from(stops))
    selector = data.draw(st.sampled_from([QSelector(), MajorityVote(), VerifierSelector().then(QSelector())]))
    record = data.draw(st.sets(st.sampled_from(["q", "residual", "answers"])))
    b, k, depth, shard = (data.draw(st.integers(1, most)) for most in (9, 6, 4, 10))
    tokens, ids = random_tokens(b, data.draw(st.integers(0, 99)), repeat=0.3), torch.arange(b) % 4
    keys = data.draw(st.sampled_from([None, torch.arange(b) + 7]))
    made = Search(model, strategy, selector, k=k, depth=depth, stop=stop, record=sorted(record))
    folder, seed = tmp_path_factory.mktemp("run"), data.draw(st.integers(-3, 99))
    run = Store.open(folder, made, tokens, ids=ids, keys=keys, seed=seed, shard=shard)
    run.fill()
    whole, back = made(tokens, ids=ids, keys=keys, seed=seed), run.result()
    assert_equal(back, whole)
    assert back.rollouts.answers.dtype == whole.rollouts.answers.dtype
    assert (back.scores.dtype, back.rollouts.status.dtype) == (whole.scores.dtype, whole.rollouts.status.dtype)
    assert (back.dtype, back.device, back.exchangeable) == (whole.dtype, whole.device, whole.exchangeable)
    assert (back.cost.lane_steps, back.verifier) == (whole.cost.lane_steps, whole.verifier)
    assert_equal(back.select(MajorityVote()), whole.select(MajorityVote()))


def test_the_tables_say_what_the_result_says(tmp_path):
    made = search(stop=FirstHalted())
    whole = made(TOKENS)
    labels = whole.answers.clone()
    labels[::3] = labels[::3] % 6 + 1
    run = Store.open(tmp_path, made, TOKENS, labels=labels, shard=4)
    run.fill()
    right = whole.rollouts.correct(labels)
    rollouts, puzzles = pandas.read_parquet(tmp_path / "rollouts"), pandas.read_parquet(tmp_path / "puzzles")
    pandas.testing.assert_frame_equal(rollouts, run.table().to_pandas())
    pandas.testing.assert_frame_equal(puzzles, run.table("puzzles").to_pandas())
    assert rollouts["puzzle"].tolist() == np.arange(len(TOKENS)).repeat(5).tolist()
    assert rollouts["rollout"].tolist() == list(range(5)) * len(TOKENS)
    assert rollouts["correct"].tolist() == right.flatten().tolist()
    assert rollouts["verified"].tolist() == whole.verified().flatten().tolist()
    assert np.array_equal(np.stack(rollouts["answer"]), whole.rollouts.answers.flatten(0, 1).numpy())
    assert set(rollouts["status"]) <= {"not started", "finished", "halted", "cancelled"}
    assert (rollouts["status"] == "halted").tolist() == (whole.rollouts.status == 2).flatten().tolist()
    assert puzzles["correct"].tolist() == (whole.answers == labels).all(dim=1).tolist()
    assert puzzles["passed"].tolist() == right.any(dim=1).tolist()
    assert puzzles["verified"].tolist() == whole.valid.tolist()
    assert puzzles["lane_steps"].tolist() == whole.rollouts.steps.sum(dim=1).tolist()
    assert puzzles["seconds"].sum() == pytest.approx(run.result().cost.seconds)
    assert 0 < puzzles["correct"].sum() < len(puzzles)


def test_latents_are_searched_with_but_not_kept(tmp_path):
    run = Store.open(tmp_path, search(record=("y", "q")), TOKENS)
    run.fill()
    assert list(run.result().rollouts.record) == ["q"]


def test_boards_bring_what_tokens_do(tmp_path):
    from small_models import small_sudoku_model

    boards = [parse("1.........2....."), parse(".2........1....3"), parse("...4.1..........")]
    made = search(small_sudoku_model(), k=2, depth=2)
    run = Store.open(tmp_path, made, boards, shard=2)
    run.fill()
    assert_equal(run.result(), made(boards))


# Going on


class Fails(Wanderer):
    """Raises at the n-th step from now; never where n is 0."""

    def __init__(self, error=KeyboardInterrupt):
        super().__init__()
        self.left, self.error = 0, error

    def step(self, state, encoded):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return super().step(state, encoded)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_is_whole_is_not_run_again(tmp_path, error):
    model = Fails(error)
    run = Store.open(tmp_path, search(model), TOKENS, shard=3)
    assert run.missing() == [0, 1, 2, 3, 4] == list(range(len(run)))
    model.left = 40
    with pytest.raises((KeyboardInterrupt, TTSError)):
        run.fill()
    left = Store.open(tmp_path, search(model), TOKENS).missing()
    assert 0 < len(left) < 5
    with pytest.raises(StoreError, match=f"shard {left[0]} of 5 is missing"):
        run.result()
    model.lane_steps = 0
    run.fill()
    assert model.lane_steps == sum(search()(TOKENS[3 * n : 3 * n + 3]).cost.lane_steps_run for n in left)
    assert_equal(run.result(), search()(TOKENS))
    model.lane_steps = 0
    Store.open(tmp_path, search(model), TOKENS).fill()
    assert model.lane_steps == 0


PROGRAM = """
import sys, time, torch
sys.path.insert(0, {tests!r})
from small_models import Wanderer, random_tokens
from tts import GaussianNoise, QSelector, Search
from tts.store import Store

class Slow(Wanderer):
    def step(self, state, encoded):
        time.sleep({pause})
        return super().step(state, encoded)

Slow.__name__ = "Wanderer"
search = Search(Slow(), GaussianNoise(0.5, ("y", "z")), QSelector(), k=5, depth=4)
run = Store.open(sys.argv[1], search, random_tokens(40, 3), shard=2)
{before}
run.fill()
"""


def start(folder, pause=0.003, before=""):
    program = PROGRAM.format(tests=str(Path(__file__).parent), pause=pause, before=before)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def reference(folder):
    run = Store.open(folder, search(), random_tokens(40, 3), shard=2)
    run.fill()
    return run


def wait_for(folder, shards):
    until = time.monotonic() + 120
    while len(list(Path(folder).glob("shards/*.json"))) < shards:
        assert time.monotonic() < until, "no shards appear"
        time.sleep(0.01)


def test_killed_at_any_moment_it_goes_on_to_the_same_tables(tmp_path):
    """Two processes fill one folder; both are killed without warning, twice, at moments drawn."""
    moments, folder = random.Random(4), tmp_path / "run"
    for shards in (2, 8):
        both = [start(folder), start(folder)]
        wait_for(folder, shards)
        time.sleep(moments.random() * 0.05)
        for process in both:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            process.stderr.close()
    run = Store.open(folder, search(), random_tokens(40, 3))
    assert 0 < len(run.missing()) <= 20 - 7  # a shard that was being replaced when its writer died is lost
    both = [start(folder, pause=0), start(folder, pause=0)]
    for process in both:
        assert process.communicate()[1] == ""
        assert process.returncode == 0
    assert_same_tables(run, reference(tmp_path / "undisturbed"))
    assert not [path for path in files(folder) if path.name.endswith(".tmp")]


def test_a_full_disk_leaves_no_half_file_and_loses_no_shard(tmp_path):
    folder, room = tmp_path / "run", "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))"
    process = start(folder, 0, room)
    said = process.communicate()[1]
    assert process.returncode == 1
    assert "StoreError: " in said
    assert "cannot be written: File too large" in said
    assert files(folder) == [Path("manifest.json")]
    run = Store.open(folder, search(), random_tokens(40, 3))
    run.fill()
    assert_same_tables(run, reference(tmp_path / "undisturbed"))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_a_damaged_shard_is_done_again(filled, data):
    """A bit flipped or the end cut off, anywhere in any file of a shard."""
    run, before = filled
    shards = [path for path in files(run.folder) if path.name != "manifest.json"]
    path = run.folder / data.draw(st.sampled_from(shards))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, 10**6)) % len(content)
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    number = int(path.name.split(".")[0])
    assert run.missing() == [number]
    with pytest.raises(StoreError, match=f"shard {number} of 5 is missing or damaged; call fill"):
        run.table()
    run.fill()
    assert run.missing() == []
    assert_equal(run.result(), before)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    run = Store.open(tmp_path_factory.mktemp("run"), search(), TOKENS, shard=3)
    run.fill()
    return run, search()(TOKENS)


def test_a_shard_of_another_run_is_not_taken_for_ours(filled, tmp_path):
    run, _ = filled
    other = Store.open(tmp_path, search(), TOKENS, seed=1, shard=3)
    for kind in ("rollouts", "puzzles", "shards"):
        for path in (run.folder / kind).iterdir():
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    assert other.missing() == [0, 1, 2, 3, 4]


# Several writers


def test_writers_share_the_missing_shards(tmp_path):
    """Whatever the number of writers and the order in which they come, the folder holds the same."""
    runs = [Store.open(tmp_path / "run", search(), TOKENS, shard=2) for _ in range(3)]
    missing = runs[0].missing()
    for number in reversed(missing):
        writer = runs[number % 3]
        writer.write(number, writer.compute(number))
    alone = Store.open(tmp_path / "alone", search(), TOKENS, shard=5)
    alone.fill()
    assert_same_tables(runs[0], alone)
    assert_equal(alone.result(), runs[2].result())


def test_two_writers_of_one_shard_do_no_harm(tmp_path):
    """Four threads write the same shard over each other, for their files differ in the seconds; none half-written."""
    run = Store.open(tmp_path, search(), TOKENS)
    results = [run.compute(0) for _ in range(4)]

    def write(result):
        for _ in range(5):
            for path in (tmp_path / "shards").glob("*.json"):
                path.unlink(missing_ok=True)
            run.write(0, result)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, results))
    run.write(0, results[0])
    assert run.missing() == []
    assert_equal(run.result(), search()(TOKENS))


def test_the_first_of_two_writers_stays(tmp_path):
    run = Store.open(tmp_path, search(), TOKENS)
    first, second = run.compute(0), run.compute(0)
    run.write(0, first)
    run.write(0, second)
    assert run.result().cost == first.cost != second.cost


def test_a_file_system_that_forgets_is_found_out(tmp_path, monkeypatch):
    run = Store.open(tmp_path, search(), TOKENS)
    result = run.compute(0)
    monkeypatch.setattr(tts.shards, "put", lambda path, content: path.write_bytes(bytes(content)[:-9]))
    with pytest.raises(StoreError, match="shard 0 does not read back as it was written"):
        run.write(0, result)


def test_results_of_other_puzzles_are_refused(tmp_path):
    run = Store.open(tmp_path, search(), TOKENS, shard=3)
    with pytest.raises(StoreError, match="what was given is not the result of shard 0"):
        run.write(0, run.compute(1))
    with pytest.raises(StoreError, match="not the result of shard 0"):
        run.write(0, search(k=4)(TOKENS[:3]))
    with pytest.raises(StoreError, match=r"there is no shard 5 .* it has 5"):
        run.compute(5)


# Whose folder it is


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
        ({"labels": TOKENS}, "data.labels is None there"),
        ({"ignore": 3}, "data.ignore is 0 there and 3 here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_another_run_is_refused_in_one_sentence(filled, change, says):
    run, _ = filled
    before = files(run.folder)
    data = {name: change[name] for name in ("ids", "keys", "labels", "ignore", "seed") if name in change}
    other = {name: change[name] for name in change.keys() - data.keys() - {"tokens"}}
    with pytest.raises(
        StoreError, match=f"holds another run: .*{says}.*; repeat that run, or name another folder"
    ) as e:
        Store.open(run.folder, attrs.evolve(search(), **other), change.get("tokens", TOKENS), **data)
    assert "\n" not in str(e.value)
    assert files(run.folder) == before


def test_what_changes_no_result_is_let_in(filled):
    run, whole = filled
    again = Store.open(run.folder, search(lanes=4), TOKENS.int(), ids=torch.zeros(14, dtype=torch.int64), shard=7)
    assert (len(again), again.missing()) == (5, [])
    assert_equal(again.result(), whole)


def test_other_folders_and_damaged_manifests_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"is no run folder: it holds thesis.tex but no manifest.json"):
        Store.open(tmp_path, search(), TOKENS)
    with pytest.raises(StoreError, match="cannot be used as a run folder: File exists"):
        Store.open(tmp_path / "thesis.tex", search(), TOKENS)
    for number, content in enumerate(('{"format": 1', "[]", "{}", '{"format": 1, "run": {}, "shard": "x"}')):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "manifest.json").write_text(content)
        with pytest.raises(StoreError, match=r"manifest.json is damaged: restore it"):
            Store.open(folder, search(), TOKENS)
    Store.open(tmp_path / "new", search(), TOKENS)
    manifest = tmp_path / "new" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(StoreError, match="was written in format 2, this is 1"):
        Store.open(tmp_path / "new", search(), TOKENS)


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path):
    folder = tmp_path / "run"
    for error, says, more in (
        (PuzzleError, "no puzzles were given", {"puzzles": TOKENS[:0]}),
        (ShapeError, "puzzles must be integer tokens", {"puzzles": TOKENS[:, :3]}),
        (ShapeError, r"labels must be integer \[B, L\] = \[14, 6\]", {"labels": TOKENS[:3]}),
        (ShapeError, "labels must be .*got a list", {"labels": TOKENS.tolist()}),
        (ValueError, "shard is 0", {"shard": 0}),
        (
            StoreError,
            "search.strategy.by is a function, which cannot be written down",
            {"strategy": Shift(lambda x: x)},
        ),
    ):
        given = {"puzzles": TOKENS, **more}
        made = search(strategy=given.pop("strategy", NOISE))
        with pytest.raises(error, match=says):
            Store.open(folder, made, given.pop("puzzles"), **given)
    assert not folder.exists()


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TTSError, match=r"pip install 'test-time-search\[store\]'"):
        Store.open(tmp_path / "run", search(), TOKENS)


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
    code = (
        "from tts.describe import describe; print(describe([frozenset('abcdef'), {'b': 1, 'a': 2.5}, int, len], 'x'))"
    )
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == str(describe([frozenset("abcdef"), {"b": 1, "a": 2.5}, int, len], "x"))


# What it costs


def test_memory_is_a_shard_whatever_the_number_of_puzzles(tmp_path, monkeypatch):
    """Counted when a shard is written: results that are alive."""
    alive, save = [], tts.store.save

    def counting(*given):
        alive.append(sum(type(x) is Result for x in gc.get_objects()))
        save(*given)

    gc.collect()
    before = sum(type(x) is Result for x in gc.get_objects())
    monkeypatch.setattr(tts.store, "save", counting)
    Store.open(tmp_path, search(k=1, depth=1), random_tokens(200, 5), shard=5).fill()
    assert len(alive) == 40
    assert max(alive) <= before + 5 + 2
