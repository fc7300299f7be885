"""Does Q know? How well the halt logit tells right rollouts from wrong ones, and what a perfect verifier would add."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import torch
from torch import Tensor

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison, Run
from tts.metrics import Interval, auroc, expected_calibration_error, paired_difference
from tts.plots import q_against_cell_accuracy, q_histogram, reliability_diagram, trajectories
from tts.search import Search
from tts.strategies import Identity, MajorityVote, QSelector, VerifierSelector

SAMPLES = 500
SHOWN = 24
"""Puzzles whose latents are recorded for the pictures of trajectories, which takes memory."""
ABOUT = "How often Q's pick is right, beside those of a vote and of the rules. How good Q is: see calibration.md."


def searches(ablation: Ablation) -> dict[str, Search]:
    """The deterministic rollout; the noisy ones picked by Q, by a vote and, where there are some, by the rules."""
    noisy = ablation.search(record=("answers", "q"))
    found = {"deterministic": ablation.search(Identity(), k=1), "best Q": noisy}
    found["mode"] = attrs.evolve(noisy, selector=MajorityVote())
    if ablation.model.codec.verifier is not None:
        found["verified, then Q"] = attrs.evolve(noisy, selector=VerifierSelector().then(QSelector()))
    return found


def over_puzzles(measure: Callable[[Tensor, Tensor], float], q: Tensor, correct: Tensor) -> Interval:
    """A measure of q [B, M] and correct [B, M], and its 95 % percentile bootstrap interval over the B puzzles.

    Resamples in which it is not defined, say because every rollout is right, are left out.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(SAMPLES):
        rows = torch.from_numpy(rng.integers(0, len(q), len(q)))
        found.append(measure(q[rows], correct[rows]))
    known = np.array(found)[~np.isnan(found)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return Interval(measure(q, correct), float(low), float(high))


def rollouts(ablation: Ablation, search: Search) -> tuple[Tensor, Tensor]:
    """q and correct, [B, seeds * K], of all rollouts of a search."""
    results = [ablation.result(search, seed) for seed in ablation.seeds]
    correct = [result.rollouts.correct(ablation.labels, ablation.ignore) for result in results]
    return torch.cat([result.rollouts.q for result in results], dim=1), torch.cat(correct, dim=1)


def calibration(ablation: Ablation, name: str, run: Run) -> dict[str, str]:
    """A line of the table: shares in percent, with intervals over puzzles."""
    q, correct = rollouts(ablation, run.search)
    line = {"search": name, "puzzles": f"{len(q)}", "seeds": f"{len(ablation.seeds)}", "rollouts": f"{q.numel()}"}
    line["right %"] = _percent(over_puzzles(lambda _, right: float(right.double().mean()), q, correct))
    line["mean sigmoid(Q) %"] = _percent(over_puzzles(lambda q, _: float(q.double().sigmoid().mean()), q, correct))
    line["ECE %"] = _percent(over_puzzles(expected_calibration_error, q, correct))
    line["AUROC %"] = _percent(over_puzzles(auroc, q, correct))
    if run.passed is not None:
        line["pass@K - picked %"] = _percent(paired_difference(run.passed.mean(axis=0), run.correct.mean(axis=0)))
    return line


def _percent(interval: Interval) -> str:
    return f"{100 * interval.mean:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def main(ablation: Ablation) -> Comparison:
    """Compare the picks; write calibration.csv and .md; draw Q's histogram, its reliability, and trajectories."""
    given = searches(ablation)
    comparison = ablation.compare(given)
    ablation.save(comparison, ABOUT)
    lines = [calibration(ablation, name, comparison.runs[name]) for name in ("deterministic", "best Q")]
    ablation.save_lines("calibration", lines, "All rollouts of a search: what Q promised, and what came true.")
    q, correct = rollouts(ablation, given["best Q"])
    ablation.draw("q_histogram", q_histogram(q, correct))
    ablation.draw("reliability", reliability_diagram(q, correct))
    labels, ignore = ablation.labels, ablation.ignore
    every_step = ablation.result(given["best Q"])
    ablation.draw("q_against_cells", q_against_cell_accuracy(every_step, labels, ignore=ignore))
    if not (ablation.folder / "trajectories.png").exists():  # latents are not kept, so they are searched for once more
        few = ablation.data[:SHOWN]
        result = ablation.search(record=("answers", "q", "y"))(few.puzzles, ids=few.ids, seed=ablation.seeds[0])
        ablation.draw("trajectories", trajectories(result, labels[:SHOWN], ignore=ignore))
    return comparison
