"""The search: K rollouts of a model on each puzzle, and the pick of one.

``search.py`` is the face, ``engine.py`` the loop; the other modules are its parts: which rollout runs next
(``scheduler``), the puzzles that wait (``queue``), what is in flight (``lanes``, ``views``, ``embeddings``).
"""

from tts.search.queue import Batch, PuzzleQueue
from tts.search.result import Cost, Result, Rollouts, Status, choose
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
