"""Peak memory against the number of streamed puzzles: it must not grow with them.

python benchmarks/memory.py [--puzzles 100 10000] [--k 4] [--depth 2] [--model sudoku-9x9]

Each number runs in a process of its own, so that the peaks are of that run alone. Exits with 1 where the growth from
the first number to the last reaches 100 MB.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

import torch
from torch import Tensor

from tts import TRM, GaussianNoise, Halted, QSelector, RecursiveModel, Search, TRMConfig, VarietyCodec, Verified, load
from tts.datasets import sudokus

LIMIT = 100
STOPS = {"none": None, "halted": Halted(), "verified": Verified()}


def main() -> None:
    """Compare the peaks, each of a process that runs this with ``--alone``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--puzzles", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--model", default="tiny", help="a model of tts.load; by default a random TRM of width 32")
    parser.add_argument("--stop", choices=STOPS, default="none")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        stream(arguments.model, arguments.puzzles[0], arguments.k, arguments.depth, arguments.stop)
        return
    own = ["--k", str(arguments.k), "--depth", str(arguments.depth)]
    own += ["--model", arguments.model, "--stop", arguments.stop, "--alone"]
    peaks = []
    for puzzles in arguments.puzzles:
        command = [sys.executable, __file__, "--puzzles", str(puzzles), *own]
        peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(f"{puzzles:>8,} puzzles: peak {peaks[-1]:.1f} MB", flush=True)
    growth = peaks[-1] - peaks[0]
    print(f"growth {growth:.1f} MB, limit {LIMIT} MB (k {arguments.k}, depth {arguments.depth}, {arguments.model})")
    sys.exit(growth >= LIMIT)


def stream(model: str, puzzles: int, k: int, depth: int, stop: str) -> None:
    """Search the puzzles, look at each result, and print this process's peak in MB."""
    search = Search(
        tiny() if model == "tiny" else load(model), GaussianNoise(0.5), QSelector(), k=k, depth=depth, stop=STOPS[stop]
    )
    done = sum(len(result.answers) for _, result in search.stream(renamed(puzzles)))
    assert done == puzzles
    unit = 1e6 if sys.platform == "darwin" else 1e3
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def tiny() -> RecursiveModel:
    """Return a random TRM over sudokus."""
    config = TRMConfig(
        vocab_size=11,
        seq_len=81,
        num_puzzle_identifiers=1,
        hidden_size=32,
        H_cycles=1,
        L_cycles=1,
        L_layers=1,
        expansion=1,
        num_heads=2,
        mlp_t=True,
        pos_encodings="none",
        puzzle_emb_ndim=0,
    )
    return TRM(config, VarietyCodec("sudoku", 9, 9)).eval()


def renamed(n: int) -> Tensor:
    """Return n sudokus int64 [n, 81]: those that come with the package, under random permutations of the digits."""
    boards = torch.stack([torch.from_numpy(puzzle.tokens()) for puzzle in sudokus()["heldout"].puzzles])
    generator = torch.Generator().manual_seed(0)
    digits = torch.rand(n, 9, generator=generator).argsort(dim=1) + 2
    names = torch.cat([torch.tensor([[0, 1]]).expand(n, 2), digits], dim=1)
    return names.gather(1, boards[torch.arange(n) % len(boards)])


if __name__ == "__main__":
    main()
