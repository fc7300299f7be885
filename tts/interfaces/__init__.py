"""What plugs into a search, as abstract classes, and the values that pass between them.

Here belong the forms of puzzles, codecs, models, strategies, selectors, verifiers and stop rules, the noise streams,
and the checks of what users' code returns. Nothing here runs a search, and nothing is concrete but the compositions
(``Then``, ``Either``) and ``TokenCodec``.
"""

from tts.interfaces.checks import blame, instance, name_of, passes, positive
from tts.interfaces.codec import Codec, TokenCodec, View
from tts.interfaces.model import Readout, RecursiveModel, State, device_of
from tts.interfaces.puzzle import Grid, Puzzle, Symmetry
from tts.interfaces.selector import Candidates, Selector, Then, rank, scored
from tts.interfaces.stop import Either, Stop, StopView, Verdict, judged
from tts.interfaces.strategy import CoupledStrategy, InputStrategy, RewritingStrategy, StepView, Strategy
from tts.interfaces.streams import Streams, puzzle_keys
from tts.interfaces.verifier import Verifier, Violations

__all__ = [
    "Candidates",
    "Codec",
    "CoupledStrategy",
    "Either",
    "Grid",
    "InputStrategy",
    "Puzzle",
    "Readout",
    "RecursiveModel",
    "RewritingStrategy",
    "Selector",
    "State",
    "StepView",
    "Stop",
    "StopView",
    "Strategy",
    "Streams",
    "Symmetry",
    "Then",
    "TokenCodec",
    "Verdict",
    "Verifier",
    "View",
    "Violations",
    "blame",
    "device_of",
    "instance",
    "judged",
    "name_of",
    "passes",
    "positive",
    "puzzle_keys",
    "rank",
    "scored",
]
