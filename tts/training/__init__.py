"""Training TRM and HRM: examples, the lanes in flight, the loss, the trainer, presets."""

from tts.training.examples import Group, Mixture
from tts.training.locality import look_around
from tts.training.presets import PRESETS, Preset
from tts.training.trainer import Settings, Trainer

__all__ = ["PRESETS", "Group", "Mixture", "Preset", "Settings", "Trainer", "look_around"]
