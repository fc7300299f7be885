"""The search that tests run unless they say otherwise."""

from __future__ import annotations

from typing import Any

from support.models import Wanderer
from tts import GaussianNoise, QSelector, RecursiveModel, Search, Strategy

NOISE = GaussianNoise(0.5, ("y", "z"))


def search(strategy: Strategy = NOISE, k: int = 5, model: RecursiveModel | None = None, **more: Any) -> Search:
    """Return a search of a Wanderer with Gaussian noise, K 5, depth 4, by Q, unless told otherwise."""
    return Search(model or Wanderer(), strategy, k=k, **{"selector": QSelector(), "depth": 4, **more})
