"""Selectors: which of the K rollouts answers for the puzzle.

A module holds the selectors that ask the same source: the model (``q``), the other rollouts (``votes``), the rules
(``rules``), or other selectors (``grouped``). ``first.then(second)`` breaks ties, see ``tts.interfaces.Selector``.
"""

from tts.strategies.selectors.grouped import Grouped
from tts.strategies.selectors.q import FirstHaltedSelector, QSelector, ResidualSelector
from tts.strategies.selectors.rules import FewestViolations, VerifierSelector
from tts.strategies.selectors.votes import CellMajority, MajorityVote

__all__ = [
    "CellMajority",
    "FewestViolations",
    "FirstHaltedSelector",
    "Grouped",
    "MajorityVote",
    "QSelector",
    "ResidualSelector",
    "VerifierSelector",
]
