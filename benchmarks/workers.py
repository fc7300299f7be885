"""What many workers cost: Ray's start, a worker's, and each shard's.

python benchmarks/workers.py [--shards 100]
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from typing import Any

import torch

from tts import Dataset, GaussianNoise, QSelector, Search, Store, load
from tts.runs import workers
from tts.testing import Jitter, SmallModel, random_tokens


class Idle:
    """An actor that has nothing to do."""

    def do(self, _: object) -> int:
        return 1


def seconds(action: Any) -> float:
    since = time.perf_counter()
    action()
    return time.perf_counter() - since


def starts(ray: Any) -> None:
    """Print how long it takes to bring a search to a worker."""
    search = Search(load("sudoku-9x9"), GaussianNoise(0.5, ("y", "z")), QSelector(), k=2)
    sent = workers._sendable(search)
    loaded = seconds(lambda: pickle.loads(sent))
    actor = ray.remote(workers._Worker).options(num_cpus=1)
    shared = [ray.put(sent)]
    ready = seconds(lambda: ray.get(actor.remote(1, False).load.remote(shared)))
    print(f"a worker with sudoku-9x9: ready after {ready:.1f} s; {len(sent) / 1e6:.1f} MB, loaded in {loaded:.2f} s")


def shards(count: int) -> None:
    """Print what a shard costs beside its search, which costs next to nothing here."""
    search = Search(SmallModel(), Jitter(), QSelector(), k=1, depth=1)
    tokens = random_tokens(search.model, count)
    times = {}
    for n, who in ((1, "warm"), (count, "workers"), (count, "alone")):
        with tempfile.TemporaryDirectory() as folder:
            run = Store.open(folder, search, Dataset("random", tokens[:n]), shard=1)
            since, spent = time.perf_counter(), time.process_time()
            if who == "alone":
                run.fill()
            else:
                workers.fill(run, workers=1)
            times[who] = time.perf_counter() - since, time.process_time() - spent
    wall = (times["workers"][0] - times["warm"][0]) / (count - 1)
    driver = (times["workers"][1] - times["warm"][1]) / (count - 1)
    here = times["alone"][0] / count
    print(
        f"{count} shards of one puzzle: {1000 * wall:.1f} ms each on one worker, {1000 * here:.1f} without Ray; "
        f"the driver was busy for {1000 * driver:.1f} ms of it"
    )


def opening(puzzles: int) -> None:
    """Print what the driver does before the first shard: hash puzzles and labels, and look for what is missing."""
    search = Search(load("sudoku-9x9"), GaussianNoise(0.5, ("y", "z")), QSelector(), k=2)
    tokens = torch.randint(1, 11, (puzzles, 81), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        runs: list[Store] = []
        dataset = Dataset("random", tokens, answers=tokens)
        opened = seconds(lambda: runs.append(Store.open(folder, search, dataset)))
        sought = seconds(runs[0].missing)
    print(
        f"{puzzles:,} puzzles of 81 cells: opened in {opened:.1f} s, {len(runs[0]):,} shards sought in {sought:.2f} s"
    )


def in_flight(ray: Any, width: int, rounds: int) -> None:
    """Print how fast one driver hands out shards of 64 sudokus of which ``width`` are under way."""
    actor = ray.remote(Idle).options(num_cpus=1).remote()
    tokens = torch.zeros(64, 81, dtype=torch.int64)
    busy = {actor.do.remote(tokens) for _ in range(width)}
    since, spent = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        (done,), _ = ray.wait(list(busy))
        busy.remove(done)
        ray.get(done)
        busy.add(actor.do.remote(tokens))
    took, own = ((now - then) / rounds for now, then in ((time.perf_counter(), since), (time.process_time(), spent)))
    print(
        f"{width} shards under way: {1000 * took:.1f} ms to take one and hand out the next, {1000 * own:.1f} of it busy"
    )
    ray.kill(actor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    opening(100_000)
    since = time.perf_counter()
    with workers.connected() as ray:
        print(f"Ray started in {time.perf_counter() - since:.1f} s")
        starts(ray)
        shards(arguments.shards)
        for width in (1, 100, 1000):
            in_flight(ray, width, 2 * arguments.shards)
