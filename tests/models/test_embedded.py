"""The models that come with the package load and solve what their cards say, give or take the machine's rounding."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tts import Identity, QSelector, Search, load
from tts.datasets import Dataset, pencils_6x6, pencils_10x10, sudokus, sudokus_6x6
from tts.models import embedded
from tts.puzzles import MixedCodec, VarietyCodec

SOLVED = [  # of the first 30 test puzzles, in one rollout of 16 steps: at least so many
    ("sudoku-6x6", sudokus_6x6, 29),
    ("sudoku-9x9", lambda: sudokus()["minimal"], 22),
    ("sudoku-9x9-hard", lambda: sudokus()["hard"], 18),
    ("sudoku-9x9-deep", lambda: sudokus()["minimal"], 23),
    ("pencil-6x6", lambda: pencils_6x6()["shakashaka"], 23),
    ("pencil-6x6", lambda: pencils_6x6()["lightup"], 24),
    ("pencil-6x6", lambda: pencils_6x6()["nurikabe"], 14),
    ("pencil-6x6", lambda: pencils_6x6()["heyawake"], 2),
    ("pencil-6x6", lambda: pencils_6x6()["tapa"], 19),
    ("pencil-10x10", lambda: pencils_10x10()["sudoku"], 2),
    ("pencil-10x10", lambda: pencils_10x10()["lightup"], 4),
    ("pencil-10x10", lambda: pencils_10x10()["nurikabe"], 3),
    ("pencil-10x10", lambda: pencils_10x10()["tapa"], 10),
    ("pencil-10x10", lambda: pencils_10x10()["shakashaka"], 21),
]


def test_every_embedded_model_is_known_here() -> None:
    assert set(embedded()) == {name for name, _, _ in SOLVED}


@pytest.mark.parametrize(("name", "data", "least"), SOLVED)
def test_an_embedded_model_solves_its_puzzles(name: str, data: Callable[[], Dataset], least: int) -> None:
    model = load(name)
    assert sum(value.numel() for value in model.parameters()) < 1_000_000
    assert isinstance(model.codec, VarietyCodec | MixedCodec)
    puzzles = data().puzzles[:30]
    result = Search(model, Identity(), QSelector(), k=1, depth=16)(puzzles)
    assert least <= int(result.valid.sum()) <= 30
