"""What K rollouts a puzzle are worth, numbers in and numbers out: curves over k, intervals, calibration of Q."""

from tts.metrics.calibration import Reliability, auroc, expected_calibration_error, reliability
from tts.metrics.curves import Curve, best_at_k, mode_at_k, pass_at_k, verifier_gap
from tts.metrics.intervals import (
    Interval,
    accuracy_interval,
    bootstrap_interval,
    mcnemar,
    paired_difference,
    wilson_interval,
)

__all__ = [
    "Curve",
    "Interval",
    "Reliability",
    "accuracy_interval",
    "auroc",
    "best_at_k",
    "bootstrap_interval",
    "expected_calibration_error",
    "mcnemar",
    "mode_at_k",
    "paired_difference",
    "pass_at_k",
    "reliability",
    "verifier_gap",
    "wilson_interval",
]
