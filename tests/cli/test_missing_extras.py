"""Commands whose optional dependencies are missing end in one sentence, not in a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; from tts.cli import app; app(sys.argv[1:])"


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "tapa", "--size", "4", "--count", "1", "--out", "puzzles.jsonl"),
        ("train", "--preset", "sudoku-6x6", "--updates", "1", "--device", "cpu", "--out", "run"),
        ("train", "--preset", "pencil-6x6", "--updates", "1", "--device", "cpu", "--out", "run"),
    ],
)
def test_without_numba_the_extra_is_named(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tts: generating puzzles needs numba: pip install 'test-time-search[generate]'\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
