"""Errors that the package raises on purpose. Each says what was wrong, where, and what to do."""


class TTSError(Exception):
    """Base of every error raised on purpose."""


class CheckpointError(TTSError):
    """A checkpoint that cannot be loaded."""


class PuzzleError(TTSError, ValueError):
    """A puzzle, address or grid that cannot be read."""


class ShapeError(TTSError, ValueError):
    """A plugin returned a tensor of the wrong shape, or was given one."""


class RolloutError(TTSError, RuntimeError):
    """A model, strategy or verifier failed while a search ran."""


class StoreError(TTSError):
    """A run folder that cannot be used: of another run, damaged, incomplete, or out of space."""


def first_line(error: Exception) -> str:
    """What another library's error says, cut to a part of a sentence."""
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0]:.200}"
