"""Checkpoints: models from files of this and other projects, from folders and from the hub, and into files.

``checkpoint`` has ``load`` and ``save``. ``folders`` and ``hub`` choose the file; ``weights`` and ``torch_files`` read
its tensors, ``settings`` the configuration beside it; ``official`` tells the model from their names and shapes.
"""

from tts.models.checkpoints.checkpoint import embedded, load, save

__all__ = [
    "embedded",
    "load",
    "save",
]
