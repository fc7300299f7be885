"""Solve, verify, demo."""

from __future__ import annotations

from typing import Annotated

import typer

from tts.commands.options import (
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
        from tts.solve import solve_all

        boards = boards_of(puzzle)
        noise = GaussianNoise(sigma, tuple(name.strip() for name in latents.split(",")))
        pick = VerifierSelector().then(QSelector())
        search = Search(model_of(model, device, dtype), noise, pick, k=k, depth=depth, stop=Verified())
        unsolved = solve_all(boards, search, seed, CONSOLE)
    raise typer.Exit(1 if unsolved else 0)


def verify(
    url: Annotated[str, typer.Argument(help="a puzzle as text or a puzz.link address")],
    grid: Annotated[str, typer.Argument(help="the answer, a character a cell, rows one after the other")],
) -> None:
    """Check an answer against the rules: names the broken ones and marks the cells. Exit code 1 when one is broken."""
    with sentences():
        from tts.solve import verify_one

        valid = verify_one(url, grid, CONSOLE)
    raise typer.Exit(0 if valid else 1)


def demo(
    seed: Seed = 0,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """The main job: noisy rollouts lift a trained model on real puzzles."""
    with sentences():
        from tts.demo import run

        run(model_of("sudoku-9x9", device, dtype), seed, CONSOLE)
