"""Width strategies, which make the rollouts of a puzzle differ, and selectors, which pick one."""

from tts.strategies.chain import Chain
from tts.strategies.noise import GaussianNoise, Identity
from tts.strategies.selectors import MajorityVote, QSelector, VerifierSelector

__all__ = ["Chain", "GaussianNoise", "Identity", "MajorityVote", "QSelector", "VerifierSelector"]
