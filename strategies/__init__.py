"""Strategies, selectors, stop rules and schedules to build a search from, each a small frozen class.

A module of this package holds one strategy, which makes the rollouts of a puzzle differ. ``selectors`` holds those that
pick a rollout, ``stop_rules`` those that end one early, ``schedules`` how noise changes over the steps. What several
strategies share is in ``_shared``. Their abstract forms are in ``tts.interfaces``.
"""

from tts.strategies.chain import Chain
from tts.strategies.dropout import Dropout
from tts.strategies.langevin import Langevin
from tts.strategies.noise import GaussianNoise, Identity
from tts.strategies.particles import GuidedParticles
from tts.strategies.pinning import Pinning
from tts.strategies.restarts import Restarts
from tts.strategies.schedules import Constant, Cosine, First, Linear, Schedule
from tts.strategies.selectors import (
    CellMajority,
    FewestViolations,
    FirstHaltedSelector,
    Grouped,
    MajorityVote,
    QSelector,
    ResidualSelector,
    VerifierSelector,
)
from tts.strategies.stop_rules import Budget, Converged, FirstHalted, Halted, Verified
from tts.strategies.targeted import TargetedNoise
from tts.strategies.views import SymmetricViews

__all__ = [
    "Budget",
    "CellMajority",
    "Chain",
    "Constant",
    "Converged",
    "Cosine",
    "Dropout",
    "FewestViolations",
    "First",
    "FirstHalted",
    "FirstHaltedSelector",
    "GaussianNoise",
    "Grouped",
    "GuidedParticles",
    "Halted",
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
    "Verified",
    "VerifierSelector",
]
