"""``load`` and ``save``: weights of every format, the names and shapes of the official models, the hub."""

from tts.models.checkpoints.checkpoint import embedded, load, save

__all__ = [
    "embedded",
    "load",
    "save",
]
