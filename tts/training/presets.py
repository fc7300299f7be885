"""What ``tts train`` can train: the model, its data, its settings, and the bundled puzzles it is tested on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import numpy as np
import torch

from tts.datasets import Labelled, label_of, pencils_6x6, pencils_10x10, sudokus, sudokus_6x6
from tts.interfaces import Codec
from tts.models import TRMConfig, TwoLatentModel
from tts.puzzles import VARIETIES, MixedCodec, VarietyCodec
from tts.training.examples import Group
from tts.training.look_around import look_around
from tts.training.puzzle_files import make_sudokus, pencil_groups
from tts.training.trainer import Settings

Groups: TypeAlias = list[tuple[Group, Group]]
PENCIL = ("sudoku", "lightup", "nurikabe", "heyawake", "tapa", "shakashaka")
assert set(PENCIL) <= set(VARIETIES)


@attrs.frozen
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
    tests: Callable[[], dict[str, Labelled]]
    start: str | None = None
    prepare: Callable[[TwoLatentModel], None] | None = None

    def test_groups(self) -> list[Group]:
        """The bundled test puzzles in the model's tokens."""
        return [as_group(name, data, self.codec) for name, data in self.tests().items()]


def as_group(name: str, data: Labelled, codec: Codec) -> Group:
    """Labelled boards of one variety in a codec's tokens; smaller ones lie at the top left of its board."""
    pairs = [codec.encode(puzzle) for puzzle in data.puzzles]
    answers = zip(data.puzzles, data.labels.numpy(), strict=True)
    labels = np.stack([label_of(codec, board, board.grid(label)) for board, label in answers])
    tokens = np.stack([tokens for tokens, _ in pairs])
    return Group(name, torch.from_numpy(tokens), torch.from_numpy(labels), pairs[0][1])


def _mixer(codec: Codec, identifiers: int = 1, *, h: int = 2, l: int = 4) -> TRMConfig:
    """A TRM-MLP of hidden 128 and 0.3 to 0.4 M parameters."""
    return TRMConfig(
        vocab_size=codec.vocab_size,
        seq_len=codec.height * codec.width,
        num_puzzle_identifiers=identifiers,
        hidden_size=128,
        H_cycles=h,
        L_cycles=l,
        L_layers=2,
        expansion=3,
        num_heads=4,
        pos_encodings="none",
        puzzle_emb_ndim=128,
        mlp_t=True,
    )


def _attention(codec: Codec, identifiers: int) -> TRMConfig:
    """A TRM-Att of hidden 128 and 0.4 to 0.5 M parameters, for ``look_around``."""
    return attrs.evolve(_mixer(codec, identifiers), mlp_t=False, num_heads=8, pos_encodings="learned")


def _sudoku_6x6(folder: Path) -> Groups:
    made = make_sudokus(folder / "sudoku_6x6_30000_20261201.npz", 6, 30_000, 20261201, clues=(8, 14))
    return [made.groups("sudoku", box=(2, 3))]


def _sudoku_9x9(folder: Path) -> Groups:
    """Half of them random minimal puzzles, half with 4 or more wrong guesses."""
    minimal = make_sudokus(folder / "sudoku_9x9_minimal_60000_20261202.npz", 9, 60_000, 20261202)
    hard = make_sudokus(folder / "sudoku_9x9_hard_60000_20261203.npz", 9, 60_000, 20261203, guesses=4)
    return [minimal.groups("minimal", box=(3, 3)), hard.groups("hard", box=(3, 3))]


def _sudokus_9x9() -> dict[str, Labelled]:
    return {name: data for name, data in sudokus().items() if name in ("minimal", "hard")}


def _pencil_10x10(folder: Path) -> Groups:
    """5,000 of each variety, but 1,200 of those whose generation takes longest."""
    few = ("heyawake", "nurikabe")
    counts = {name: 1_200 if name in few else 5_000 for name in PENCIL}
    return pencil_groups(folder, _TEN, counts, 20261204, {"sudoku": 3, "nurikabe": 2, "heyawake": 2})


_SIX, _NINE = VarietyCodec("sudoku", 6, 6), VarietyCodec("sudoku", 9, 9)
_MIXED, _TEN = MixedCodec(PENCIL, 6, 6), MixedCodec(PENCIL, 10, 10, box=(3, 3))

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "sudoku-6x6",
            _SIX,
            _mixer(_SIX, l=3),
            Settings(batch=32, lr=1e-3, early_depth=3),
            _sudoku_6x6,
            lambda: {"sudoku": sudokus_6x6()},
        ),
        Preset(
            "sudoku-9x9-hard",
            _NINE,
            _mixer(_NINE),
            Settings(batch=32, lr=3e-4, gce=0.5, ema=0.999, decay_from=0.3, reveal=(0.2, 0.1)),
            _sudoku_9x9,
            _sudokus_9x9,
            start="sudoku-9x9",
        ),
        Preset(
            "sudoku-9x9-deep",
            _NINE,
            _mixer(_NINE, h=3, l=6),
            Settings(batch=32, lr=1e-4, gce=0.5, ema=0.999, decay_from=0.3, reveal=(0.2, 0.1)),
            _sudoku_9x9,
            _sudokus_9x9,
            start="sudoku-9x9-hard",
        ),
        Preset(
            "pencil-6x6",
            _MIXED,
            _attention(_MIXED, len(PENCIL)),
            Settings(batch=32, lr=7e-4, early_depth=3, ema=0.999, decay_from=0.3, reveal=(0.4, 0.1)),
            lambda folder: pencil_groups(folder, _MIXED, 10_000, 20261130, {"nurikabe": 2, "heyawake": 3, "tapa": 2}),
            pencils_6x6,
            prepare=lambda model: look_around(model, 6, 6, (2, 3)),
        ),
        Preset(
            "pencil-10x10",
            _TEN,
            _attention(_TEN, len(PENCIL)),
            Settings(batch=32, lr=7e-4, early_depth=3, ema=0.999, decay_from=0.3, reveal=(0.4, 0.1)),
            _pencil_10x10,
            pencils_10x10,
            start="pencil-6x6",
            prepare=lambda model: look_around(model, 10, 10, (3, 3)),
        ),
    )
}
