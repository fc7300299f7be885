"""Trajectories: counted cell by cell, projected without loss where two dimensions suffice, drawn as they are."""

import io

import attrs
import numpy as np
import pytest
import torch
from support.models import Wanderer, random_tokens

from tts import GaussianNoise, Halted, QSelector, Search, TTSError
from tts.evaluation import cell_accuracy, examples, principal_paths, recorded
from tts.metrics import Interval
from tts.plots import q_against_cell_accuracy, sigma_sweep, trajectories

TOKENS = random_tokens(5, 3)
SEARCH = Search(Wanderer(), GaussianNoise(0.5), QSelector(), k=4, depth=6, record=("answers", "q", "y"))
RESULT = SEARCH(TOKENS)
LABELS = RESULT.rollouts.answers[:, 0].long()  # rollout 0 ends right


def with_right(right):
    """The result as if every answer were the label where ``right`` [B, K, depth], and off by one elsewhere."""
    answers = torch.where(torch.as_tensor(right)[..., None], LABELS[:, None, None] + 1, LABELS[:, None, None] + 2)
    rollouts = attrs.evolve(RESULT.rollouts, record={**RESULT.rollouts.record, "answers": answers})
    return attrs.evolve(RESULT, rollouts=rollouts), LABELS + 1


def test_cell_accuracy_is_the_share_of_labelled_cells():
    labels = LABELS + 1
    labels[:, 2] = 0
    found, answers = cell_accuracy(RESULT, labels).numpy(), RESULT.rollouts.record["answers"].numpy()
    for b, k, step in np.ndindex(5, 4, 6):
        counted = [c for c in range(6) if labels[b, c]]
        right = sum(answers[b, k, step, c] == labels[b, c] for c in counted)
        assert found[b, k, step] == pytest.approx(right / len(counted))


def test_examples_are_the_quickest_the_latest_beside_a_failure_and_that_failure():
    right = np.zeros((5, 4, 6), bool)
    right[0, :, 5] = True  # late, but nobody failed beside them
    right[1, 2, 1:] = True  # the quickest for good
    right[1, 1, :3] = True  # right for a while only
    right[3, 3, 4:] = True  # late, beside failures
    result, labels = with_right(right)
    assert [(e.name, e.puzzle, e.rollout) for e in examples(result, labels)] == [
        ("quick success", 1, 2),
        ("delayed success", 3, 3),
        ("failure", 3, 0),
    ]


@pytest.mark.parametrize(("right", "names"), [(True, ["quick success", "delayed success"]), (False, ["failure"])])
def test_examples_are_those_that_there_are(right, names):
    result, labels = with_right(np.full((5, 4, 6), right))
    assert [example.name for example in examples(result, labels)] == names


def test_paths_in_a_plane_keep_their_distances():
    generator = torch.Generator().manual_seed(0)
    plane = torch.randn(5, 4, 6, 2, generator=generator, dtype=torch.float64)
    axes = torch.linalg.qr(torch.randn(21, 2, generator=generator, dtype=torch.float64))[0]
    y = (plane @ axes.T + 3).view(5, 4, 6, 7, 3)
    result = attrs.evolve(RESULT, rollouts=attrs.evolve(RESULT.rollouts, record={"y": y}))
    paths, shares = principal_paths(result, 2)
    assert sum(shares) == pytest.approx(1)
    assert shares[0] >= shares[1]
    torch.testing.assert_close(torch.cdist(*2 * [paths.view(-1, 2)]), torch.cdist(*2 * [plane[2].view(-1, 2)]))


def test_what_was_not_recorded_is_named():
    bare = attrs.evolve(SEARCH, record=("q",))(TOKENS)
    with pytest.raises(TTSError, match="need 'answers' of every step: search with record="):
        cell_accuracy(bare, LABELS)
    halted = attrs.evolve(SEARCH, stop=Halted())(TOKENS)
    with pytest.raises(TTSError, match="full depth: search without a stop rule"):
        recorded(halted, "q")


def test_a_column_for_each_example_with_its_q_and_its_cells():
    figure = trajectories(RESULT, LABELS, ignore=-1)
    chosen = examples(RESULT, LABELS, ignore=-1)
    above, below = figure.axes[: len(chosen)], figure.axes[len(chosen) : 2 * len(chosen)]
    assert [axes.get_title() for axes in above] == [example.name for example in chosen]
    assert all(len(axes.lines) == 6 for axes in above)  # four rollouts, the chosen one again, its end
    accuracy = cell_accuracy(RESULT, LABELS, ignore=-1)
    for axes, example in zip(below, chosen, strict=True):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * accuracy[example.puzzle, example.rollout])
    figure.savefig(io.BytesIO(), format="png")


def test_mean_q_and_cells_of_the_right_and_the_wrong():
    axes = q_against_cell_accuracy(RESULT, LABELS, ignore=-1).axes[0]
    final = cell_accuracy(RESULT, LABELS, ignore=-1)[:, :, -1] == 1
    assert 0 < int(final.sum()) < 20
    for line, kind in zip(axes.lines, (final, ~final), strict=False):
        np.testing.assert_allclose(line.get_ydata(), RESULT.rollouts.record["q"][kind].mean(dim=0), rtol=1e-5)


def test_a_sweep_is_drawn_in_the_order_of_sigma():
    points = {"z": [(1.0, Interval(0.5, 0.4, 0.7)), (0.2, Interval(0.3, 0.2, 0.4))]}
    axes = sigma_sweep(points).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0.2, 30], [1.0, 50]])
    assert axes.get_legend().get_texts()[0].get_text() == "z"
