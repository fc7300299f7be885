"""How much noise, and on which latents? The paper perturbs z alone (arXiv 2605.19943, figure 4)."""

from __future__ import annotations

from tts.ablations.ablation import Ablation
from tts.evaluation import Comparison
from tts.plots import accuracy_against_k, sigma_sweep
from tts.search import Search
from tts.strategies import GaussianNoise, Identity

SIGMAS = (0.2, 0.5, 1.0)
LATENTS = (("z",), ("y",), ("y", "z"))
ABOUT = "Gaussian noise of several sizes on the answer latent y, the reasoning latent z or both; picked by Q."


def name_of(sigma: float, latents: tuple[str, ...]) -> str:
    """Of a search, as in ``0.5 on y and z``."""
    return f"{sigma:g} on {' and '.join(latents)}"


def searches(ablation: Ablation) -> dict[str, Search]:
    """The deterministic rollout, and one search for each sigma and each choice of latents."""
    named = {"deterministic": ablation.search(Identity(), k=1)}
    for latents in LATENTS:
        for sigma in SIGMAS:
            named[name_of(sigma, latents)] = ablation.search(GaussianNoise(sigma, latents))
    return named


def main(ablation: Ablation) -> Comparison:
    """Compare the noises; draw accuracy against sigma, and against k for the best sigma of each choice of latents."""
    named = searches(ablation)
    comparison = ablation.compare(named)
    ablation.save(comparison, ABOUT)
    accuracy = {row.search: row.accuracy for row in comparison.rows()}
    points = {" and ".join(on): [(sigma, accuracy[name_of(sigma, on)]) for sigma in SIGMAS] for on in LATENTS}
    ablation.draw("sigma_sweep", sigma_sweep(points))
    curves = {}
    for latents in LATENTS:
        best = max((name_of(sigma, latents) for sigma in SIGMAS), key=lambda name: accuracy[name].mean)
        every = ablation.curves(named[best])
        curves.update({f"{kind}, {best}": every[kind] for kind in ("pass@k", "best-Q@k")})
    ablation.draw("accuracy_against_k", accuracy_against_k(curves))
    return comparison
