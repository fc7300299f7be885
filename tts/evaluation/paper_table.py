"""The table of Pencil Puzzle Bench as the PTRM paper prints it."""

from __future__ import annotations

from collections.abc import Mapping

from tts.datasets.ppbench import JUDGE
from tts.evaluation.evaluation import Evaluation
from tts.metrics import percent, wilson_interval


def paper_table(evaluations: Mapping[str, Evaluation], judge: str = JUDGE) -> str:
    """A column a variety and one for all puzzles together, in percent, as PTRM prints PPBench; GitHub's markdown.

    Args:
        evaluations: by variety, of searches that are alike.
        judge: whose word counts.
    """
    heads = ["answer", *(f"{name} {found.puzzles}" for name, found in evaluations.items())]
    total = sum(found.puzzles for found in evaluations.values())
    lines = [[*heads, f"all {total}"], [":--", *["--:"] * len(heads)]]
    for rows in zip(*(found.scores for found in evaluations.values()), strict=True):
        shares = [row.right[judge] for row in rows]
        solved = sum(share.mean * found.puzzles for share, found in zip(shares, evaluations.values(), strict=True))
        lines.append([rows[0].name, *map(percent, [*shares, wilson_interval(round(solved), total)])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
