"""What a run folder costs: a shard of 64 real puzzles, written, checked and read.

python benchmarks/store.py [--k 16] [--depth 4] [--threads 2]
"""

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
    """Return seconds, the best of some turns."""
    seconds = []
    for _ in range(turns):
        since = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - since)
    return min(seconds)


def overhead(k: int, depth: int) -> None:
    """Print how long a shard takes to search, write, check and read, and its size."""
    data = sudokus()["hard"][:64]
    search = Search(load("sudoku-9x9"), NOISE, QSelector(), k=k, depth=depth)
    with tempfile.TemporaryDirectory() as folder:
        run = Store.open(folder, search, data)
        since = time.perf_counter()
        result = run.compute(0)
        searched = time.perf_counter() - since

        def write() -> None:
            for path in Path(folder).glob("*/0*"):
                path.unlink()
            run.write(0, result)

        times = {"written": best(write), "checked": best(run.missing), "read": best(run.result)}
        size = sum(path.stat().st_size for path in Path(folder).glob("*/0*"))
    shares = ", ".join(f"{what} in {1000 * t:.1f} ms ({100 * t / searched:.2f} %)" for what, t in times.items())
    print(f"K {k}, depth {depth}: searched in {searched:.1f} s, {shares}; {size / 64 / k:.0f} bytes a rollout")


def padding(k: int, depth: int) -> None:
    """Print the lane-steps that small shards waste under a stop rule."""
    data = sudokus()["hard"][:64]
    search = Search(load("sudoku-9x9"), NOISE, QSelector(), k=k, depth=depth, stop=Verified())
    costs = {}
    for shard in (8, 16, 32, 64):
        with tempfile.TemporaryDirectory() as folder:
            run = Store.open(folder, search, data, shard=shard)
            run.fill()
            costs[shard] = run.result().cost
    for shard, cost in costs.items():
        print(f"Verified, shards of {shard}: {cost.lane_steps_run} lane-steps run for {cost.lane_steps} useful ones")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    overhead(arguments.k, arguments.depth)
    overhead(4 * arguments.k, arguments.depth)
    padding(arguments.k, arguments.depth)
