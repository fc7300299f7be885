"""Pictures of curves, comparisons, Q, trajectories and training runs. They need matplotlib (extra ``plot``).

Each function returns a matplotlib Figure of its own, made without pyplot, so that no display and no global state is
needed: ``accuracy_against_k(curves).savefig("curves.png")``.
"""

from tts.plots.accuracy import accuracy_against_k, accuracy_against_lane_steps, q_histogram, reliability_diagram
from tts.plots.training import training_curves
from tts.plots.trajectory import q_against_cell_accuracy, sigma_sweep, trajectories

__all__ = [
    "accuracy_against_k",
    "accuracy_against_lane_steps",
    "q_against_cell_accuracy",
    "q_histogram",
    "reliability_diagram",
    "sigma_sweep",
    "training_curves",
    "trajectories",
]
