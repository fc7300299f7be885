"""The ``tts`` command."""

from __future__ import annotations

import typer

from tts.cli.ablate import ablate
from tts.cli.demo import demo
from tts.cli.evaluate import evaluate
from tts.cli.generate import generate
from tts.cli.models import models
from tts.cli.report import report
from tts.cli.solve import solve
from tts.cli.train import train
from tts.cli.verify import verify

app = typer.Typer(
    name="tts",
    help="Test-time search over recursive reasoning models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(solve)
app.command(context_settings={"ignore_unknown_options": True})(verify)  # answers begin with dashes
app.command()(demo)
app.command()(evaluate)
app.command()(ablate)
app.command()(report)
app.command()(generate)
app.command()(train)
app.command()(models)
