"""Generate puzzles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tts.cli.options import sentences


def generate(
    variety: Annotated[str, typer.Argument(help="sudoku, lightup, nurikabe, heyawake, tapa or shakashaka")],
    out: Annotated[Path, typer.Option(help="JSON lines; an existing file made with the same arguments is continued")],
    size: Annotated[str, typer.Option(help="of the boards: the side, or HEIGHTxWIDTH")] = "9",
    count: Annotated[int, typer.Option(min=1, help="how many puzzles the file holds at the end")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="of the puzzles")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="processes that generate puzzles")] = 1,
) -> None:
    """Generate puzzles with exactly one solution, one JSON line each. An interrupted command resumes when repeated."""
    with sentences():
        from tts.puzzles.generate import generate_file

        generate_file(variety, size, count, out, seed, workers=workers)
