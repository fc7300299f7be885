"""Tables and charts of results and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from tts._util.arrays import Bools
from tts.evaluation import Record, curves_of
from tts.metrics import Interval, accuracy_interval, auroc, percent
from tts.report.chart import Chart, Line, Table, Tone, numbers
from tts.report.subject import Subject, started
from tts.search import Result, Status
from tts.strategies import MajorityVote, QSelector, VerifierSelector

PERCENT = (0.0, 100.0)


def result_table(found: Subject) -> Table:
    """How many puzzles each way to pick among the same rollouts gets right."""
    result, n = found.result, len(found.result.tokens)
    k = result.scores.shape[1]
    judges = [who for who in ("label", "rules") if who == found.judge or (who == "rules" and result.verifier)]
    picks = {"selected": result}
    if result.exchangeable and k > 1:
        picks |= {f"best-Q@{k}": result.select(QSelector()), f"mode@{k}": result.select(MajorityVote())}
        if result.verifier is not None:
            picks[f"verified@{k}"] = result.select(VerifierSelector().then(QSelector()))
    rows = [(name, *(_share(_picked(found, pick, who)) for who in judges)) for name, pick in picks.items()]
    if result.exchangeable and k > 1:
        rows.append((f"pass@{k}", *(_share(_marks(found, who).any(dim=1)) for who in judges)))
    cost = f"{result.cost.lane_steps:,} lane-steps in {result.cost.seconds:.1f} s"
    said = f"{n} puzzle{'s' * (n > 1)}, {k} rollout{'s' * (k > 1)} each; {cost}; percent right, 95 % intervals"
    heads = ("answer", *(f"by {who}" for who in judges))
    return Table(f"{found.name}: {said}" if found.name else said, heads, tuple(rows) if judges else ())


def _marks(found: Subject, who: str) -> Tensor:
    marks = found.correct if who == "label" else found.result.verified()
    assert marks is not None
    return marks


def _picked(found: Subject, pick: Result, who: str) -> Tensor:
    return _marks(found, who).gather(1, pick.index[:, None])[:, 0]


def _share(marks: Tensor) -> str:
    return percent(accuracy_interval(marks))


def result_charts(found: Subject) -> list[Chart]:
    """Accuracy against k, Q and cells over the steps, and how Q is spread; those that can be drawn."""
    right = found.right
    if right is None:
        return []
    title = f"{found.name}: " if found.name else ""
    charts = [_against_k(found, right, title)] if found.result.exchangeable and right.shape[1] > 1 else []
    if bool((found.result.rollouts.status == Status.FINISHED).all()):
        charts += _over_steps(found, right, title)
    return charts + _spread(found, right, title)


def _against_k(found: Subject, right: Tensor, title: str) -> Chart:
    curves = curves_of(found.result, right)
    return Chart(
        title=f"{title}accuracy against the number of rollouts",
        about=f"Percent right by {found.judge}, mean over all subsets of k rollouts; 95 % intervals over puzzles.",
        x_label="rollouts k",
        y_label="right (%)",
        lines=tuple(Line.of_curve(name, curve) for name, curve in curves.items()),
        log=True,
        y=PERCENT,
    )


def _over_steps(found: Subject, right: Tensor, title: str) -> list[Chart]:
    record, depth = found.result.rollouts.record, int(found.result.rollouts.steps.max())
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
    if "answers" in record and found.labels is not None:
        share = _cells_right(record["answers"], found.labels, found.ignore)
        lines = [
            Line(f"{name} ({int(which.sum()):,})", steps, numbers(100 * share[which].mean(dim=0).numpy()), tone=tone)
            for name, tone, which in kinds
        ]
        about = "Mean share of the labelled cells that are right after each step."
        charts.append(Chart(f"{title}cells over the steps", about, "step", "cells right (%)", tuple(lines)))
        if found.result.exchangeable:
            charts.append(_against_depth(found, share == 1, title, steps))
    return charts


def _cells_right(answers: Tensor, labels: Tensor, ignore: int) -> Tensor:
    """float64 [B, K, depth]; puzzle by puzzle, since [B, K, depth, L] of bools may be large."""
    shares = []
    for given, label in zip(answers, labels, strict=True):
        counted = label != ignore
        right = (given == label)[..., counted].double()
        shares.append(right.mean(dim=-1) if bool(counted.any()) else right.new_ones(right.shape[:-1]))
    return torch.stack(shares)


def _against_depth(found: Subject, right: Tensor, title: str, steps: tuple[float, ...]) -> Chart:
    lines = {"pass@K": right.any(dim=1).double().mean(dim=0)}
    record = found.result.rollouts.record
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


def _spread(found: Subject, right: Tensor, title: str) -> list[Chart]:
    """How the last Q is spread over right rollouts and over wrong ones."""
    ran = started(found.result)
    q, marks = found.result.rollouts.q[ran].double().numpy(), right[ran].numpy()
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
    """As ``Comparison.markdown``, from ``Comparison.records`` or the CSV that ``save`` writes."""
    heads = ("search", "K x depth", "accuracy %", "pass@K", "lane-steps", "seconds", "against the first", "p")
    rows = tuple(_row(record) for record in records)
    first = records[0]
    said = (
        f"{first['puzzles']} puzzles, {first['seeds']} seed(s); 95 % intervals over puzzles; pass@K: any is right; "
        "lane-steps: a puzzle; seconds: a seed; p: exact McNemar, uncorrected"
    )
    return Table(said, heads, rows)


def _row(record: Record) -> tuple[str, ...]:
    def value(name: str) -> float | None:
        found = record.get(name)
        return None if found in (None, "") else float(found)

    def text(name: str, form: str, scale: float = 1.0) -> str:
        found = value(name)
        return "" if found is None else format(scale * found, form)

    def interval(name: str, form: str, between: str) -> str:
        ends = text(f"{name}_low", form.replace(".1", ".0"), 100), text(f"{name}_high", form.replace(".1", ".0"), 100)
        return f"{text(name, form, 100)} ({between.join(ends)})" if text(name, form) else ""

    return (
        str(record["search"]),
        f"{record['k']} x {record['depth']}",
        interval("accuracy", ".1f", "-"),
        text("pass_at_k", ".1f", 100),
        text("lane_steps", ",.0f"),
        text("seconds", ".1f"),
        interval("difference", "+.1f", " to "),
        text("mcnemar_p", ".2g"),
    )


def evaluation_table(records: Sequence[Mapping[str, str]], caption: str) -> Table:
    """As ``Evaluation.markdown``, from the CSV that ``tts evaluate`` writes."""
    judges = [name for name in records[0] if f"{name}_low" in records[0]]
    heads = ("answer", *(f"by {who}" for who in judges), "lane-steps", "seconds")
    rows = tuple(
        (
            record["answer"],
            *(percent(Interval(*(float(record[who + end]) for end in ("", "_low", "_high")))) for who in judges),
            f"{int(record['lane_steps']):,}",
            f"{float(record['seconds']):.1f}",
        )
        for record in records
    )
    return Table(f"{caption}{records[0]['puzzles']} puzzles; percent right, 95 % intervals over puzzles", heads, rows)


def comparison_chart(records: Sequence[Record]) -> Chart:
    """A point for each search: what it spent on a puzzle, and how often it was right."""

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
