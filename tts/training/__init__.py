"""Training TRM and HRM: examples, the lanes in flight, the loss, the trainer, presets, whole runs."""

from tts.training.examples import Group, Mixture
from tts.training.look_around import look_around
from tts.training.presets import PRESETS, Preset, as_group
from tts.training.puzzle_files import make_sudokus
from tts.training.run import Schedule, evaluate, train
from tts.training.trainer import Settings, Trainer
from tts.training.transplant import transplant

__all__ = [
    "PRESETS",
    "Group",
    "Mixture",
    "Preset",
    "Schedule",
    "Settings",
    "Trainer",
    "as_group",
    "evaluate",
    "look_around",
    "make_sudokus",
    "train",
    "transplant",
]
