"""Seconds against K, D, B and L: the exponent of a power law fitted to each, in the lane-steps that were run.

python benchmarks/scaling.py [--base 8] [--repeats 3]

1 is linear. Over L the model changes with the board: there the seconds of a lane-step are set against L and against
its floating-point operations; a mixer's are a little more than linear in L, its position weights being L * L.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tts import TRM, Cost, GaussianNoise, QSelector, RecursiveModel, Search, Stop, TokenCodec, TRMConfig, Verified, load
from tts.datasets import sudokus

SIDES = (4, 6, 9, 12, 16)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=int, default=8, help="the smallest K and B, and twice the smallest D")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the fastest counts")
    arguments = parser.parse_args()
    base, repeats = arguments.base, arguments.repeats
    model = load("sudoku-9x9")
    boards = sudokus()["heldout"].puzzles
    tokens = torch.stack([torch.from_numpy(board.tokens()) for board in boards]).repeat(8 * base // len(boards) + 1, 1)
    print(f"sudoku-9x9, blocks of {model.block} lanes, {torch.get_num_threads()} threads")
    sizes, depth = [base * factor for factor in (1, 2, 4, 8)], max(1, base // 2)
    run(model, tokens[:base], base, depth, None, 1)  # warm up
    sweep("K", sizes, [run(model, tokens[:base], k, depth, None, repeats) for k in sizes])
    depths = [max(1, size // 2) for size in sizes]
    sweep("D", depths, [run(model, tokens[:base], base, d, None, repeats) for d in depths])
    sweep("B", sizes, [run(model, tokens[:b], base, depth, None, repeats) for b in sizes])
    sweep("B under Verified()", sizes, [run(model, tokens[:b], 4 * base, depth, Verified(), repeats) for b in sizes])
    over_boards(base, repeats)


def run(model: RecursiveModel, tokens: Tensor, k: int, depth: int, stop: Stop | None, repeats: int) -> Cost:
    """Return what the fastest of some searches cost."""
    search = Search(model, GaussianNoise(0.5, ("y", "z")), QSelector(), k=k, depth=depth, stop=stop)
    return min((search(tokens).cost for _ in range(repeats)), key=lambda cost: cost.seconds)


def sweep(name: str, sizes: Sequence[int], costs: Sequence[Cost]) -> None:
    """Print a line for every size, and the exponent."""
    for size, cost in zip(sizes, costs, strict=True):
        rate = cost.lane_steps_run / cost.seconds
        print(f"  {name} = {size}: {cost.lane_steps_run:,} lane-steps run, {cost.seconds:.3f} s, {rate:,.0f} a second")
    power = exponent([cost.lane_steps_run for cost in costs], [cost.seconds for cost in costs])
    print(f"{name}: seconds ~ (lane-steps run) ^ {power:.3f}")


def over_boards(base: int, repeats: int) -> None:
    """Print the same over boards of several sizes, each with a random model of its own."""
    cells, flops, seconds = [], [], []
    for side in SIDES:
        model = mixer(side)
        tokens = torch.randint(0, 11, (base, side * side), generator=torch.Generator().manual_seed(0))
        cost = run(model, tokens, 4 * base, 2, None, repeats)
        cells.append(side * side)
        flops.append(model.step_flops())
        seconds.append(cost.seconds / cost.lane_steps_run)
        print(f"  L = {cells[-1]}: {1e3 * seconds[-1]:.3f} ms a lane-step, {flops[-1] / seconds[-1] / 1e9:.1f} GFLOP/s")
    print(f"L: seconds a lane-step ~ L ^ {exponent(cells, seconds):.3f}")
    print(f"L: seconds a lane-step ~ (floating-point operations) ^ {exponent(flops, seconds):.3f}")


def mixer(side: int) -> RecursiveModel:
    """Return a random TRM of the embedded model's width, over boards of this side."""
    config = TRMConfig(
        vocab_size=11,
        seq_len=side * side,
        num_puzzle_identifiers=1,
        hidden_size=128,
        H_cycles=2,
        L_cycles=4,
        L_layers=2,
        expansion=3,
        num_heads=4,
        mlp_t=True,
        pos_encodings="none",
        puzzle_emb_ndim=0,
    )
    return TRM(config, TokenCodec(side, side, 11)).eval()


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of log seconds over log sizes, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


if __name__ == "__main__":
    main()
