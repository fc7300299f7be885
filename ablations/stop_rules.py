"""When is it enough? Stop rules against full depth: what they save and what they lose."""

from __future__ import annotations

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison
from tts.interfaces import Selector, Stop
from tts.plots import accuracy_against_lane_steps
from tts.search import Search
from tts.strategies import Budget, Converged, FirstHalted, Halted, MajorityVote, QSelector, Verified, VerifierSelector

ABOUT = """Where no rollout has won, the rules pick, then Q. A vote picks where no rules are known: the Q of an early
stop is not comparable with that of a later one."""


def rules(ablation: Ablation) -> dict[str, Stop | None]:
    """By name; ``Verified`` only where the model's codec has rules."""
    stops: dict[str, Stop | None] = {
        "full depth": None,
        "halted": Halted(),
        "first halted": FirstHalted(),
        "second halted": FirstHalted(2),
        "converged": Converged(0.1),
        "half the budget": Budget(max(1, ablation.budget // 2)),
    }
    if ablation.model.codec.verifier is not None:
        stops["verified"] = Verified()
    return stops


def searches(ablation: Ablation) -> dict[str, Search]:
    """One for each rule, full depth first."""
    known = ablation.model.codec.verifier is not None
    selector: Selector = VerifierSelector().then(QSelector()) if known else MajorityVote()
    return {name: ablation.search(selector=selector, stop=stop) for name, stop in rules(ablation).items()}


def main(ablation: Ablation) -> Comparison:
    """Compare the rules; draw what each spent and how often it was right."""
    comparison = ablation.compare(searches(ablation))
    ablation.save(comparison, ABOUT)
    ablation.draw("accuracy_against_lane_steps", accuracy_against_lane_steps(comparison))
    return comparison
