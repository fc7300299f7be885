"""Damaged and hostile files: one sentence of ours, nothing run, no memory beyond the file's own size by much."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import hostile_files
from support.loaders import LOADERS

import tts

TESTS = Path(__file__).parents[1]
GAIN = 100  # MiB that a refusal may take; the parsers' own needs, for the largest pickle and header that are read
SCANNED = ("json lines", "lines", "csv")  # looked through for their lines: what is mapped counts as memory, too
HOSTILE = {
    "torch": hostile_files.TORCH,
    "safetensors": hostile_files.SAFETENSORS,
    "yaml": hostile_files.YAML,
    "json": hostile_files.JSON,
    "tokens": hostile_files.NPY,
    "puzzle indices": hostile_files.NPY,
    "processed folder": hostile_files.DESCRIPTIONS,
    "json lines": hostile_files.LINES,
    "lines": hostile_files.LINES,
    "csv": hostile_files.LINES,
}


def assert_one_sentence(said: str) -> None:
    assert said
    assert "\n" not in said
    assert len(said) < 1200


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What came of each hostile file; a process for each loader forks one for each file."""
    results = {}
    for loader, makers in HOSTILE.items():
        paths: list[Path] = []
        for number, make in enumerate(makers.values()):
            folder = tmp_path_factory.mktemp(f"{loader.replace(' ', '-')}{number}")
            paths.append(folder / LOADERS[loader].file)
            LOADERS[loader].make(paths[-1])
            make(paths[-1])
        command = [sys.executable, str(TESTS / "support" / "hostile_probe.py"), loader, *map(str, paths)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(TESTS)}
        lines = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
        for name, path, line in zip(makers, paths, lines, strict=True):
            ran = (path.parent / hostile_files.MARK).exists()
            results[loader, name] = json.loads(line) | {"ran": ran, "size": path.stat().st_size / 2**20}
    return results


@pytest.mark.parametrize(("loader", "name"), [(loader, name) for loader, makers in HOSTILE.items() for name in makers])
def test_a_hostile_file_is_refused(loader: str, name: str, outcomes: dict[tuple[str, str], dict[str, Any]]) -> None:
    outcome = outcomes[loader, name]
    assert not outcome["ran"], "the command was run"
    assert outcome["ours"], outcome
    assert_one_sentence(outcome["said"])
    assert outcome["gained"] < GAIN + (outcome["size"] if loader in SCANNED else 0), outcome
    assert outcome["seconds"] < 60, outcome


# damage


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes of a file after one to three accidents, most of them near its beginning or its end."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        size = len(content)
        near = st.integers(0, min(size, 1500))
        place = draw(st.one_of(near, near.map(lambda n, size=size: size - n), st.integers(0, size)))
        length = draw(st.integers(1, 16))
        kind = draw(st.sampled_from(["cut", "flip", "overwrite", "insert", "delete", "repeat", "extend"]))
        if kind == "cut":
            del content[place:]
        elif kind == "flip" and place < size:
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "overwrite":
            content[place : place + length] = draw(st.sampled_from([b"\xff", b"\0", b"9", b"["])) * length
        elif kind == "insert":
            content[place:place] = draw(st.binary(max_size=length))
        elif kind == "delete":
            del content[place : place + length]
        elif kind == "repeat":
            content[place:place] = content[place : place + 64 * length]
        else:
            content.extend(bytes(draw(st.sampled_from([1, 22, 100, 100_000]))))
    return bytes(content)


def peak() -> float:
    """VmHWM, in MiB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


@pytest.mark.parametrize("name", LOADERS)
def test_a_damaged_file_is_refused_or_loads(name: str, tmp_path: Path) -> None:
    """Whatever happens to a file's bytes, the loader returns, or raises one sentence of ours; memory stays."""
    loader = LOADERS[name]
    path = tmp_path / loader.file
    loader.make(path)
    whole = path.read_bytes()
    loader.load(path)
    before = peak()

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(damaged(whole))
    def check(content: bytes) -> None:
        path.unlink()  # what is mapped stays as it was
        path.write_bytes(content)
        try:
            loader.load(path)
        except tts.TTSError as error:
            assert_one_sentence(str(error))

    check()
    assert peak() - before < GAIN


@pytest.mark.parametrize("name", LOADERS)
def test_a_file_cut_at_any_place_is_no_other_error(name: str, tmp_path: Path) -> None:
    loader = LOADERS[name]
    path = tmp_path / loader.file
    loader.make(path)
    whole = path.read_bytes()
    for place in sorted({*range(min(len(whole), 40)), *range(0, len(whole), max(1, len(whole) // 60))}):
        path.unlink()
        path.write_bytes(whole[:place])
        try:
            loader.load(path)
        except tts.TTSError as error:
            assert_one_sentence(str(error))
