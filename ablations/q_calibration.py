"""Does Q know? How well the halt logit tells right rollouts from wrong ones, and what a perfect verifier would add."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import torch
from torch import Tensor

from tts._util.tables import Cell, Table
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
    named = {"deterministic": ablation.search(Identity(), k=1), "best Q": noisy}
    named["mode"] = attrs.evolve(noisy, selector=MajorityVote())
    if ablation.model.codec.verifier is not None:
        named["verified, then Q"] = attrs.evolve(noisy, selector=VerifierSelector().then(QSelector()))
    return named


def over_puzzles(measure: Callable[[Tensor, Tensor], float], q: Tensor, correct: Tensor) -> Interval:
    """Return a measure of q [B, M] and correct [B, M], and its 95 % percentile bootstrap interval over the B puzzles.

    Resamples in which it is not defined, say because every rollout is right, are left out.
    """
    rng, samples = np.random.default_rng(0), []
    for _ in range(SAMPLES):
        rows = torch.from_numpy(rng.integers(0, len(q), len(q)))
        samples.append(measure(q[rows], correct[rows]))
    known = np.array(samples)[~np.isnan(samples)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return Interval(measure(q, correct), float(low), float(high))


def rollouts(ablation: Ablation, search: Search) -> tuple[Tensor, Tensor]:
    """Return q and correct, [B, seeds * K], of all rollouts of a search."""
    results = [ablation.result(search, seed) for seed in ablation.seeds]
    correct = [result.rollouts.correct(ablation.labels, ablation.dataset.ignore) for result in results]
    return torch.cat([result.rollouts.q for result in results], dim=1), torch.cat(correct, dim=1)


def calibration(ablation: Ablation, name: str, run: Run) -> dict[str, Cell]:
    """Return a row of the table: shares in percent, with intervals over puzzles."""
    q, correct = rollouts(ablation, run.search)
    gap = None if run.passed is None else paired_difference(run.passed.mean(axis=0), run.correct.mean(axis=0))
    right = over_puzzles(lambda _, right: float(right.double().mean()), q, correct)
    promised = over_puzzles(lambda q, _: float(q.double().sigmoid().mean()), q, correct)
    return {
        "search": name,
        "puzzles": len(q),
        "seeds": len(ablation.seeds),
        "rollouts": q.numel(),
        "right %": right.percent(1),
        "mean sigmoid(Q) %": promised.percent(1),
        "ECE %": over_puzzles(expected_calibration_error, q, correct).percent(1),
        "AUROC %": over_puzzles(auroc, q, correct).percent(1),
        "pass@K - picked %": None if gap is None else gap.points(1),
    }


def main(ablation: Ablation) -> Comparison:
    """Compare the picks; write calibration.csv and .md; draw Q's histogram, its reliability, and trajectories."""
    named = searches(ablation)
    comparison = ablation.compare(named)
    ablation.save(comparison, ABOUT)
    lines = [calibration(ablation, name, comparison.runs[name]) for name in ("deterministic", "best Q")]
    table = Table.of_records(lines, "95 % intervals over puzzles")
    ablation.save_table("calibration", table, "All rollouts of a search: what Q promised, and what came true.")
    q, correct = rollouts(ablation, named["best Q"])
    ablation.draw("q_histogram", q_histogram(q, correct))
    ablation.draw("reliability", reliability_diagram(q, correct))
    labels, ignore = ablation.labels, ablation.dataset.ignore
    every_step = ablation.result(named["best Q"])
    ablation.draw("q_against_cells", q_against_cell_accuracy(every_step, labels, ignore=ignore))
    if not (ablation.folder / "trajectories.png").exists():  # latents are not kept, so they are searched for once more
        few = ablation.dataset[:SHOWN]
        result = ablation.search(record=("answers", "q", "y"))(few.puzzles, ids=few.ids, seed=ablation.seeds[0])
        ablation.draw("trajectories", trajectories(result, labels[:SHOWN], ignore=ignore))
    return comparison
