"""Optional dependencies: imported where they are used, with a sentence that says how to install what is missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from tts.errors import TTSError


def require(module: str, *, extra: str, user: str) -> ModuleType:
    """Return a module of an optional dependency, such as ``matplotlib.figure``, imported now.

    Args:
        module: its name, which is not that of a module of this package.
        extra: the extra of this package that installs it.
        user: what needs it, for the error.

    Raises:
        TTSError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise _missing(module, extra, user) from error


def folder_of(module: str, *, extra: str, user: str) -> Path:
    """Return the folder of an optional package without importing it; arguments and error as in ``require``."""
    package = find_spec(module)
    if package is None or package.origin is None:
        raise _missing(module, extra, user)
    return Path(package.origin).parent


def _missing(module: str, extra: str, user: str) -> TTSError:
    return TTSError(f"{user} needs {module.partition('.')[0]}: pip install 'test-time-search[{extra}]'")
