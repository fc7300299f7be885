"""Who should pick? The same noisy rollouts, picked by Q, by votes, by the rules and by how a rollout went."""

from __future__ import annotations

import attrs

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison
from tts.interfaces import Selector
from tts.plots import accuracy_against_k
from tts.search import Search
from tts.strategies import (
    CellMajority,
    FewestViolations,
    FirstHaltedSelector,
    Identity,
    MajorityVote,
    QSelector,
    ResidualSelector,
    VerifierSelector,
)

ABOUT = "All but the last two pick among the same rollouts. pass@K is what a perfect pick would reach."


def searches(ablation: Ablation) -> dict[str, Search]:
    """By name; those that ask the rules only where the model's codec has some."""
    pick: dict[str, Selector] = {
        "best Q": QSelector(),
        "best Q of all steps": QSelector("max"),
        "best mean Q": QSelector("mean"),
        "mode": MajorityVote(),
        "mode, weighted by Q": MajorityVote(weighted=True),
        "cell majority": CellMajority(),
        "smallest residual": ResidualSelector(),
        "first halted": FirstHaltedSelector(),
    }
    if ablation.model.codec.verifier is not None:
        pick["verified, then Q"] = VerifierSelector().then(QSelector())
        pick["fewest violations, then Q"] = FewestViolations().then(QSelector())
    noisy = ablation.search(record="q")
    named = {name: attrs.evolve(noisy, selector=selector) for name, selector in pick.items()}
    return {**named, "one rollout": ablation.search(k=1), "deterministic": ablation.search(Identity(), k=1)}


def main(ablation: Ablation) -> Comparison:
    """Compare the selectors; draw accuracy against k."""
    named = searches(ablation)
    comparison = ablation.compare(named)
    ablation.save(comparison, ABOUT)
    curves = ablation.curves(named["best Q"])
    ablation.draw("accuracy_against_k", accuracy_against_k(curves))
    return comparison
