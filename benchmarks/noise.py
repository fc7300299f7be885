"""What the noise costs: nanoseconds a normal, and its share of a supervision step of TRM.

python benchmarks/noise.py [--lanes 32] [--threads 1 2] [--dtype float32]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import torch

from tts.interfaces import Streams
from tts.models import TRM, TRMConfig


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the seconds of the fastest of several runs: the one that others disturbed least."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def sudoku_model() -> TRM:
    """Return a model of the embedded one's sizes: what a step costs does not depend on the weights."""
    return TRM(
        TRMConfig(
            vocab_size=11,
            seq_len=81,
            num_puzzle_identifiers=1,
            hidden_size=128,
            H_cycles=2,
            L_cycles=4,
            L_layers=2,
            expansion=3,
            num_heads=4,
            mlp_t=True,
            pos_encodings="none",
            puzzle_emb_ndim=128,
        )
    ).eval()


@torch.no_grad()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, default=32)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the model")
    arguments = parser.parse_args()
    n, model = arguments.lanes, sudoku_model().to(getattr(torch, arguments.dtype))
    zeros = torch.zeros(n, dtype=torch.int64)
    rng = Streams(0, torch.arange(n), zeros, zeros)
    state, encoded = model.start(n), model.encode(torch.ones(n, 81, dtype=torch.int64), zeros)
    shape = tuple(state["z"].shape[1:])
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        noise = best_seconds(lambda: rng.normal("z", shape), 30)
        step = best_seconds(lambda: model.step(state, encoded), 3)
        print(
            f"{threads} threads, {n} lanes of {list(shape)}: {noise / n / math.prod(shape) * 1e9:.2f} ns a normal, "
            f"{noise / step:.1%} of a step of {step / n * 1e3:.2f} ms a lane ({arguments.dtype})"
        )


if __name__ == "__main__":
    main()
