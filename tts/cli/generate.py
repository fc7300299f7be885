"""Generate puzzles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tts.cli.options import Seed, sentences, size_of


def generate(
    variety: Annotated[str, typer.Argument(help="sudoku, lightup, nurikabe, heyawake, tapa or shakashaka")],
    out: Annotated[Path, typer.Option(help="JSON lines; an existing file of the same kind is gone on with")],
    size: Annotated[str, typer.Option(help="side, or HEIGHTxWIDTH")] = "9",
    count: Annotated[int, typer.Option(min=1, help="puzzles in the file at the end")] = 100,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 1,
) -> None:
    """Generate puzzles with exactly one solution, one JSON line each. Resumes."""
    with sentences():
        from tts.puzzles.generate import generate_file

        generate_file(variety, size_of(size), count, out, seed, workers=workers)
