"""Lane-steps a second of ``model.step`` against the plain loop: the same weights, dtype and threads, turn by turn.

    python benchmarks/step.py [--models sudoku9 trm-mlp trm-att] [--dtypes float32 bfloat16] [--threads 2]

The plain loop is the official one without gradients: eager, weights already in the dtype, each operation on all lanes,
at its own best number of lanes. The peak is that of a large square matrix product of that dtype. Weights are random.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import attrs
import torch
from torch import Tensor

from tts.interfaces import State
from tts.models import TRM, TRMConfig, TwoLatentModel

PEAK_SIZE = 2048
OFFICIAL = TRMConfig(
    vocab_size=11,
    seq_len=81,
    num_puzzle_identifiers=1,
    hidden_size=512,
    H_cycles=3,
    L_cycles=6,
    L_layers=2,
    expansion=4,
    num_heads=8,
    pos_encodings="rope",
    puzzle_emb_ndim=512,
    puzzle_emb_len=16,
)
MODELS = {
    "sudoku9": attrs.evolve(
        OFFICIAL,
        hidden_size=128,
        H_cycles=2,
        L_cycles=4,
        expansion=3,
        pos_encodings="none",
        puzzle_emb_ndim=128,
        puzzle_emb_len=1,
        mlp_t=True,
    ),
    "trm-mlp": attrs.evolve(OFFICIAL, pos_encodings="none", mlp_t=True),
    "trm-att": OFFICIAL,
}
LANES = {"sudoku9": (4, 8, 16, 32, 64, 128, 256), "trm-mlp": (1, 2, 4, 8, 16, 32), "trm-att": (1, 2, 4, 8, 16, 32)}


def plain_step(model: TwoLatentModel, state: State, encoded: Tensor) -> State:
    """Step by the loop of the official code."""
    low, high = model.levels
    rotary = model._rotary_on(encoded.device)
    y, z = state["y"], state["z"]
    for _ in range(model.config.H_cycles):
        for _ in range(model.config.L_cycles):
            z = low(z, y + encoded, rotary)
        y = high(y, z, rotary)
    return {"y": y, "z": z}


def seconds(task: Callable[[], object]) -> float:
    """Return the wall time of a call, or its processor time on one thread, which other programs disturb less."""
    clock = time.perf_counter if torch.get_num_threads() > 1 else time.process_time
    start = clock()
    task()
    return clock() - start


def task(step: Callable[[State, Tensor], State], model: TwoLatentModel, lanes: int) -> Callable[[], State]:
    """Return one step of so many lanes, to be called."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 11, (lanes, model.config.seq_len), generator=draw)
    encoded, state = model.encode(tokens, torch.zeros(lanes, dtype=torch.int64)), model.start(lanes)
    return lambda: step(state, encoded)


def compare(name: str, dtype: torch.dtype, rounds: int) -> str:
    """Return one line of the table."""
    model = TRM(MODELS[name]).to(dtype)
    tasks = {lanes: task(lambda s, e: plain_step(model, s, e), model, lanes) for lanes in LANES[name]}
    speeds = {lanes: lanes / min(seconds(tasks[lanes]) for _ in range(3)) for lanes in LANES[name]}
    lanes = max(speeds, key=lambda count: speeds[count])
    square = torch.randn(PEAK_SIZE, PEAK_SIZE, generator=torch.Generator().manual_seed(0)).to(dtype)
    turns = (task(model.step, model, model.block), tasks[lanes], lambda: square @ square)
    times = [[seconds(turn) for turn in turns] for _ in range(rounds)]
    fast, plain = model.block / min(t[0] for t in times), lanes / min(t[1] for t in times)
    ratio = median((model.block / t[0]) / (lanes / t[1]) for t in times)
    peak = 2 * PEAK_SIZE**3 / min(t[2] for t in times) / 1e9
    gigaflops = model.step_flops() / 1e9
    return (
        f"{name:8} {str(dtype).removeprefix('torch.'):9}"
        f"{model.block:6d}{fast:10.1f}{fast * gigaflops:8.0f}{fast * gigaflops / peak:7.0%}"
        f"{lanes:9d}{plain:10.1f}{plain * gigaflops:8.0f}{plain * gigaflops / peak:7.0%}{peak:9.0f}"
        f"{fast / plain:9.2f}{ratio:9.2f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{args.threads} threads, torch {torch.__version__}; steps are lane-steps; best of {args.rounds} turns")
    print(f"{'':18}{'------ tts -------':>31}{'----- plain ------':>34}{'peak':>9}{'ratio of':>9}{'median':>9}")
    columns = f"{'lanes':>6}{'steps/s':>10}{'GF/s':>8}{'peak':>7}"
    print(f"{'model':9}{'dtype':9}{columns}{'':3}{columns}{'GF/s':>9}{'bests':>9}{'ratio':>9}")
    with torch.no_grad():
        for name in args.models:
            for dtype in args.dtypes:
                print(compare(name, getattr(torch, dtype), args.rounds), flush=True)


if __name__ == "__main__":
    main()
