"""Solve, verify, demo."""

from __future__ import annotations

from typing import Annotated

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
    boards_of,
    model_of,
    sentences,
)


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

        boards = boards_of(puzzle)
        noise = GaussianNoise(sigma, tuple(name.strip() for name in latents.split(",")))
        pick = VerifierSelector().then(QSelector())
        search = Search(model_of(model, device, dtype), noise, pick, k=k, depth=depth, stop=Verified())
        unsolved = solve_all(boards, search, seed, CONSOLE)
    raise typer.Exit(1 if unsolved else 0)
