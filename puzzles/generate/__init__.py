"""Puzzles with exactly one solution, made from seeds. Needs the extra ``generate``: numba."""

from __future__ import annotations

from tts.puzzles.generate.files import generate_file
from tts.puzzles.generate.generated import Generated
from tts.puzzles.generate.generator import NoPuzzleError, generate
from tts.puzzles.generate.identity import identity
from tts.puzzles.generate.solutions import solve

__all__ = ["Generated", "NoPuzzleError", "generate", "generate_file", "identity", "solve"]
