"""Boards of every variety, and a search of them with every step recorded."""

from __future__ import annotations

from tts import (
    QSelector,
    Search,
    parse,
)
from tts.datasets import pencils_6x6
from tts.puzzles import MixedCodec
from tts.testing import Jitter, SmallModel

PENCILS = pencils_6x6()
BOARDS = [found.puzzles[0] for found in PENCILS.values()] + [parse("S....#\n.##..#\n..#...\n#...#.\n..#.#.\n.#...G")]
NAMES = [board.variety for board in BOARDS]
STEPS = ("answers", "q")


def mixed_search(**more):
    model = SmallModel(MixedCodec(NAMES, 6, 6))
    return Search(
        model, more.pop("strategy", Jitter(0.6)), QSelector(), **{"k": 3, "depth": 5, "record": STEPS, **more}
    )
