"""Boards checked a second by the batched verifiers, and how many times faster that is than a plain check in Python.

    python benchmarks/verifiers.py [--boards 65536] [--size 10] [--threads N]

The mix, in equal parts: random answers; solved boards with up to three cells changed; and, for the varieties that ask
for one area, the worst case for connectivity, one snake through the whole board, turned and mirrored, with up to one
cell changed (for the others, solved boards as they are). Each ratio is of boards a second of processor time, measured
within one run on the same boards.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tts.puzzles import PUZZLINK, verifier_for

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import reference_rules
from support.solved_boards import ANSWERS, Grid, fillable, mutated, solved

FLOORS = {"sudoku": 300_000, "nurikabe": 30_000, "heyawake": 30_000, "tapa": 30_000}
"""Boards a second on two cores that the project asks for."""
_PUZZLES = 192
"""Distinct puzzles; the answers differ from row to row."""


def snake(size: int) -> Grid:
    """Return one path of 1 through a square board of 0: every other row, joined at alternating ends."""
    path = np.zeros((size, size), np.int64)
    path[::2] = 1
    for y in range(1, size - 1, 2):
        path[y, -1 if y % 4 == 1 else 0] = 1
    return path


def answer(variety: str, part: int, tokens: Grid, solution: Grid, rng: np.random.Generator) -> Grid:
    """Return one answer of the mix."""
    if part == 0:
        return mutated(variety, tokens, solution, tokens.size, rng)
    if part == 1 or variety not in ("nurikabe", "heyawake", "tapa"):
        return mutated(variety, tokens, solution, int(rng.integers(4)) * part, rng)
    path = np.rot90(snake(len(tokens)), int(rng.integers(4)))
    white, shaded = ANSWERS[variety] if variety != "heyawake" else ANSWERS[variety][::-1]
    drawn = np.where(fillable(variety, tokens), np.where(path == 1, shaded, white), tokens)
    return mutated(variety, tokens, drawn, int(rng.integers(2)), rng)


def boards(variety: str, size: int, n: int) -> tuple[Tensor, Tensor]:
    """Return puzzles and answers of the mix, int64 [N, L] each."""
    rng = np.random.default_rng(0)
    puzzles = [solved(variety, size, size, rng) for _ in range(_PUZZLES)]
    pairs = [puzzles[i % _PUZZLES] for i in range(12 * _PUZZLES)]
    answers = [answer(variety, i // _PUZZLES % 3, *pair, rng) for i, pair in enumerate(pairs)]
    order = torch.from_numpy(rng.integers(len(pairs), size=n))
    tokens = torch.from_numpy(np.stack([pair[0].ravel() for pair in pairs]))
    return tokens[order], torch.from_numpy(np.stack([a.ravel() for a in answers]))[order]


def rates(run: Callable[[], object], n: int, at_least: float) -> tuple[float, float]:
    """Return boards per second and per processor second, the best of a few runs of ``at_least`` seconds together.

    The second is what one core does while others use the machine; with several threads it counts them all.
    """
    run()
    wall, processor, spent = float("inf"), float("inf"), 0.0
    while spent < at_least:
        start, used = time.perf_counter(), time.process_time()
        run()
        took = time.perf_counter() - start
        wall, processor, spent = min(wall, took), min(processor, time.process_time() - used), spent + took
    return n / wall, n / processor


def line(variety: str, size: int, n: int, plain_n: int, device: str) -> str:
    """Return the line of one variety."""
    tokens, answers = boards(variety, size, n)
    verifier = verifier_for(variety, size, size)
    pairs = list(zip(tokens[:plain_n].tolist(), answers[:plain_n].tolist(), strict=True))
    _, plain = rates(lambda: [reference_rules.check(variety, *pair, size) for pair in pairs], plain_n, 0.5)
    tokens, answers = tokens.to(device), answers.to(device)
    wall, processor = rates(lambda: bool(verifier.violations(tokens, answers).valid.any()), n, 1.5)
    share = verifier.valid(tokens, answers).float().mean().item()
    floor = f"{FLOORS[variety]:,}" if variety in FLOORS else "-"
    name = f"{variety:<11}{f'{size}x{size}':>6}"
    return f"{name}{wall:>11,.0f}{floor:>9}{processor:>14,.0f}{plain:>8,.0f}{processor / plain:>7,.0f}x{share:>7.1%}"


def main() -> None:
    """Print a line for each variety."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", type=int, default=65_536, help="boards in a batch")
    parser.add_argument("--plain", type=int, default=192, help="boards that the plain check is timed on")
    parser.add_argument("--size", type=int, default=10, help="side of the pencil puzzles; sudoku is 9x9")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.device}, {args.threads} threads, {args.boards} boards in a batch")
    print("variety      size   boards/s    floor  /processor s   plain   ratio  valid")
    for variety in PUZZLINK:
        print(line(variety, 9 if variety == "sudoku" else args.size, args.boards, args.plain, args.device), flush=True)


if __name__ == "__main__":
    main()
