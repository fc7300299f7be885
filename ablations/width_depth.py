"""Many short rollouts or few long ones? K times depth is held equal."""

from __future__ import annotations

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison, against_lane_steps
from tts.plots import accuracy_against_lane_steps
from tts.search import Search
from tts.strategies import Identity

ABOUT = (
    "Every search may spend the same lane-steps, but the one that is not noised and of the usual depth; picked by Q."
)


def depths(ablation: Ablation) -> list[int]:
    """The usual depth, a quarter of it and so on, and four times as much up to a single rollout."""
    steps = [ablation.depth]
    while steps[0] >= 8:
        steps.insert(0, steps[0] // 4)
    while steps[-1] * 4 <= ablation.budget:
        steps.append(steps[-1] * 4)
    return steps


def searches(ablation: Ablation) -> dict[str, Search]:
    """Depth alone first, then noise at every depth that the budget allows."""
    budget = ablation.budget
    named = {f"deterministic, 1 x {budget}": ablation.search(Identity(), k=1, depth=budget)}
    for depth in depths(ablation):
        k = budget // depth
        named[f"noise, {k} x {depth}"] = ablation.search(k=k, depth=depth)
    return {**named, f"deterministic, 1 x {ablation.depth}": ablation.search(Identity(), k=1)}


def main(ablation: Ablation) -> Comparison:
    """Compare width with depth; draw best-Q@k of every depth against what k rollouts cost."""
    named = searches(ablation)
    comparison = ablation.compare(named)
    ablation.save(comparison, ABOUT)
    lines = {}
    for name, search in named.items():
        if search.k > 1:
            curve = ablation.curves(search)["best-Q@k"]
            lines[name] = against_lane_steps(curve, ablation.result(search))
    ablation.draw("accuracy_against_lane_steps", accuracy_against_lane_steps(comparison, lines))
    return comparison
