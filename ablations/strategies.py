"""What should make the rollouts differ? Every strategy spends the same lane-steps on the same weights."""

from __future__ import annotations

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison
from tts.interfaces import Strategy
from tts.plots import accuracy_against_lane_steps
from tts.search import Search
from tts.strategies import (
    Cosine,
    Dropout,
    First,
    GaussianNoise,
    Grouped,
    GuidedParticles,
    Identity,
    Langevin,
    Linear,
    MajorityVote,
    Pinning,
    QSelector,
    Restarts,
    SymmetricViews,
    TargetedNoise,
)

VIEWS = 8
ABOUT = """Equal lane-steps; picked by Q unless said otherwise. Dropout has the variance of the noise on latents of
rms 1, p = sigma^2 / (1 + sigma^2); Langevin steps by sigma^2 / 2, as its equation has it, and its gradients cost time
that no lane-step shows; the other strategies that need noise have the first row's."""


def strategies(ablation: Ablation) -> dict[str, Strategy]:
    """By name; those that need rules or symmetries only where the model's codec has them."""
    noise, codec = ablation.noise, ablation.model.codec
    sigma, latents = noise.sigma, noise.latents
    named: dict[str, Strategy] = {
        "noise": noise,
        "noise on z": GaussianNoise(sigma, ("z",)),
        "noise, linear": GaussianNoise(sigma, latents, Linear()),
        "noise, cosine": GaussianNoise(sigma, latents, Cosine()),
        "noise, first half": GaussianNoise(sigma, latents, First(max(1, ablation.depth // 2))),
        "dropout": Dropout(sigma**2 / (1 + sigma**2), latents),
        "restarts": Restarts(1.0, latents),
        "restarts when lost": Restarts(1.0, latents, patience=4),
        "Langevin": Langevin(sigma**2 / 2, sigma, latents),
        "particles": GuidedParticles(noise),
        "pinning": Pinning(noise),
    }
    if codec.verifier is not None:
        named["targeted noise"] = TargetedNoise(sigma, latents)
    if ablation.symmetric:
        named["views"] = SymmetricViews(Identity(), n_views=VIEWS)
        named["views and noise"] = SymmetricViews(noise, n_views=VIEWS)
    return named


def searches(ablation: Ablation) -> dict[str, Search]:
    """Each strategy, views also with a vote across them, and depth alone."""
    named = {name: ablation.search(strategy) for name, strategy in strategies(ablation).items()}
    if "views and noise" in named:
        vote = Grouped(QSelector(), MajorityVote(), VIEWS)
        named["views and noise, vote"] = ablation.search(named["views and noise"].strategy, vote)
    return {**named, "depth alone": ablation.search(Identity(), k=1, depth=ablation.budget)}


def main(ablation: Ablation) -> Comparison:
    """Compare the strategies within one budget; draw what each spent and how often it was right."""
    comparison = ablation.compare(searches(ablation), ablation.budget)
    ablation.save(comparison, ABOUT)
    ablation.draw("accuracy_against_lane_steps", accuracy_against_lane_steps(comparison))
    return comparison
