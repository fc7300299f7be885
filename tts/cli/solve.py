"""tts solve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tts.cli.options import (
    CONSOLE,
    Depth,
    Device,
    Dtype,
    Latents,
    Model,
    Seed,
    Sigma,
    Width,
    model_of,
    sentences,
)

if TYPE_CHECKING:
    from tts.puzzles import Board


LONGEST_PATH = 4096


def solve(
    puzzle: Annotated[str, typer.Argument(help="a puzzle as text, a puzz.link address, or a file with one a line")],
    model: Model = "sudoku-9x9",
    k: Width = 128,
    depth: Depth = 16,
    sigma: Sigma = 0.5,
    latents: Latents = "y,z",
    seed: Seed = 0,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """Solve puzzles. Ends with exit code 1 when an answer breaks the rules."""
    with sentences():
        from tts import GaussianNoise, QSelector, Search, Verified, VerifierSelector
        from tts.cli.answers import solve_all

        boards = _boards(puzzle)
        noise = GaussianNoise(sigma, tuple(name.strip() for name in latents.split(",")))
        pick = VerifierSelector().then(QSelector())
        search = Search(model_of(model, device, dtype), noise, pick, k=k, depth=depth, stop=Verified())
        unsolved = solve_all(boards, search, seed, CONSOLE)
    raise typer.Exit(1 if unsolved else 0)


def _boards(text: str) -> list[Board]:
    """Read the puzzles of a file, or the one that is written in the text."""
    from tts.datasets import open_dataset
    from tts.puzzles import parse

    if len(text) > LONGEST_PATH or not Path(text).is_file():
        return [parse(text)]
    boards = open_dataset(text).boards
    return list(boards or ())
