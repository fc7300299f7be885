"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4


def write_atomic(path: Path, content: bytes | memoryview) -> None:
    """Write a file, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")  # writers on other machines have their own
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
