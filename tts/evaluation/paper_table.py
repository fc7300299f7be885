"""The table of Pencil Puzzle Bench as the PTRM paper prints it."""

from __future__ import annotations

from collections.abc import Mapping

from tts._util.tables import Table
from tts.datasets.ppbench import JUDGE
from tts.evaluation.evaluation import Evaluation
from tts.metrics import wilson_interval


def paper_table(evaluations: Mapping[str, Evaluation], judge: str = JUDGE) -> str:
    """Return a table of a column a variety and one for all puzzles, in percent, as PTRM prints PPBench; in markdown.

    Args:
        evaluations: by variety, of searches that are alike.
        judge: whose word counts.
    """
    total = sum(evaluation.puzzles for evaluation in evaluations.values())
    heads = ("answer", *(f"{name} {one.puzzles}" for name, one in evaluations.items()), f"all {total}")
    rows = []
    for scores in zip(*(evaluation.scores for evaluation in evaluations.values()), strict=True):
        shares = [score.right[judge] for score in scores]
        solved = sum(share.mean * one.puzzles for share, one in zip(shares, evaluations.values(), strict=True))
        shares.append(wilson_interval(round(solved), total))
        rows.append((scores[0].name, *(share.percent() for share in shares)))
    return Table("", heads, tuple(rows)).markdown()
