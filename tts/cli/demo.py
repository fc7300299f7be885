"""tts demo."""

from __future__ import annotations

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from torch import Tensor

from tts.cli.options import CONSOLE, Device, Dtype, Seed, model_of, sentences
from tts.datasets import Dataset, sudokus
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
    sets = sudokus()
    heads = ("set", "n", "deter-\nministic", "mode\n@K", "best-Q\n@K", "verified\n@K", "pass\n@K", "lane-\nsteps")
    table = Table(*heads, padding=(0, 0), show_lines=True)
    example, steps, seconds = None, 0, 0.0
    for name, count in SETS.items():
        data = sets[name][:count]
        alone = Search(model, Identity(), QSelector(), k=1, depth=DEPTH)(data.puzzles, seed=seed)
        noisy = Search(model, NOISE, QSelector(), k=K, depth=DEPTH)(data.puzzles, seed=seed)
        columns = _columns(alone, noisy, data.labels())
        shares = (accuracy_interval(column).percent().replace(" ", "\n") for column in columns)
        table.add_row(name, str(len(data)), *shares, f"{noisy.cost.lane_steps:,}")
        only = (columns[2] & ~columns[0]).nonzero()
        if example is None and len(only):
            example = data, alone, noisy, int(only[0])
        steps += alone.cost.lane_steps + noisy.cost.lane_steps
        seconds += alone.cost.seconds + noisy.cost.seconds
    console.print(table)
    console.print(f"accuracy in percent, 95 % interval over puzzles; {steps:,} lane-steps in {seconds:.0f} s\n")
    if example is not None:
        _draw(*example, model, console)


def _columns(alone: Result, noisy: Result, labels: Tensor) -> list[Tensor]:
    """Mark where the deterministic, mode, best-Q and verified answers, and any of the rollouts, are right: bool [B]."""
    picks = (alone, noisy.select(MajorityVote()), noisy, noisy.select(VerifierSelector().then(QSelector())))
    return [(pick.answers == labels).all(dim=1) for pick in picks] + [noisy.rollouts.correct(labels).any(dim=1)]


def _draw(data: Dataset, alone: Result, noisy: Result, row: int, model: RecursiveModel, console: Console) -> None:
    one, boards = data[row : row + 1], []
    puzzle = (one.boards or ())[0]
    for title, result in (("one rollout", alone), (f"best Q of {K}", noisy)):
        grid = model.codec.decode(puzzle, result.answers[row].numpy())
        q = float(result.rollouts.q[row, result.index[row]])
        boards.append(Panel.fit(rich_text(puzzle, grid, puzzle.violated(grid)), title=f"{title}: Q {q:+.1f}"))
    right = int(noisy.rollouts.correct(data.labels())[row].sum())
    console.print(
        f"A puzzle that only the search solved ({right} of {K} rollouts did; cells that break a rule marked !):"
    )
    console.print(Columns(boards))


def demo(seed: Seed = 0, device: Device = None, dtype: Dtype = None) -> None:
    """Search with an embedded model: what noisy rollouts add to one of them, on real sudokus."""
    with sentences():
        run(model_of("sudoku-9x9", device, dtype), seed, CONSOLE)
