"""Drivers and workers killed, full disks, damaged shards: resumed, the rows are those of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster import DATA, Mortal, alone, search, two_cores
from support.runs import assert_same_tables, files

from tts import Store, StoreError
from tts.runs import workers as scale


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    with two_cores() as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return alone(tmp_path_factory.mktemp("undisturbed"), search(Mortal()))


def test_killed_workers_are_replaced(ray: Any, tmp_path: Path, undisturbed: Store) -> None:
    """Three die in the middle of a shard, at moments drawn; the run goes on to its end."""
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    for age in random.Random(8).sample(range(1, 60), 3):
        (deaths / str(age)).touch()
    found = scale.run(search(Mortal(deaths)), DATA, tmp_path / "run", workers=2, shard=2)
    assert list(deaths.iterdir()) == []
    assert_same_tables(found, undisturbed)
    assert not [path for path in files(found.folder) if path.name.endswith(".tmp")]


def test_a_full_disk_is_said_and_loses_no_shard(ray: Any, tmp_path: Path, undisturbed: Store) -> None:
    done = Store.open(tmp_path, search(Mortal()), DATA, shard=4)
    done.write(3, done.compute(3))
    with pytest.raises(StoreError, match="cannot be written: File too large; the finished shards are safe"):
        scale.run(search(Mortal(largest=3000)), DATA, tmp_path, workers=2)
    assert done.missing() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert not [path for path in files(tmp_path) if path.name.endswith(".tmp")]
    done.fill()
    assert_same_tables(done, undisturbed)


def test_damaged_shards_are_done_again(ray: Any, tmp_path: Path, undisturbed: Store) -> None:
    run = Store.open(tmp_path, search(Mortal()), DATA, shard=4)
    run.fill()
    draw = random.Random(5)
    for shard, kind in ((1, "rollouts/000001.parquet"), (4, "puzzles/000004.parquet"), (7, "shards/000007.json")):
        content = bytearray((tmp_path / kind).read_bytes())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (tmp_path / kind).write_bytes(content)
        assert shard in run.missing()
    (tmp_path / "rollouts" / "000009.parquet").unlink()
    assert run.missing() == [1, 4, 7, 9]
    scale.fill(run, workers=1)
    assert_same_tables(run, undisturbed)


PROGRAM = """
import sys
from pathlib import Path
from support.cluster import DATA, Mortal, search
from tts.runs import workers as scale
scale.run(search(Mortal(pause=0.02)), DATA, sys.argv[1], workers=2, shard=1)
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """A process that runs Ray of its own."""
    here = str(Path(__file__).parents[1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": here, "RAY_worker_niceness": "0"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], env=environment, **quiet)  # type: ignore[call-overload]


def processes() -> dict[int, tuple[int, str]]:
    """Parent and command of every process that has not ended."""
    shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = (line.split(None, 3) for line in shown.stdout.splitlines())
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and row[2][0] != "Z"}


def descendants(of: int) -> dict[int, str]:
    """Commands by process."""
    every = processes()
    found: dict[int, str] = {}
    parents = {of}
    while parents:
        children = {pid for pid, (parent, _) in every.items() if parent in parents}
        found |= {pid: every[pid][1] for pid in children}
        parents = children
    return found


def wait(until: Any, what: str) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_killed_driver_takes_its_workers_along_and_leaves_the_shards(
    ray: Any, tmp_path: Path, undisturbed: Store
) -> None:
    """kill -9 from outside: of a worker at a moment drawn, and then of the driver."""
    moments = random.Random(6)
    with start(tmp_path / "run") as driver:
        for shards, victims in ((3, "a worker"), (10, "the driver")):
            wait(lambda n=shards: len(list(tmp_path.glob("run/shards/*.json"))) >= n, f"{shards} shards")  # type: ignore[misc]
            time.sleep(moments.random() * 0.2)
            everyone = descendants(driver.pid)
            workers = [pid for pid, command in everyone.items() if command.startswith("ray::_Worker")]
            assert workers
            os.kill(workers[0] if victims == "a worker" else driver.pid, signal.SIGKILL)
        assert driver.wait() == -signal.SIGKILL
    wait(lambda: not set(workers) & processes().keys(), "workers outlive their driver")
    for agent in everyone.keys() & processes().keys():  # two of Ray's own take a minute to notice
        os.kill(agent, signal.SIGKILL)
    missing = Store.open(tmp_path / "run", search(Mortal()), DATA).missing()
    assert 0 < len(missing) <= 30
    found = scale.run(search(Mortal()), DATA, tmp_path / "run", workers=2)
    assert_same_tables(found, undisturbed)
    assert not [path for path in files(found.folder) if path.name.endswith(".tmp")]
