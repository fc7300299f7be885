"""Generate puzzles with exactly one solution from seeds, and solve boards exactly. Needs the extra ``generate``: numba.

One module a variety, named in ``tts.puzzles.varieties``. ``generator`` asks it for one puzzle, ``files`` for many, and
``solutions`` solves a board. What they share: ``problem``, a board as constraints; ``solver`` with ``propagate``,
``connect`` and ``islands``, which searches them; ``thinning``, which takes clues away; ``shapes``, random areas;
``identity``, one name for a puzzle and its mirrors; ``jit``, the compiler. Importing this package imports no numba.
"""

from __future__ import annotations

from tts.puzzles.generate.files import generate_file
from tts.puzzles.generate.generated import Generated
from tts.puzzles.generate.generator import NoPuzzleError, generate
from tts.puzzles.generate.identity import identity
from tts.puzzles.generate.solutions import solve

__all__ = ["Generated", "NoPuzzleError", "generate", "generate_file", "identity", "solve"]
