"""The look of every plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tts._util.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which colour-blind readers can tell apart; yellow, too pale for lines, is left out."""
MARKERS = "osD^vPX*"
DASHES = ((0, ()), (0, (4, 2)), (0, (1, 2)), (0, (6, 2, 1, 2)))
"""In turn, so that lines show through those that cover them: verified@k often is pass@k, and best-Q@k near it."""
RIGHT, WRONG = COLOURS[0], COLOURS[1]


def new_figure(title: str, width: float = 6.4, height: float = 4.2) -> tuple[Figure, Axes]:
    """Return a figure with one plot."""
    figure = blank(width, height)
    return figure, tidy(figure.add_subplot(), title)


def blank(width: float, height: float) -> Figure:
    """Return an empty figure.

    Raises:
        TTSError: matplotlib is missing.
    """
    matplotlib = require("matplotlib.figure", extra="plot", user="a plot")
    figure: Figure = matplotlib.Figure(figsize=(width, height), dpi=150, layout="constrained")
    return figure


def tidy(axes: Axes, title: str = "") -> Axes:
    """Give a plot its look, and return it."""
    axes.set_title(title, fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return axes
