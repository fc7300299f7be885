"""Lane-steps a second of a whole search against the plain way: the same weights, dtype, threads and puzzles.

    python benchmarks/rollouts.py [--models sudoku-9x9 trm-mlp trm-att] [--dtypes bfloat16 float32] [--rounds 5]

The plain way is what the paper's readers write first: the official loop, eager, repeat_interleave over the rollouts,
torch.randn on z, fixed depth, weights already in the dtype, at its own best number of lanes. Both sides run the same
puzzles times rollouts; turns alternate in one run. The peak is a 2048 x 2048 matrix product of the same dtype.
``sudoku-9x9`` is the embedded model; the others have the official sizes and random weights. Nothing is compiled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from step import MODELS, PEAK_SIZE, plain_step, seconds
from torch import Tensor

from tts import GaussianNoise, QSelector, Search, VarietyCodec, load
from tts.datasets import sudokus
from tts.models import TRM, TwoLatentModel

SIGMA = 0.5
CANDIDATES = {128: (8, 16, 32, 64, 128, 256), 512: (1, 2, 4, 8, 16, 32)}
"""Lane counts the plain way may choose from, by hidden size."""


def plain_search(model: TwoLatentModel, tokens: Tensor, k: int, depth: int, lanes: int) -> Tensor:
    """Return the answers [B * K, L], block by block of lanes."""
    answers = []
    for rows in tokens.repeat_interleave(k, dim=0).split(lanes):
        encoded = model.encode(rows, torch.zeros_like(rows[:, 0]))
        state = model.start(len(rows))
        for _ in range(depth):
            state["z"] = state["z"] + SIGMA * torch.randn_like(state["z"])
            state = plain_step(model, state, encoded)
            readout = model.read(state)
        answers.append(readout.logits.argmax(dim=2))
    return torch.cat(answers)


def build(name: str, dtype: torch.dtype) -> TwoLatentModel:
    """Return the embedded model, or one of the official sizes with random weights."""
    if name == "sudoku-9x9":
        return load(name, dtype=dtype)
    return TRM(MODELS[name], VarietyCodec("sudoku", 9, 9)).to(dtype).eval().requires_grad_(False)


def compare(name: str, dtype: torch.dtype, puzzles: int, k: int, depth: int, rounds: int) -> str:
    """Return one line of the table."""
    model = build(name, dtype)
    tokens = torch.stack([torch.from_numpy(p.tokens()) for p in sudokus()["heldout"].puzzles[:puzzles]])
    search = Search(model, GaussianNoise(SIGMA), QSelector(), k=k, depth=depth)
    steps = puzzles * k * depth
    counts = [n for n in CANDIDATES[model.config.hidden_size] if n <= puzzles * k]

    def plain(lanes: int, depth: int = depth) -> Callable[[], Tensor]:
        return lambda: plain_search(model, tokens, k, depth, lanes)

    best = min(counts, key=lambda lanes: min(seconds(plain(lanes, 1)) for _ in range(2)))
    square = torch.randn(PEAK_SIZE, PEAK_SIZE, generator=torch.Generator().manual_seed(0)).to(dtype)
    turns: tuple[Callable[[], object], ...] = (lambda: search(tokens), plain(best), lambda: square @ square)
    for turn in turns[1:]:
        turn()
    times = [[seconds(turn) for turn in turns] for _ in range(rounds)]
    ours, theirs, peak = (min(t[i] for t in times) for i in range(3))
    ratio = median(t[1] / t[0] for t in times)
    share = model.step_flops() * steps / ours / (2 * PEAK_SIZE**3 / peak)
    plain_share = model.step_flops() * steps / theirs / (2 * PEAK_SIZE**3 / peak)
    return (
        f"{name:11}{str(dtype).removeprefix('torch.'):9}{steps / ours:9.1f}{share:7.0%}"
        f"{best:8d}{steps / theirs:10.1f}{plain_share:7.0%}{2 * PEAK_SIZE**3 / peak / 1e9:8.0f}{ratio:8.2f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["sudoku-9x9", "trm-mlp", "trm-att"]
    parser.add_argument("--models", nargs="+", default=names, choices=names)
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    begin = time.perf_counter()
    print(f"torch {torch.__version__}, {args.threads} threads; lane-steps a second, best of {args.rounds} turns")
    print(f"{'':20}{'tts':>9}{'of peak':>8}{'plain: lanes':>14}{'':>3}{'of peak':>7}{'peak':>8}{'ratio':>8}")
    with torch.no_grad():
        for name in args.models:
            sizes = (16, 8, 4) if name == "sudoku-9x9" else (8, 4, 1)
            for dtype in args.dtypes:
                print(compare(name, getattr(torch, dtype), *sizes, args.rounds), flush=True)
    print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
