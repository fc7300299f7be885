"""Width strategies, which make the rollouts of a puzzle differ, and selectors, which pick one."""

from tts.strategies.chain import Chain
from tts.strategies.dropout import Dropout
from tts.strategies.groups import Grouped
from tts.strategies.judges import FewestViolations, FirstHaltedSelector, ResidualSelector
from tts.strategies.langevin import Langevin
from tts.strategies.noise import GaussianNoise, Identity
from tts.strategies.particles import GuidedParticles
from tts.strategies.pinning import Pinning
from tts.strategies.restarts import Restarts
from tts.strategies.schedules import Constant, Cosine, First, Linear, Schedule
from tts.strategies.selectors import CellMajority, MajorityVote, QSelector, VerifierSelector
from tts.strategies.targeted import TargetedNoise
from tts.strategies.views import SymmetricViews

__all__ = [
    "CellMajority",
    "Chain",
    "Constant",
    "Cosine",
    "Dropout",
    "FewestViolations",
    "First",
    "FirstHaltedSelector",
    "GaussianNoise",
    "Grouped",
    "GuidedParticles",
    "Identity",
    "Langevin",
    "Linear",
    "MajorityVote",
    "Pinning",
    "QSelector",
    "ResidualSelector",
    "Restarts",
    "Schedule",
    "SymmetricViews",
    "TargetedNoise",
    "VerifierSelector",
]
