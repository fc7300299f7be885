"""Many short rollouts or few long ones? K times depth is held equal."""

from __future__ import annotations

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison, against_lane_steps, rollout_curves
from tts.plots import accuracy_against_lane_steps
from tts.search import Search
from tts.strategies import Identity

ABOUT = (
    "Every search may spend the same lane-steps, but the one that is not noised and of the usual depth; picked by Q."
)


def depths(ablation: Ablation) -> list[int]:
    """The usual depth, a quarter of it and so on, and four times as much up to a single rollout."""
    found = [ablation.depth]
    while found[0] >= 8:
        found.insert(0, found[0] // 4)
    while found[-1] * 4 <= ablation.budget:
        found.append(found[-1] * 4)
    return found


def searches(ablation: Ablation) -> dict[str, Search]:
    """Depth alone first, then noise at every depth that the budget allows."""
    budget = ablation.budget
    found = {f"deterministic, 1 x {budget}": ablation.search(Identity(), k=1, depth=budget)}
    for depth in depths(ablation):
        k = budget // depth
        found[f"noise, {k} x {depth}"] = ablation.search(k=k, depth=depth)
    return {**found, f"deterministic, 1 x {ablation.depth}": ablation.search(Identity(), k=1)}


def main(ablation: Ablation) -> Comparison:
    """Compare width with depth; draw best-Q@k of every depth against what k rollouts cost."""
    given = searches(ablation)
    comparison = ablation.compare(given)
    ablation.save(comparison, ABOUT)
    lines = {}
    for name, search in given.items():
        if search.k > 1:
            result = ablation.result(search)
            curve = rollout_curves(result, ablation.labels, ignore=ablation.ignore)["best-Q@k"]
            lines[name] = against_lane_steps(curve, result)
    ablation.draw("accuracy_against_lane_steps", accuracy_against_lane_steps(comparison, lines))
    return comparison
