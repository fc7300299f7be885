"""What the stop rules save and what they lose, against every rollout to full depth, on the bundled sudokus.

python benchmarks/stopping.py [--puzzles 200] [--k 64] [--depth 16] [--sets heldout top95 tdoku]

Every search runs the same rollouts, as far as its rule lets them. *By Q* is the answer of the search itself (the
rollout with which the rule ended the puzzle, else the highest Q), *by rules* a rollout that passes the rules, else the
highest Q. *Run* counts the padding of blocks, too, which few puzzles cannot fill. Shares are of the lane-steps of full
depth, K * depth a puzzle; *where solved* looks at the puzzles alone that full depth solves by the rules.
"""

from __future__ import annotations

import argparse

from torch import Tensor

from tts import (
    Budget,
    Converged,
    FirstHalted,
    Halted,
    QSelector,
    RecursiveModel,
    Result,
    Search,
    Stop,
    Verified,
    VerifierSelector,
    load,
)
from tts.cli.demo import NOISE
from tts.datasets import Dataset, sudokus
from tts.metrics import accuracy_interval, bootstrap_interval, mcnemar, paired_difference
from tts.models import default_device, fast_dtype

RULES = VerifierSelector().then(QSelector())
WIDTHS = (20, 20, 11, 11, 22, 22, 9)


def main() -> None:
    """Run, and print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--puzzles", type=int, default=200, help="at most, of each set")
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--depth", type=int, default=16)
    parser.add_argument("--sets", nargs="+", default=["heldout", "top95", "tdoku"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    device = default_device()
    model = load("sudoku-9x9", device=device, dtype=fast_dtype(device))
    print(f"sudoku-9x9, {fast_dtype(device)} on {device}, K = {arguments.k}, depth = {arguments.depth}, {NOISE}")
    for name in arguments.sets:
        data = sudokus()[name][: arguments.puzzles]
        print(f"\n{name}, {len(data)} puzzles; 95 % intervals over puzzles")
        compare(model, data, arguments.k, arguments.depth, arguments.seed)


def compare(model: RecursiveModel, data: Dataset, k: int, depth: int, seed: int) -> None:
    """Print full depth, then every rule."""
    budget = max(1, k * depth // 8)
    rules: dict[str, Stop] = {
        "Halted()": Halted(),
        "FirstHalted()": FirstHalted(),
        "Verified()": Verified(),
        "Converged(0.1)": Converged(0.1),
        f"Budget({budget})": Budget(budget),
    }
    full = Search(model, NOISE, QSelector(), k=k, depth=depth, record=("answers",))(data.puzzles, seed=seed)
    solved = right(full.select(RULES), data)
    print(line("rule", "by Q, %", "by rules, %", "lane-steps", "run", "share, %", "where solved, %", "seconds"))
    print(row("full depth", full, data, k * depth, solved))
    any_step = (full.rollouts.record["answers"] == data.labels()[:, None, None]).all(dim=3).any(dim=2).any(dim=1)
    print(line("  at any of its steps", "", accuracy_interval(any_step).percent(1), "", "", "", "", ""))
    for name, stop in rules.items():
        result = Search(model, NOISE, QSelector(), k=k, depth=depth, stop=stop)(data.puzzles, seed=seed)
        print(row(name, result, data, k * depth, solved))
        if name == "Verified()":
            verified = right(result, data)
    print(f"Verified() against full depth by rules: {difference(verified, solved)}")
    print(f"Verified() against any step of full depth: {difference(verified, any_step)}")


def right(result: Result, data: Dataset) -> Tensor:
    """Mark where the answer is the label, bool [B]."""
    return (result.answers == data.labels()).all(dim=1)


def row(name: str, result: Result, data: Dataset, most: int, solved: Tensor) -> str:
    """Return a line of the table; ``most`` lane-steps a puzzle at full depth, which solves those in ``solved`` [B]."""
    share = result.rollouts.steps.sum(dim=1) / most
    return line(
        name,
        accuracy_interval(right(result, data)).percent(1),
        accuracy_interval(right(result.select(RULES), data)).percent(1),
        f"{result.cost.lane_steps:,}",
        f"{result.cost.lane_steps_run:,}",
        bootstrap_interval(share).percent(1),
        bootstrap_interval(share[solved]).percent(1) if solved.any() else "none solved",
        f"{result.cost.seconds:.1f}",
    )


def line(*cells: str) -> str:
    """Return cells in columns."""
    return cells[0].ljust(22) + "".join(cell.rjust(width) for cell, width in zip(cells[1:], WIDTHS, strict=True))


def difference(a: Tensor, b: Tensor) -> str:
    """Say how often a is right and b is not, and the other way round."""
    return (
        f"{paired_difference(a, b).points(1)} points, {int((a & ~b).sum())} puzzles won, {int((b & ~a).sum())} lost, "
        f"exact McNemar p = {mcnemar(a, b):.2g}"
    )


if __name__ == "__main__":
    main()
