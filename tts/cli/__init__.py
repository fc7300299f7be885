"""The ``tts`` command, a module for each subcommand."""

from tts.cli.app import app

__all__ = [
    "app",
]
