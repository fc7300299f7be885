"""Killed, out of space, damaged, written twice: a run folder ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import assert_equal, random_tokens
from support.runs import DATA, TOKENS, assert_same_tables, files, filled, search

from tts import Dataset, Store, StoreError
from tts.runs import shards as shard_files

PROGRAM = """
import sys, time, torch
sys.path.insert(0, {tests!r})
from support.models import Wanderer, random_tokens
from tts import Dataset, GaussianNoise, QSelector, Search, Store

class Slow(Wanderer):
    def step(self, state, encoded):
        time.sleep({pause})
        return super().step(state, encoded)

Slow.__name__ = "Wanderer"
search = Search(Slow(), GaussianNoise(0.5, ("y", "z")), QSelector(), k=5, depth=4)
run = Store.open(sys.argv[1], search, Dataset("random", random_tokens(40, 3)), shard=2)
{before}
run.fill()
"""


def start(folder, pause=0.003, before=""):
    program = PROGRAM.format(tests=str(Path(__file__).parents[1]), pause=pause, before=before)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def reference(folder):
    run = Store.open(folder, search(), Dataset("random", random_tokens(40, 3)), shard=2)
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
    run = Store.open(folder, search(), Dataset("random", random_tokens(40, 3)))
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
    run = Store.open(folder, search(), Dataset("random", random_tokens(40, 3)))
    run.fill()
    assert_same_tables(run, reference(tmp_path / "undisturbed"))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_a_damaged_shard_is_done_again(run, data):
    """A bit flipped or the end cut off, anywhere in any file of a shard."""
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
    assert_equal(run.result(), search()(TOKENS))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("run"))


def test_a_shard_of_another_run_is_not_taken_for_ours(run, tmp_path):
    other = Store.open(tmp_path, search(), DATA, seed=1, shard=3)
    for kind in ("rollouts", "puzzles", "shards"):
        for path in (run.folder / kind).iterdir():
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    assert other.missing() == [0, 1, 2, 3, 4]


def test_two_writers_of_one_shard_do_no_harm(tmp_path):
    """Four threads write the same shard over each other, for their files differ in the seconds; none half-written."""
    run = Store.open(tmp_path, search(), DATA)
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


def test_a_file_system_that_forgets_is_found_out(tmp_path, monkeypatch):
    run = Store.open(tmp_path, search(), DATA)
    result = run.compute(0)
    monkeypatch.setattr(shard_files, "write_atomic", lambda path, content: path.write_bytes(bytes(content)[:-9]))
    with pytest.raises(StoreError, match="shard 0 does not read back as it was written"):
        run.write(0, result)
