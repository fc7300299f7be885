"""Which file of a folder holds the weights, by the names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tts.errors import CheckpointError

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
STEP = re.compile(r"(?:.*[^A-Za-z])?step[_=-]?(\d{1,18})(?!\d).*")
EMA = re.compile(r"(^|[^A-Za-z])ema([^A-Za-z]|$)", re.IGNORECASE)
OTHERS = re.compile(r"optim|schedul|training_args|rng_state|trainer_state", re.IGNORECASE)
USUAL = ("model", "pytorch_model", "best", "last", "final", "checkpoint")
"""Names that are taken before others where there are no steps, in this order."""


def weights_in(folder: Path) -> Path:
    """Return the file of weights in a folder, or in its only subfolder that has some.

    Raises:
        CheckpointError: there is none, or several and nothing tells which.
    """
    names = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            names.append(path.name)
        elif path.is_dir():
            names.extend(f"{path.name}/{inner.name}" for inner in sorted(path.iterdir()) if inner.is_file())
    return folder / choose(names, str(folder))


def choose(names: Iterable[str], where: str) -> str:
    """Return the newest step, or the only weights, of file names relative to a folder.

    At the same step, and without steps, names with ``ema`` in them come first, then safetensors.

    Raises:
        CheckpointError: there are none, or several and nothing tells which.
    """
    weights = [name for name in names if _is_weights(name.rsplit("/")[-1])]
    top = [name for name in weights if "/" not in name]
    if not top:
        folders = sorted({name.rsplit("/", 1)[0] for name in weights})
        if len(folders) > 1:
            raise CheckpointError(f"{where} holds weights in {', '.join(folders[:5])}: name one of these folders")
        top = weights
    if not top:
        raise CheckpointError(
            f"{where} holds no weights: expected step_N or a file that ends in {', '.join(SUFFIXES)}; name the file "
            "itself, or another folder"
        )
    ranked = sorted(((_rank(name), name) for name in top), reverse=True)
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        some = ", ".join(name for _, name in ranked[:5])
        raise CheckpointError(f"{where} holds several files of weights: {some}; name the one to load")
    return ranked[0][1]


def _is_weights(name: str) -> bool:
    if OTHERS.search(name):
        return False
    return name.endswith(SUFFIXES) or bool(re.fullmatch(r"step_\d{1,18}(_ema)?", name))


def _rank(name: str) -> tuple[int, bool, int, bool]:
    """Return step, average, usual name, safetensors: higher is better."""
    file = name.rsplit("/")[-1]
    step = STEP.fullmatch(file)
    stem = file.rsplit(".", 1)[0]
    usual = len(USUAL) - USUAL.index(stem) if stem in USUAL else 0
    return int(step[1]) if step else -1, bool(EMA.search(file)), usual, file.endswith(".safetensors")
