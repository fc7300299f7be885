"""Pictures of curves, comparisons and Q."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tts._util.arrays import Floats, Numbers, as_array, as_bools, as_floats
from tts.evaluation import Comparison, CostCurve, Row
from tts.metrics import Curve, auroc, expected_calibration_error, reliability
from tts.plots.style import COLOURS, DASHES, MARKERS, RIGHT, WRONG, blank, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN = 1.5  # of a logarithmic axis: wide enough to hold a tick, a power of 2, where all searches spent the same


def accuracy_against_k(curves: Mapping[str, Curve], *, title: str = "") -> Figure:
    """Draw a line for each curve, by name, with its 95 % interval over puzzles as a band.

    Args:
        curves: such as ``tts.evaluation.rollout_curves`` gives.
    """
    figure, axes = new_figure(title)
    for place, (name, curve) in enumerate(curves.items()):
        _line(axes, curve.k.astype(np.float64), curve, name, COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)])
    axes.set(xlabel="rollouts k", ylabel="accuracy (%)")
    _log2(axes)
    axes.legend(frameon=False)
    return figure


def accuracy_against_lane_steps(comparison: Comparison, curves: Mapping[str, CostCurve] | None = None) -> Figure:
    """Draw a point with its 95 % interval for each search: what it spent on a puzzle, and how often it was right.

    Searches that spent nearly the same stand side by side around their common place.

    Args:
        curves: lines to draw beneath, such as ``tts.evaluation.against_lane_steps`` gives; one named as a search
            takes its colour.
    """
    figure, axes = new_figure("", width=8.4)
    rows = comparison.rows()
    colours = {row.search: COLOURS[place % len(COLOURS)] for place, row in enumerate(rows)}
    for place, (name, cost) in enumerate((curves or {}).items()):
        label = f"{name}, any k" if name in colours else name
        _line(axes, cost.lane_steps, cost.curve, label, colours.get(name, "grey"), DASHES[place % len(DASHES)])
    for place, (row, x) in enumerate(zip(rows, _side_by_side(rows), strict=True)):
        mean, low, high = (100 * v for v in (row.accuracy.mean, row.accuracy.low, row.accuracy.high))
        axes.errorbar(
            x,
            mean,
            [[mean - low], [high - mean]],
            label=row.search,
            capsize=3,
            linestyle="none",
            color=colours[row.search],
            marker=MARKERS[place % len(MARKERS)],
        )
    axes.set(xlabel="lane-steps a puzzle", ylabel="accuracy (%)")
    _log2(axes)
    taken = np.concatenate([[row.lane_steps for row in rows], *(cost.lane_steps for cost in (curves or {}).values())])
    axes.set_xlim(taken.min() / _MARGIN, taken.max() * _MARGIN)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def q_histogram(q: Numbers, correct: Numbers, *, bins: int = 40, title: str = "") -> Figure:
    """Draw how Q is spread over right rollouts and over wrong ones, each as shares of its kind.

    Args:
        q: halt logits, any shape.
        correct: bool, the same shape.
    """
    area = auroc(q, correct)
    logits, right = as_floats("q", as_array(q).ravel(), "N"), as_bools("correct", as_array(correct).ravel(), "N")
    figure, axes = new_figure(title)
    edges = np.histogram_bin_edges(logits, bins).tolist()
    for name, kind, colour in (("right", right, RIGHT), ("wrong", ~right, WRONG)):
        if not kind.any():
            continue
        weights = np.full(int(kind.sum()), 100 / kind.sum())
        label = f"{name} ({kind.sum():,})"
        axes.hist(logits[kind], edges, weights=weights, histtype="stepfilled", color=colour, alpha=0.35)
        axes.hist(logits[kind], edges, weights=weights, histtype="step", color=colour, linewidth=1.5, label=label)
    axes.margins(y=0.15)
    axes.axvline(0, color="grey", linewidth=1, linestyle=":")
    axes.annotate("halts", (0, 1), (3, -3), xycoords=("data", "axes fraction"), textcoords="offset points", va="top")
    axes.set(xlabel="Q, the halt logit of a rollout's last step", ylabel="rollouts of its kind (%)")
    axes.legend(frameon=False, title="" if np.isnan(area) else f"AUROC {area:.3f}")
    return figure


def reliability_diagram(q: Numbers, correct: Numbers, *, bins: int = 10, title: str = "") -> Figure:
    """Draw the share of rollouts that are right against what sigmoid(Q) promised, and how many are in each bin.

    The diagonal is perfect calibration; the area of a dot grows with its rollouts. Args as ``q_histogram``.
    """
    table = reliability(q, correct, bins=bins)
    figure = blank(6.4, 5.6)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    tidy(axes, title), tidy(below)
    used = table.count > 0
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle=":", label="perfect")
    axes.vlines(table.confidence[used], table.confidence[used], table.accuracy[used], color=WRONG, linewidth=1.5)
    size = 20 + 180 * table.count[used] / table.count.sum()
    axes.scatter(table.confidence[used], table.accuracy[used], size.tolist(), color=RIGHT, label="this model", zorder=3)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share that is right")
    axes.legend(frameon=False, title=f"ECE {expected_calibration_error(q, correct, bins=bins):.3f}")
    below.bar(table.edges[:-1], table.count, np.diff(table.edges), align="edge", color=RIGHT, alpha=0.35)
    below.set(xlabel="sigmoid(Q)", ylabel="rollouts")
    return figure


def _line(axes: Axes, x: Floats, curve: Curve, name: str, colour: str, dashes: tuple[int, tuple[int, ...]]) -> None:
    axes.plot(x, 100 * curve.mean, color=colour, label=name, linewidth=1.8, linestyle=dashes)
    axes.fill_between(x, 100 * curve.low, 100 * curve.high, color=colour, alpha=0.12, linewidth=0)


def _log2(axes: Axes) -> None:
    """Make the x axis logarithmic: it counts 1, 2, 4, ..., in plain numbers."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _side_by_side(rows: list[Row]) -> list[float]:
    """Return where to draw each row: its lane-steps, but apart from others within 5 % of the least of them."""
    steps = np.array([row.lane_steps for row in rows])
    places = steps.copy()
    apart = (steps.max() / steps.min() * _MARGIN**2) ** 0.022
    left = np.ones(len(rows), dtype=np.bool_)
    while left.any():
        same = np.flatnonzero(left & (steps <= 1.05 * steps[left].min()))
        places[same] = np.exp(np.log(steps[same]).mean()) * apart ** (np.arange(len(same)) - (len(same) - 1) / 2)
        left[same] = False
    return [float(place) for place in places]
