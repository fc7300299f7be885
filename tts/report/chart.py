"""Charts as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.metrics import Curve

Tone = Literal["", "right", "wrong"]


@attrs.frozen
class Line:
    """A line, or a lone point; ``low`` and ``high`` are its 95 % interval.

    Attributes:
        tone: right and wrong have colours of their own.
        bold: drawn thicker than others.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    tone: Tone = ""
    bold: bool = False

    @staticmethod
    def of_curve(name: str, curve: Curve) -> Line:
        """Return a metric in percent against k."""
        mean, low, high = (numbers(100 * values) for values in (curve.mean, curve.low, curve.high))
        return Line(name, numbers(curve.k), mean, low, high)


@attrs.frozen
class Chart:
    """Lines over one axis, or points with their intervals.

    Attributes:
        about: what is to be seen, in a sentence.
        log: x counts 1, 2, 4, ...
        points: points in the plane, not lines.
        y: the range of the y axis, where it is not that of the values.
    """

    title: str
    about: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    log: bool = False
    points: bool = False
    y: tuple[float, float] | None = None

    def plain(self) -> dict[str, Any]:
        """Return the chart for JSON, which has neither NaN nor infinity: they become None."""
        chart = attrs.asdict(self)
        for line in chart["lines"]:
            for name in ("y", "low", "high"):
                line[name] = line[name] and [value if math.isfinite(value) else None for value in line[name]]
        return chart


def numbers(values: NDArray[Any] | Sequence[float]) -> tuple[float, ...]:
    """Round to what can be seen."""
    return tuple(float(f"{value:.5g}") for value in np.asarray(values, np.float64).ravel())
