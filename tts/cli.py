"""The ``tts`` command."""

from __future__ import annotations

import typer

from tts.commands import ablating, evaluating, generating, reporting, solving, training

app = typer.Typer(
    name="tts",
    help="Test-time search over recursive reasoning models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(solving.solve)
app.command(context_settings={"ignore_unknown_options": True})(solving.verify)  # answers begin with dashes
app.command()(solving.demo)
app.command()(evaluating.evaluate)
app.command()(ablating.ablate)
app.command()(reporting.report)
app.command()(generating.generate)
app.command()(training.train)
app.command()(training.models)
