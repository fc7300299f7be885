"""Pictures show the numbers they are given, need no display, and say what to install."""

import io
import subprocess
import sys

import numpy as np
import pytest
from support.models import Wanderer

from tts import Comparison, GaussianNoise, QSelector, Search, TTSError
from tts.evaluation import CostCurve, Run
from tts.metrics import best_at_k, pass_at_k, reliability
from tts.plots import accuracy_against_k, accuracy_against_lane_steps, q_histogram, reliability_diagram

RNG = np.random.default_rng(0)
CORRECT = RNG.random((40, 8)) < RNG.random((40, 1))
Q = np.where(CORRECT, 3, -1) + RNG.normal(0, 2, CORRECT.shape)
CURVES = {"pass@k": pass_at_k(CORRECT, samples=50), "best-Q@k": best_at_k(CORRECT, Q, samples=50)}
SEARCH = Search(Wanderer(), GaussianNoise(0.5), QSelector(), k=8, depth=4)


def comparison(*lane_steps):
    """A search for each, that many lane-steps a puzzle, of growing accuracy."""
    runs = {}
    for place, steps in enumerate(lane_steps):
        correct = np.arange(40)[None] < 10 + place
        runs[f"search {place}"] = Run(
            search=SEARCH, correct=correct, passed=None, lane_steps=np.full((1, 40), steps), seconds=(1.0,)
        )
    return Comparison(runs, (0,))


def pixels(figure):
    """The picture as bytes; drawing it is part of the test."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def texts(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_line_and_a_band_for_each_curve():
    figure = accuracy_against_k(CURVES, title="forty puzzles")
    (axes,) = figure.axes
    assert texts(axes) == list(CURVES)
    assert axes.get_title() == "forty puzzles"
    for line, band, curve in zip(axes.lines, axes.collections, CURVES.values(), strict=True):
        np.testing.assert_allclose(line.get_xydata(), np.stack([curve.k, 100 * curve.mean], axis=1))
        outline = band.get_paths()[0].vertices[:, 1]
        assert outline.min() == pytest.approx(100 * curve.low.min())
        assert outline.max() == pytest.approx(100 * curve.high.max())
    assert pixels(figure).startswith(b"\x89PNG")


def test_a_point_with_its_interval_for_each_search():
    compared = comparison(4, 16, 32)
    figure = accuracy_against_lane_steps(compared)
    (axes,) = figure.axes
    assert texts(axes) == list(compared.runs)
    for row, (point, _, (bar,)) in zip(compared.rows(), axes.containers, strict=True):
        np.testing.assert_allclose(point.get_xydata(), [[row.lane_steps, 100 * row.accuracy.mean]])
        np.testing.assert_allclose(bar.get_segments()[0][:, 1], [100 * row.accuracy.low, 100 * row.accuracy.high])
    assert pixels(figure)


@pytest.mark.parametrize("steps", [1500, 3, 0.5])
def test_searches_that_spent_the_same_stand_apart_around_a_tick(steps):
    figure = accuracy_against_lane_steps(comparison(steps, steps, steps * 1.01))
    (axes,) = figure.axes
    places = [container[0].get_xdata()[0] for container in axes.containers]
    assert places == sorted(places)
    assert min(np.diff(places)) > 0.01 * steps
    assert np.prod(places) ** (1 / 3) == pytest.approx(steps, rel=0.01)
    pixels(figure)
    low, high = axes.get_xlim()
    assert any(low <= tick <= high for tick in axes.get_xticks())


def test_lines_beneath_the_points_share_the_colour_of_their_search():
    cost = CostCurve(4.0 * CURVES["pass@k"].k, CURVES["pass@k"])
    figure = accuracy_against_lane_steps(comparison(4, 32), {"search 1": cost, "pass@k": cost})
    (axes,) = figure.axes
    assert texts(axes)[:2] == ["search 1, any k", "pass@k"]
    assert axes.lines[0].get_color() == axes.containers[1][0].get_color()
    assert axes.lines[1].get_color() == "grey"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), cost.lane_steps)


def test_histogram_shares_add_up_to_one_for_right_and_for_wrong():
    figure = q_histogram(Q, CORRECT)
    (axes,) = figure.axes
    assert texts(axes) == [f"right ({CORRECT.sum()})", f"wrong ({(~CORRECT).sum()})"]
    assert axes.get_legend().get_title().get_text().startswith("AUROC 0.9")
    assert len(axes.patches) == 4
    for patch in axes.patches:
        outline = patch.get_xy()
        heights = np.histogram(Q[CORRECT], np.histogram_bin_edges(Q, 40))[0] / CORRECT.sum() * 100
        if patch in axes.patches[:2]:
            assert outline[:, 1].max() == pytest.approx(heights.max())
    assert pixels(figure)


def test_histogram_of_one_kind_has_no_auroc():
    (axes,) = q_histogram(Q, np.ones_like(CORRECT)).axes
    assert texts(axes) == [f"right ({CORRECT.size})"]
    assert axes.get_legend().get_title().get_text() == ""


def test_reliability_diagram_draws_the_table():
    figure = reliability_diagram(Q, CORRECT, bins=5)
    axes, below = figure.axes
    table = reliability(Q, CORRECT, bins=5)
    np.testing.assert_allclose(axes.collections[1].get_offsets(), np.stack([table.confidence, table.accuracy], axis=1))
    assert [bar.get_height() for bar in below.patches] == table.count.tolist()
    assert pixels(figure)


def test_a_figure_is_the_same_twice():
    assert pixels(accuracy_against_k(CURVES)) == pixels(accuracy_against_k(CURVES))


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(TTSError, match=r"pip install 'test-time-search\[plot\]'"):
        accuracy_against_k(CURVES)


def test_matplotlib_is_imported_only_to_draw():
    code = "import sys, tts, tts.plots; sys.exit(any(name.startswith('matplotlib') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)
