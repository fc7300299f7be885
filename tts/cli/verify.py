"""tts verify."""

from __future__ import annotations

from typing import Annotated

import typer

from tts.cli.options import CONSOLE, sentences


def verify(
    url: Annotated[str, typer.Argument(help="a puzzle as text or a puzz.link address")],
    grid: Annotated[str, typer.Argument(help="the answer, one character per cell, row after row")],
) -> None:
    """Check an answer: name the rules that it breaks and mark the cells. Ends with exit code 1 when one is broken."""
    with sentences():
        from tts.cli.answers import verify_one

        valid = verify_one(url, grid, CONSOLE)
    raise typer.Exit(0 if valid else 1)
