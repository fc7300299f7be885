"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to. The file there takes the place of ``path`` when the block ends, and is
    deleted where the block fails.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")  # writers on other machines have their own
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes | memoryview) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
