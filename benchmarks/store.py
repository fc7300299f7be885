"""What a run folder costs: ``python benchmarks/store.py``. A shard of 64 real puzzles is written, checked and read."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tts import GaussianNoise, QSelector, Search, Store, Verified, load
from tts.datasets import sudokus

NOISE = GaussianNoise(0.5, ("y", "z"))


def best(action: Callable[[], object], turns: int = 5) -> float:
    """Seconds, the best of some turns."""
    found = []
    for _ in range(turns):
        since = time.perf_counter()
        action()
        found.append(time.perf_counter() - since)
    return min(found)


def overhead(k: int, depth: int) -> None:
    """Print what a shard takes to search, write, check and read, and its size."""
    data = sudokus()["hard"][:64]
    search = Search(load("sudoku-9x9"), NOISE, QSelector(), k=k, depth=depth)
    with tempfile.TemporaryDirectory() as folder:
        run = Store.open(folder, search, data.puzzles, labels=data.labels)
        since = time.perf_counter()
        result = run.compute(0)
        searched = time.perf_counter() - since

        def write() -> None:
            for path in Path(folder).glob("shards/*"):
                path.unlink()
            run.write(0, result)

        times = {"written": best(write), "checked": best(run.missing), "read": best(run.result)}
        size = sum(path.stat().st_size for path in Path(folder).glob("*/0*"))
    said = ", ".join(f"{what} in {1000 * t:.1f} ms ({100 * t / searched:.2f} %)" for what, t in times.items())
    print(f"K {k}, depth {depth}: searched in {searched:.1f} s, {said}; {size / 64 / k:.0f} bytes a rollout")


def padding(k: int, depth: int) -> None:
    """Print the lane-steps that small shards waste under a stop rule."""
    data = sudokus()["hard"][:64]
    search = Search(load("sudoku-9x9"), NOISE, QSelector(), k=k, depth=depth, stop=Verified())
    costs = {}
    for shard in (8, 16, 32, 64):
        with tempfile.TemporaryDirectory() as folder:
            run = Store.open(folder, search, data.puzzles, shard=shard)
            run.fill()
            costs[shard] = run.result().cost
    for shard, cost in costs.items():
        print(f"Verified, shards of {shard}: {cost.lane_steps_run} lane-steps run for {cost.lane_steps} useful ones")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    overhead(given.k, given.depth)
    overhead(4 * given.k, given.depth)
    padding(given.k, given.depth)
