"""What ``tts train`` can train: the model, its data, its settings, and the bundled puzzles it is tested on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import numpy as np
import torch

from tts.datasets import Dataset, pencils_6x6, pencils_10x10, sudokus, sudokus_6x6
from tts.interfaces import Codec
from tts.models import TRMConfig, TwoLatentModel
from tts.puzzles import PUZZLINK, MixedCodec, VarietyCodec
from tts.training.examples import Group
from tts.training.look_around import look_around
from tts.training.puzzle_files import make_sudokus, pencil_groups
from tts.training.trainer import Settings

Groups: TypeAlias = list[tuple[Group, Group]]
PENCIL = PUZZLINK
"""The varieties of the pencil models; their order decides tokens and identifiers."""


@attrs.frozen(kw_only=True)
class Preset:
    """A model to train.

    Attributes:
        name: of the model.
        codec: what its tokens mean.
        config: its sizes.
        settings: how it is trained.
        data: makes the examples in a folder, or reads them there: per group those to train on and those held out.
        tests: the bundled puzzles to test it on at the end, by name.
        start: the embedded model whose weights it begins with, see ``transplant``; its cycles may differ.
        prepare: changes the fresh model, before the weights of ``start`` are copied.
    """

    name: str
    codec: Codec
    config: TRMConfig
    settings: Settings
    data: Callable[[Path], Groups]
    tests: Callable[[], dict[str, Dataset]]
    start: str | None = None
    prepare: Callable[[TwoLatentModel], None] | None = None

    def test_groups(self) -> list[Group]:
        """Return the bundled test puzzles in the model's tokens."""
        return [as_group(name, data, self.codec) for name, data in self.tests().items()]


def as_group(name: str, data: Dataset, codec: Codec) -> Group:
    """Return boards of one variety in a codec's tokens; smaller ones lie at the top left of its board."""
    pairs = [codec.encode(board) for board in data.boards or ()]
    tokens = np.stack([tokens for tokens, _ in pairs])
    labels = data.labels(codec).long()
    return Group(name=name, tokens=torch.from_numpy(tokens), labels=labels, identifier=pairs[0][1])


def _mixer(codec: Codec, identifiers: int = 1, *, h: int = 2, l: int = 4) -> TRMConfig:
    """Return the sizes of a TRM-MLP of hidden 128 and 0.3 to 0.4 M parameters."""
    return TRMConfig.for_codec(
        codec,
        hidden_size=128,
        num_puzzle_identifiers=identifiers,
        mlp_t=True,
        H_cycles=h,
        L_cycles=l,
        expansion=3,
        num_heads=4,
        puzzle_emb_len=0,
    )


def _attention(codec: Codec, identifiers: int) -> TRMConfig:
    """Return the sizes of a TRM-Att of hidden 128 and 0.4 to 0.5 M parameters, for ``look_around``."""
    return attrs.evolve(_mixer(codec, identifiers), mlp_t=False, num_heads=8, pos_encodings="learned")


def _sudoku_6x6(folder: Path) -> Groups:
    puzzles = make_sudokus(folder / "sudoku_6x6_30000_20261201.npz", 6, 30_000, 20261201, clues=(8, 14))
    return [puzzles.groups("sudoku", box=(2, 3))]


def _sudoku_9x9(folder: Path) -> Groups:
    """Return sudokus, half of them random minimal ones, half with 4 or more wrong guesses."""
    minimal = make_sudokus(folder / "sudoku_9x9_minimal_60000_20261202.npz", 9, 60_000, 20261202)
    hard = make_sudokus(folder / "sudoku_9x9_hard_60000_20261203.npz", 9, 60_000, 20261203, guesses=4)
    return [minimal.groups("minimal", box=(3, 3)), hard.groups("hard", box=(3, 3))]


def _sudokus_9x9() -> dict[str, Dataset]:
    return {name: data for name, data in sudokus().items() if name in ("minimal", "hard")}


def _pencil_6x6(folder: Path) -> Groups:
    return pencil_groups(folder, _MIXED, 10_000, 20261130, {"nurikabe": 2, "heyawake": 3, "tapa": 2})


def _pencil_10x10(folder: Path) -> Groups:
    """Return 5,000 puzzles of each variety, but 1,200 of those whose generation takes longest."""
    few = ("heyawake", "nurikabe")
    counts = {name: 1_200 if name in few else 5_000 for name in PENCIL}
    return pencil_groups(folder, _TEN, counts, 20261204, {"sudoku": 3, "nurikabe": 2, "heyawake": 2})


_SIX = VarietyCodec("sudoku", 6, 6)
_NINE = VarietyCodec("sudoku", 9, 9)
_MIXED = MixedCodec(PENCIL, 6, 6)
_TEN = MixedCodec(PENCIL, 10, 10, box=(3, 3))

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="sudoku-6x6",
            codec=_SIX,
            config=_mixer(_SIX, l=3),
            settings=Settings(batch=32, lr=1e-3, early_depth=3),
            data=_sudoku_6x6,
            tests=lambda: {"sudoku": sudokus_6x6()},
        ),
        Preset(
            name="sudoku-9x9-hard",
            codec=_NINE,
            config=_mixer(_NINE),
            settings=Settings(batch=32, lr=3e-4, gce=0.5, ema=0.999, decay_from=0.3, reveal=(0.2, 0.1)),
            data=_sudoku_9x9,
            tests=_sudokus_9x9,
            start="sudoku-9x9",
        ),
        Preset(
            name="sudoku-9x9-deep",
            codec=_NINE,
            config=_mixer(_NINE, h=3, l=6),
            settings=Settings(batch=32, lr=1e-4, gce=0.5, ema=0.999, decay_from=0.3, reveal=(0.2, 0.1)),
            data=_sudoku_9x9,
            tests=_sudokus_9x9,
            start="sudoku-9x9-hard",
        ),
        Preset(
            name="pencil-6x6",
            codec=_MIXED,
            config=_attention(_MIXED, len(PENCIL)),
            settings=Settings(batch=32, lr=7e-4, early_depth=3, ema=0.999, decay_from=0.3, reveal=(0.4, 0.1)),
            data=_pencil_6x6,
            tests=pencils_6x6,
            prepare=lambda model: look_around(model, 6, 6, (2, 3)),
        ),
        Preset(
            name="pencil-10x10",
            codec=_TEN,
            config=_attention(_TEN, len(PENCIL)),
            settings=Settings(batch=32, lr=7e-4, early_depth=3, ema=0.999, decay_from=0.3, reveal=(0.4, 0.1)),
            data=_pencil_10x10,
            tests=pencils_10x10,
            start="pencil-6x6",
            prepare=lambda model: look_around(model, 10, 10, (3, 3)),
        ),
    )
}
