"""Tables and charts of results and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from tts._util.arrays import Bools
from tts._util.tables import Table
from tts.evaluation import Record, curves_of
from tts.metrics import Interval, accuracy_interval, auroc
from tts.report.chart import Chart, Line, Tone, numbers
from tts.report.subject import Subject, started
from tts.search import Result, Status
from tts.strategies import MajorityVote, QSelector, VerifierSelector

PERCENT = (0.0, 100.0)


def result_table(subject: Subject) -> Table:
    """Return a table of how many puzzles each way to pick among the same rollouts gets right."""
    result, n = subject.result, len(subject.result.tokens)
    k = result.scores.shape[1]
    judges = [who for who in ("label", "rules") if who == subject.judge or (who == "rules" and result.verifier)]
    picks = {"selected": result}
    if result.exchangeable and k > 1:
        picks |= {f"best-Q@{k}": result.select(QSelector()), f"mode@{k}": result.select(MajorityVote())}
        if result.verifier is not None:
            picks[f"verified@{k}"] = result.select(VerifierSelector().then(QSelector()))
    rows = [(name, *(_share(_picked(subject, pick, who)) for who in judges)) for name, pick in picks.items()]
    if result.exchangeable and k > 1:
        rows.append((f"pass@{k}", *(_share(_marks(subject, who).any(dim=1)) for who in judges)))
    cost = f"{result.cost.lane_steps:,} lane-steps in {result.cost.seconds:.1f} s"
    caption = f"{n} puzzle{'s' * (n > 1)}, {k} rollout{'s' * (k > 1)} each; {cost}; percent right, 95 % intervals"
    heads = ("answer", *(f"by {who}" for who in judges))
    return Table(f"{subject.name}: {caption}" if subject.name else caption, heads, tuple(rows) if judges else ())


def _marks(subject: Subject, who: str) -> Tensor:
    marks = subject.correct if who == "label" else subject.result.verified()
    assert marks is not None
    return marks


def _picked(subject: Subject, pick: Result, who: str) -> Tensor:
    return _marks(subject, who).gather(1, pick.index[:, None])[:, 0]


def _share(marks: Tensor) -> str:
    return accuracy_interval(marks).percent()


def result_charts(subject: Subject) -> list[Chart]:
    """Return accuracy against k, Q and cells over the steps, and how Q is spread; those that can be drawn."""
    right = subject.right
    if right is None:
        return []
    title = f"{subject.name}: " if subject.name else ""
    charts = [_against_k(subject, right, title)] if subject.result.exchangeable and right.shape[1] > 1 else []
    if bool((subject.result.rollouts.status == Status.FINISHED).all()):
        charts += _over_steps(subject, right, title)
    return charts + _spread(subject, right, title)


def _against_k(subject: Subject, right: Tensor, title: str) -> Chart:
    curves = curves_of(subject.result, right)
    return Chart(
        title=f"{title}accuracy against the number of rollouts",
        about=f"Percent right by {subject.judge}, mean over all subsets of k rollouts; 95 % intervals over puzzles.",
        x_label="rollouts k",
        y_label="right (%)",
        lines=tuple(Line.of_curve(name, curve) for name, curve in curves.items()),
        log=True,
        y=PERCENT,
    )


def _over_steps(subject: Subject, right: Tensor, title: str) -> list[Chart]:
    record, depth = subject.result.rollouts.record, int(subject.result.rollouts.steps.max())
    steps, charts = numbers(np.arange(1, depth + 1)), []
    kinds: list[tuple[str, Tone, Tensor]] = [("end right", "right", right), ("end wrong", "wrong", ~right)]
    kinds = [kind for kind in kinds if bool(kind[2].any())]
    if "q" in record:
        lines = [
            Line(f"{name} ({int(which.sum()):,})", steps, numbers(record["q"][which].mean(dim=0).numpy()), tone=tone)
            for name, tone, which in kinds
        ]
        about = "Mean Q, the halt logit, after each step, of rollouts that end right and of those that end wrong."
        charts.append(Chart(f"{title}Q over the steps", about, "step", "mean Q", tuple(lines)))
    if "answers" in record and subject.labels is not None:
        share = _cells_right(record["answers"], subject.labels, subject.ignore)
        lines = [
            Line(f"{name} ({int(which.sum()):,})", steps, numbers(100 * share[which].mean(dim=0).numpy()), tone=tone)
            for name, tone, which in kinds
        ]
        about = "Mean share of the labelled cells that are right after each step."
        charts.append(Chart(f"{title}cells over the steps", about, "step", "cells right (%)", tuple(lines)))
        if subject.result.exchangeable:
            charts.append(_against_depth(subject, share == 1, title, steps))
    return charts


def _cells_right(answers: Tensor, labels: Tensor, ignore: int) -> Tensor:
    """Return float64 [B, K, depth]; puzzle by puzzle, since [B, K, depth, L] of bools may be large."""
    shares = []
    for answer, label in zip(answers, labels, strict=True):
        counted = label != ignore
        right = (answer == label)[..., counted].double()
        shares.append(right.mean(dim=-1) if bool(counted.any()) else right.new_ones(right.shape[:-1]))
    return torch.stack(shares)


def _against_depth(subject: Subject, right: Tensor, title: str, steps: tuple[float, ...]) -> Chart:
    lines = {"pass@K": right.any(dim=1).double().mean(dim=0)}
    record = subject.result.rollouts.record
    if "q" in record:
        best = record["q"].argmax(dim=1, keepdim=True)
        lines["best-Q@K"] = right.gather(1, best)[:, 0].double().mean(dim=0)
    lines["a rollout alone"] = right.double().mean(dim=(0, 1))
    return Chart(
        title=f"{title}accuracy against depth",
        about="Percent right by label, had every rollout been read after that many steps.",
        x_label="step",
        y_label="right (%)",
        lines=tuple(Line(name, steps, numbers(100 * mean.numpy())) for name, mean in lines.items()),
        y=PERCENT,
    )


def _spread(subject: Subject, right: Tensor, title: str) -> list[Chart]:
    """Return how the last Q is spread over right rollouts and over wrong ones."""
    ran = started(subject.result)
    q, marks = subject.result.rollouts.q[ran].double().numpy(), right[ran].numpy()
    if not len(q) or not np.isfinite(q).all() or not np.ptp(q):
        return []
    edges = np.histogram_bin_edges(q, 24)
    kinds: list[tuple[str, Tone, Bools]] = [("right", "right", marks), ("wrong", "wrong", ~marks)]
    lines = [
        Line(
            f"{name} ({int(which.sum()):,})",
            numbers((edges[:-1] + edges[1:]) / 2),
            numbers(100 * np.histogram(q[which], edges)[0] / which.sum()),
            tone=tone,
        )
        for name, tone, which in kinds
        if which.any()
    ]
    area = auroc(q, marks) if marks.any() and not marks.all() else float("nan")
    about = "The last Q of every rollout, in shares of those that are right and of those that are wrong"
    about += "." if np.isnan(area) else f"; AUROC {area:.3f}."
    return [Chart(f"{title}how Q tells right from wrong", about, "Q", "rollouts of its kind (%)", tuple(lines))]


def comparison_table(records: Sequence[Record]) -> Table:
    """Return the table of ``Comparison.markdown``, from ``Comparison.records`` or the CSV that ``save`` writes."""
    heads = ("search", "K x depth", "accuracy %", "pass@K", "lane-steps", "seconds", "against the first", "p")
    rows = tuple(_row(record) for record in records)
    first = records[0]
    caption = (
        f"{first['puzzles']} puzzles, {first['seeds']} seed(s); 95 % intervals over puzzles; pass@K: any is right; "
        "lane-steps: a puzzle; seconds: a seed; p: exact McNemar, uncorrected"
    )
    return Table(caption, heads, rows)


def _row(record: Record) -> tuple[str, ...]:
    accuracy, passed, gain = (_interval(record, name) for name in ("accuracy", "pass_at_k", "difference"))
    p = record.get("mcnemar_p")
    return (
        str(record["search"]),
        f"{record['k']} x {record['depth']}",
        "" if accuracy is None else accuracy.percent(),
        "" if passed is None else f"{100 * passed.mean:.1f}",
        f"{float(str(record['lane_steps'])):,.0f}",
        "" if record.get("seconds") in (None, "") else f"{float(str(record['seconds'])):.1f}",
        "" if gain is None else gain.points(),
        "" if p in (None, "") else f"{float(str(p)):.2g}",
    )


def _interval(record: Mapping[str, object], name: str) -> Interval | None:
    """Return the mean under ``name`` and its ends; None where the record leaves them empty."""
    if record.get(name) in (None, ""):
        return None
    mean, low, high = (float(str(record[f"{name}{end}"])) for end in ("", "_low", "_high"))
    return Interval(mean, low, high)


def evaluation_table(records: Sequence[Mapping[str, str]], caption: str) -> Table:
    """Return the table of ``Evaluation.markdown``, from the CSV that ``tts evaluate`` writes."""
    judges = [name for name in records[0] if f"{name}_low" in records[0]]
    heads = ("answer", *(f"by {who}" for who in judges), "lane-steps", "seconds")
    rows = tuple(
        (
            record["answer"],
            *(Interval(*(float(record[who + end]) for end in ("", "_low", "_high"))).percent() for who in judges),
            f"{int(record['lane_steps']):,}",
            f"{float(record['seconds']):.1f}",
        )
        for record in records
    )
    return Table(f"{caption}{records[0]['puzzles']} puzzles; percent right, 95 % intervals over puzzles", heads, rows)


def comparison_chart(records: Sequence[Record]) -> Chart:
    """Return a chart with a point for each search: what it spent on a puzzle, and how often it was right."""

    def percents(record: Mapping[str, object], name: str) -> tuple[float]:
        return (round(100 * float(str(record[name])), 3),)

    lines = tuple(
        Line(
            str(record["search"]),
            (float(str(record["lane_steps"])),),
            percents(record, "accuracy"),
            percents(record, "accuracy_low"),
            percents(record, "accuracy_high"),
        )
        for record in records
    )
    about = "Percent right and its 95 % interval over puzzles, against the lane-steps spent on a puzzle."
    return Chart("accuracy against compute", about, "lane-steps a puzzle", "right (%)", lines, log=True, points=True)
