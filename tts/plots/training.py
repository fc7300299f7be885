"""How a run of ``tts train`` went, drawn. Needs matplotlib: ``pip install 'test-time-search[plot]'``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.errors import TTSError
from tts.plots.style import COLOURS, MARKERS, blank, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Columns = dict[str, list[float]]


def training_curves(folder: Path | str) -> Figure:
    """Draw the loss, and the share of held-out puzzles that the averaged weights solve, against minutes of training.

    Args:
        folder: the folder of a run, with ``log.csv`` and ``evaluations.csv``.

    Raises:
        TTSError: a file is missing or holds something else.
    """
    log, held = (_columns(Path(folder) / name) for name in ("log.csv", "evaluations.csv"))
    figure = blank(9.0, 3.4)
    left, right = figure.subplots(1, 2)
    tidy(left).plot(log["minutes"], log["loss"], color=COLOURS[0], linewidth=1.0)
    left.set(xlabel="minutes", ylabel="training loss", yscale="log")
    groups = [name for name in held if name not in ("update", "minutes", "mean")]
    for place, name in enumerate(groups):
        shares = [100 * share for share in held[name]]
        style: dict[str, Any] = {
            "color": COLOURS[place % len(COLOURS)],
            "marker": MARKERS[place % len(MARKERS)],
            "markersize": 3,
        }
        tidy(right).plot(held["minutes"], shares, label=name, linewidth=1.2, **style)
    right.set(xlabel="minutes", ylabel="held-out puzzles solved (%)", ylim=(-3, 103))
    right.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _columns(path: Path) -> Columns:
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
    except (OSError, ValueError, TypeError, IndexError, csv.Error) as error:
        raise TTSError(f"{path} is not a log of a training run: train first, or name its folder") from error
    if "minutes" not in columns:
        raise TTSError(f"{path} is not a log of a training run: it has no column minutes")
    return columns
