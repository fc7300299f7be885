"""How good searches are: one on a data set, several side by side, and what their rollouts went through."""

from tts.evaluation.comparing import compare, run_of
from tts.evaluation.comparison import Comparison, Record, Row, Run
from tts.evaluation.curves import CostCurve, against_lane_steps, curves_of, rollout_curves
from tts.evaluation.evaluation import Evaluation, Score, evaluate
from tts.evaluation.paper_table import paper_table
from tts.evaluation.trajectories import Example, cell_accuracy, examples, principal_paths, recorded

__all__ = [
    "Comparison",
    "CostCurve",
    "Evaluation",
    "Example",
    "Record",
    "Row",
    "Run",
    "Score",
    "against_lane_steps",
    "cell_accuracy",
    "compare",
    "curves_of",
    "evaluate",
    "examples",
    "paper_table",
    "principal_paths",
    "recorded",
    "rollout_curves",
    "run_of",
]
