"""Which of the best strategies is best? More puzzles and seeds; a puzzle ends when a rollout passes the rules."""

from __future__ import annotations

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison
from tts.interfaces import Selector, Stop, Strategy
from tts.plots import accuracy_against_lane_steps
from tts.search import Search
from tts.strategies import FirstHalted, Identity, QSelector, SymmetricViews, Verified, VerifierSelector

ABOUT = """Each search may spend the same lane-steps and stops a puzzle as soon as a rollout passes the rules (without
rules: when a rollout halts). Views: every rollout sees its puzzle from another side."""


def searches(ablation: Ablation) -> dict[str, Search]:
    """Noise first; views where the model's codec has symmetries; one rollout without noise last."""
    noise, codec = ablation.noise, ablation.model.codec
    known = codec.verifier is not None
    selector: Selector = VerifierSelector().then(QSelector()) if known else QSelector()
    stop: Stop = Verified() if known else FirstHalted()
    strategies: dict[str, Strategy] = {"noise": noise}
    if ablation.symmetric:
        strategies["views"] = SymmetricViews(Identity(), n_views=ablation.k)
        strategies["views and noise"] = SymmetricViews(noise, n_views=ablation.k)
    named = {name: ablation.search(strategy, selector, stop=stop) for name, strategy in strategies.items()}
    return {**named, "deterministic": ablation.search(Identity(), selector, stop=stop, k=1)}


def main(ablation: Ablation) -> Comparison:
    """Compare them; draw what each spent and how often it was right."""
    comparison = ablation.compare(searches(ablation))
    ablation.save(comparison, ABOUT)
    ablation.draw("accuracy_against_lane_steps", accuracy_against_lane_steps(comparison))
    return comparison
