"""Training TRM and HRM: examples, the lanes in flight, the loss, the trainer, presets, whole runs."""

from tts.training.examples import Group, Mixture
from tts.training.look_around import look_around
from tts.training.presets import PRESETS, Preset
from tts.training.run import Schedule, train
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
    "look_around",
    "train",
    "transplant",
]
