"""Pictures of trajectories, as in PTRM (arXiv 2605.19943, figure 3), and of noise sweeps. They need matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tts._util.arrays import Bools, Floats
from tts.evaluation import Example, cell_accuracy, examples, principal_paths, recorded
from tts.metrics import Interval
from tts.plots.style import COLOURS, DASHES, MARKERS, RIGHT, WRONG, blank, new_figure, tidy
from tts.search import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trajectories(result: Result, labels: Tensor, chosen: Sequence[Example] | None = None, *, ignore: int = 0) -> Figure:
    """Draw a column for each example: its path among those of its puzzle, its Q and cell accuracy over the steps.

    The paths are the answer latents y in the plane of the two principal components of all rollouts of the puzzle.

    Args:
        result: of a search with ``record=("answers", "q", "y")`` and no stop rule.
        labels: int [B, L]; cells that hold ``ignore`` may be anything.
        chosen: a quick success, a delayed success and a failure by default.

    Raises:
        TTSError: something was not recorded.
    """
    chosen = examples(result, labels, ignore) if chosen is None else chosen
    accuracy, q = cell_accuracy(result, labels, ignore).numpy(), recorded(result, "q").numpy()
    figure = blank(4.0 * len(chosen), 6.4)
    axes = figure.subplots(2, len(chosen), squeeze=False)
    for column, example in enumerate(chosen):
        final = accuracy[example.puzzle, :, -1] == 1
        paths, shares = principal_paths(result, example.puzzle)
        _paths(tidy(axes[0, column], example.name), paths.numpy(), final, example.rollout, shares)
        row = example.puzzle, example.rollout
        _over_steps(tidy(axes[1, column]), q[row], 100 * accuracy[row])
    return figure


def q_against_cell_accuracy(result: Result, labels: Tensor, *, ignore: int = 0) -> Figure:
    """Draw mean Q against mean cell accuracy after each step, for rollouts that end right and for those that end wrong.

    Args and errors as ``trajectories``; y need not be recorded.
    """
    accuracy, q = cell_accuracy(result, labels, ignore).numpy(), recorded(result, "q").numpy()
    final = accuracy[:, :, -1] == 1
    figure, axes = new_figure("")
    for name, kind, colour, marker in (("right", final, RIGHT, "o"), ("wrong", ~final, WRONG, "X")):
        if kind.any():
            x, y = 100 * accuracy[kind].mean(axis=0), q[kind].mean(axis=0)
            label = f"end {name} ({kind.sum():,} rollouts)"
            axes.plot(x, y, color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
            axes.annotate("step 1", (x[0], y[0]), (4, 4), textcoords="offset points", fontsize="small", color=colour)
    axes.axhline(0, color="grey", linewidth=1, linestyle=":")
    axes.set(xlabel="cells right (%), mean", ylabel="Q, mean")
    axes.legend(frameon=False)
    return figure


def sigma_sweep(points: Mapping[str, Sequence[tuple[float, Interval]]]) -> Figure:
    """Draw accuracy against the noise: a line with 95 % intervals for each name, such as the perturbed latents.

    Args:
        points: by name, (sigma, accuracy from 0 to 1) in any order.
    """
    figure, axes = new_figure("")
    for place, (name, swept) in enumerate(points.items()):
        ordered = sorted(swept, key=lambda point: point[0])
        mean, low, high = (np.array([100 * getattr(i, part) for _, i in ordered]) for part in ("mean", "low", "high"))
        axes.errorbar(
            [sigma for sigma, _ in ordered],
            mean,
            [mean - low, high - mean],
            label=name,
            capsize=3,
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            linestyle=DASHES[place % len(DASHES)],
        )
    axes.set(xlabel="sigma", ylabel="accuracy (%)")
    axes.legend(frameon=False)
    return figure


def _paths(axes: Axes, paths: Floats, final: Bools, chosen: int, shares: tuple[float, float]) -> None:
    for rollout, (x, y) in enumerate(paths.transpose(0, 2, 1)):
        axes.plot(x, y, color=RIGHT if final[rollout] else WRONG, linewidth=0.7, alpha=0.3)
    x, y = paths[chosen].T
    axes.plot(x, y, color="black", linewidth=1.4)
    axes.scatter(x, y, 24, np.arange(len(x)), cmap="viridis", zorder=3)
    axes.annotate("start", (x[0], y[0]), (4, 4), textcoords="offset points", fontsize="small")
    end = RIGHT if final[chosen] else WRONG
    axes.plot(x[-1:], y[-1:], "*", markersize=11, color=end, markeredgecolor="black", zorder=4)
    axes.set(xlabel=f"PC 1 ({shares[0]:.0%} of variance)", ylabel=f"PC 2 ({shares[1]:.0%})", xticks=[], yticks=[])


def _over_steps(axes: Axes, q: Floats, accuracy: Floats) -> None:
    steps = np.arange(1, len(q) + 1)
    axes.plot(steps, accuracy, color=COLOURS[2], marker="o", markersize=3)
    axes.set(xlabel="step", ylim=(0, 104))
    axes.set_ylabel("cells right (%)", color=COLOURS[2])
    beside = axes.twinx()
    beside.plot(steps, q, color=COLOURS[3], marker="s", markersize=3)
    beside.axhline(0, color=COLOURS[3], linewidth=0.8, linestyle=":")
    beside.set_ylabel("Q", color=COLOURS[3])
    beside.spines["top"].set_visible(False)
