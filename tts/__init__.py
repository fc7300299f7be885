"""Test-time search over recursive reasoning models.

from tts import GaussianNoise, QSelector, Search, load

result = Search(load("sudoku-9x9"), GaussianNoise(0.1), QSelector(), k=128)(puzzles)
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

# In a checkout the folders strategies, verifiers, puzzles and ablations lie beside this one, not inside it. Python
# started there finds this folder before an installed package, and must find those as well.
if not (Path(__file__).parent / "strategies").exists():
    __path__.append(str(Path(__file__).parents[1]))

from tts._util.version import __version__
from tts.datasets import Dataset, open_dataset
from tts.errors import CheckpointError, PuzzleError, RolloutError, ShapeError, StoreError, TTSError
from tts.evaluation import Comparison, Evaluation, compare, evaluate
from tts.interfaces import (
    Candidates,
    Codec,
    CoupledStrategy,
    InputStrategy,
    Puzzle,
    Readout,
    RecursiveModel,
    RewritingStrategy,
    Selector,
    State,
    StepView,
    Stop,
    StopView,
    Strategy,
    Streams,
    Symmetry,
    TokenCodec,
    Verdict,
    Verifier,
    View,
    Violations,
)
from tts.models import HRM, TRM, HRMConfig, TRMConfig, load, save
from tts.puzzles import MixedCodec, VarietyCodec, parse
from tts.runs import Store
from tts.search import Cost, Result, Rollouts, Search, SearchInterrupted, Status
from tts.strategies import (
    Budget,
    CellMajority,
    Chain,
    Constant,
    Converged,
    Cosine,
    Dropout,
    FewestViolations,
    First,
    FirstHalted,
    FirstHaltedSelector,
    GaussianNoise,
    Grouped,
    GuidedParticles,
    Halted,
    Identity,
    Langevin,
    Linear,
    MajorityVote,
    Pinning,
    QSelector,
    ResidualSelector,
    Restarts,
    Schedule,
    SymmetricViews,
    TargetedNoise,
    Verified,
    VerifierSelector,
)

_PACKAGES = (
    "ablations",
    "datasets",
    "evaluation",
    "interfaces",
    "metrics",
    "models",
    "plots",
    "puzzles",
    "report",
    "runs",
    "search",
    "strategies",
    "testing",
    "training",
    "verifiers",
)
"""Packages that ``import tts`` gives access to. Those that it does not need itself are imported at their first use."""

__all__ = [
    "HRM",
    "TRM",
    "Budget",
    "Candidates",
    "CellMajority",
    "Chain",
    "CheckpointError",
    "Codec",
    "Comparison",
    "Constant",
    "Converged",
    "Cosine",
    "Cost",
    "CoupledStrategy",
    "Dataset",
    "Dropout",
    "Evaluation",
    "FewestViolations",
    "First",
    "FirstHalted",
    "FirstHaltedSelector",
    "GaussianNoise",
    "Grouped",
    "GuidedParticles",
    "HRMConfig",
    "Halted",
    "Identity",
    "InputStrategy",
    "Langevin",
    "Linear",
    "MajorityVote",
    "MixedCodec",
    "Pinning",
    "Puzzle",
    "PuzzleError",
    "QSelector",
    "Readout",
    "RecursiveModel",
    "ResidualSelector",
    "Restarts",
    "Result",
    "RewritingStrategy",
    "RolloutError",
    "Rollouts",
    "Schedule",
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
    "Streams",
    "SymmetricViews",
    "Symmetry",
    "TRMConfig",
    "TTSError",
    "TargetedNoise",
    "TokenCodec",
    "VarietyCodec",
    "Verdict",
    "Verified",
    "Verifier",
    "VerifierSelector",
    "View",
    "Violations",
    "__version__",
    "compare",
    "evaluate",
    "load",
    "open_dataset",
    "parse",
    "save",
]


def __getattr__(name: str) -> ModuleType:
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
