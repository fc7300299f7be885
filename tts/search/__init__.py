"""The search: K rollouts of a model on each puzzle, and the pick of one.

Here belongs what runs in memory; runs on disk are in ``tts.runs``, plugins in ``tts.strategies``. ``search`` is the
face, ``engine`` the loop, ``plan`` what goes into it and comes out of it. The other modules are its parts: which
rollout runs next (``scheduler``), the puzzles that wait (``queue``), what is in flight (``lanes``, ``views``,
``embeddings``, ``cuda_graphs``), what it has brought (``outcomes``), and what is returned (``rollouts``, ``result``).
"""

from tts.search.queue import Batch, PuzzleQueue
from tts.search.result import Result, choose
from tts.search.rollouts import Cost, Rollouts, Status
from tts.search.search import Search, SearchInterrupted

__all__ = [
    "Batch",
    "Cost",
    "PuzzleQueue",
    "Result",
    "Rollouts",
    "Search",
    "SearchInterrupted",
    "Status",
    "choose",
]
