"""What the tests of run folders share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas

from support.models import Wanderer, random_tokens
from tts import Dataset, GaussianNoise, QSelector, RecursiveModel, Search, Store

NOISE = GaussianNoise(0.5, ("y", "z"))
TOKENS = random_tokens(14, 1, repeat=0.2)
DATA = Dataset("random", TOKENS)


def search(model: RecursiveModel | None = None, **more: Any) -> Search:
    """K 5, depth 4, Gaussian noise, by Q, unless told otherwise."""
    given = {"strategy": NOISE, "selector": QSelector(), "k": 5, "depth": 4, **more}
    return Search(model or Wanderer(), **given)


def labelled(made: Search) -> Dataset:
    """``TOKENS`` labelled as a search answers them."""
    return Dataset("random", TOKENS, answers=made(TOKENS).answers, ignore=None)


def filled(folder: Path) -> Store:
    """A run in five shards."""
    run = Store.open(folder, search(), DATA, shard=3)
    run.fill()
    return run


def assert_same_tables(a: Store, b: Store) -> None:
    """Row for row, but for the seconds."""
    for kind in ("rollouts", "puzzles"):
        one, two = (run.table(kind).to_pandas().drop(columns="seconds", errors="ignore") for run in (a, b))
        pandas.testing.assert_frame_equal(one, two)


def files(folder: Path) -> list[Path]:
    """Every file below, by its path from there."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
