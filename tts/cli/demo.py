"""The main job, shown: what ``tts demo`` prints."""

from __future__ import annotations

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from torch import Tensor

from tts.cli.options import (
    CONSOLE,
    Device,
    Dtype,
    Seed,
    model_of,
    sentences,
)
from tts.datasets import Labelled, sudokus
from tts.interfaces import RecursiveModel
from tts.metrics import accuracy_interval
from tts.puzzles.drawing import rich_text
from tts.search import Result, Search
from tts.strategies import GaussianNoise, Identity, MajorityVote, QSelector, VerifierSelector

NOISE = GaussianNoise(0.5, ("y", "z"))
K, DEPTH = 24, 16
"""Chosen on the tuning split: see docs/models.md."""
SETS = {"heldout": 40, "guessing": 24, "top95": 47, "tdoku": 9}


def run(model: RecursiveModel, seed: int, console: Console) -> None:
    """Print accuracies of one rollout and of K, for every set, then a puzzle that only the search solved."""
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    noise = f"noise of {NOISE.sigma} on {' and '.join(NOISE.latents)}"
    console.print(f"sudoku-9x9, {dtype}, K = {K} rollouts of {DEPTH} steps, {noise}\n")
    bundled = sudokus()
    heads = ("set", "n", "deter-\nministic", "mode\n@K", "best-Q\n@K", "verified\n@K", "pass\n@K", "lane-\nsteps")
    table = Table(*heads, padding=(0, 0), show_lines=True)
    example, steps, seconds = None, 0, 0.0
    for name, count in SETS.items():
        data = bundled[name][:count]
        alone = Search(model, Identity(), QSelector(), k=1, depth=DEPTH)(data.puzzles, seed=seed)
        found = Search(model, NOISE, QSelector(), k=K, depth=DEPTH)(data.puzzles, seed=seed)
        columns = _columns(alone, found, data.labels)
        table.add_row(name, str(len(data)), *(_percent(c) for c in columns), f"{found.cost.lane_steps:,}")
        only = (columns[2] & ~columns[0]).nonzero()
        if example is None and len(only):
            example = data, alone, found, int(only[0])
        steps += alone.cost.lane_steps + found.cost.lane_steps
        seconds += alone.cost.seconds + found.cost.seconds
    console.print(table)
    console.print(f"accuracy in percent, 95 % interval over puzzles; {steps:,} lane-steps in {seconds:.0f} s\n")
    if example is not None:
        _draw(*example, model, console)


def _columns(alone: Result, found: Result, labels: Tensor) -> list[Tensor]:
    """bool [B] each: deterministic, mode, best-Q and verified answers, and any of the K rollouts, are the label."""
    picks = (alone, found.select(MajorityVote()), found, found.select(VerifierSelector().then(QSelector())))
    return [(pick.answers == labels).all(dim=1) for pick in picks] + [found.rollouts.correct(labels).any(dim=1)]


def _percent(correct: Tensor) -> str:
    interval = accuracy_interval(correct)
    return f"{100 * interval.mean:.1f}\n({100 * interval.low:.0f}-{100 * interval.high:.0f})"


def _draw(data: Labelled, alone: Result, found: Result, row: int, model: RecursiveModel, console: Console) -> None:
    puzzle, boards = data.puzzles[row], []
    for title, result in (("one rollout", alone), (f"best Q of {K}", found)):
        grid = model.codec.decode(puzzle, result.answers[row].numpy())
        q = float(result.rollouts.q[row, result.index[row]])
        boards.append(Panel.fit(rich_text(puzzle, grid, puzzle.violated(grid)), title=f"{title}: Q {q:+.1f}"))
    right = int(found.rollouts.correct(data.labels)[row].sum())
    console.print(
        f"A puzzle that only the search solved ({right} of {K} rollouts did; cells that break a rule marked !):"
    )
    console.print(Columns(boards))


def demo(
    seed: Seed = 0,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """The main job: noisy rollouts lift a trained model on real puzzles."""
    with sentences():
        from tts.cli.demo import run

        run(model_of("sudoku-9x9", device, dtype), seed, CONSOLE)
