"""Test-time search over recursive reasoning models.

from tts import GaussianNoise, QSelector, Search, load

result = Search(load("sudoku-9x9"), GaussianNoise(0.1), QSelector(), k=128)(puzzles)
"""

from tts.checkpoints import load, save
from tts.codec import TokenCodec
from tts.compare import compare
from tts.comparison import Comparison
from tts.errors import CheckpointError, PuzzleError, RolloutError, ShapeError, StoreError, TTSError
from tts.evaluation import Evaluation, evaluate
from tts.hrm import HRM, HRMConfig
from tts.model import Codec, Readout, RecursiveModel, State, View
from tts.puzzle import Puzzle, Symmetry
from tts.puzzles import VarietyCodec, parse
from tts.reading import open_dataset
from tts.reading.dataset import Dataset
from tts.rollouts import Cost, Result, Rollouts, Status
from tts.search import Search, SearchInterrupted
from tts.selector import Candidates, Selector
from tts.stopping import Budget, Converged, FirstHalted, Halted, Stop, StopView, Verdict, Verified
from tts.store import Store
from tts.strategies import Chain, GaussianNoise, Identity, MajorityVote, QSelector, VerifierSelector
from tts.strategy import CoupledStrategy, InputStrategy, RewritingStrategy, StepView, Strategy
from tts.trm import TRM, TRMConfig
from tts.verifier import Verifier, Violations

__all__ = [
    "HRM",
    "TRM",
    "Budget",
    "Candidates",
    "Chain",
    "CheckpointError",
    "Codec",
    "Comparison",
    "Converged",
    "Cost",
    "CoupledStrategy",
    "Dataset",
    "Evaluation",
    "FirstHalted",
    "GaussianNoise",
    "HRMConfig",
    "Halted",
    "Identity",
    "InputStrategy",
    "MajorityVote",
    "Puzzle",
    "PuzzleError",
    "QSelector",
    "Readout",
    "RecursiveModel",
    "Result",
    "RewritingStrategy",
    "RolloutError",
    "Rollouts",
    "Search",
    "SearchInterrupted",
    "Selector",
    "ShapeError",
    "State",
    "Status",
    "StepView",
    "Stop",
    "StopView",
    "Store",
    "StoreError",
    "Strategy",
    "Symmetry",
    "TRMConfig",
    "TTSError",
    "TokenCodec",
    "VarietyCodec",
    "Verdict",
    "Verified",
    "Verifier",
    "VerifierSelector",
    "View",
    "Violations",
    "compare",
    "evaluate",
    "load",
    "open_dataset",
    "parse",
    "save",
]
