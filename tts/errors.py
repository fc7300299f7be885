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
