"""TRM and HRM, and the checkpoints they are loaded from.

``trm`` and ``hrm`` are ``recursion`` around different ``layers``; ``cpu_kernels`` is the same arithmetic arranged for
CPUs. Models of your own need nothing from here: see ``tts.interfaces.RecursiveModel``.
"""

from tts.models.checkpoints import embedded, load, save
from tts.models.dtypes import default_device, fast_dtype, training_dtype
from tts.models.hrm import HRM, HRMConfig
from tts.models.layers import Attention, AttentionBlock
from tts.models.recursion import POSITION_SCALE, RecursionConfig, TwoLatentModel
from tts.models.trm import TRM, TRMConfig

__all__ = [
    "HRM",
    "POSITION_SCALE",
    "TRM",
    "Attention",
    "AttentionBlock",
    "HRMConfig",
    "RecursionConfig",
    "TRMConfig",
    "TwoLatentModel",
    "default_device",
    "embedded",
    "fast_dtype",
    "load",
    "save",
    "training_dtype",
]
