"""The package works where people stand: in a checkout or elsewhere, installed or not, by any way of starting Python."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BESIDE = ("ablations", "puzzles", "strategies", "verifiers")
"""Folders at the root that belong to the package."""
IMPORTS = f"import {', '.join(f'tts.{name}' for name in BESIDE)}; print(tts.__file__)"


def sources(folder: Path) -> set[Path]:
    """The files of a folder, relative to it, without what has been compiled."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in files if "__pycache__" not in path.parts}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as ``pip install .`` puts it there; building writes, so a copy is built."""
    copy, target = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("installed")
    for name in ("tts", *BESIDE):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", target, copy], check=True)
    return target


def python(cwd: Path, *arguments: str | Path, path: tuple[Path, ...] = ()) -> str:
    """What a Python prints that has the dependencies, but not this environment's own installation of tts."""
    libraries = (*path, Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, libraries))}
    command = [sys.executable, "-S", *arguments]  # without -S files of site-packages may add folders to the path
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_everything_is_installed(installed: Path) -> None:
    assert sources(installed / "tts") == sources(ROOT / "tts").union(
        *({Path(name) / path for path in sources(ROOT / name)} for name in BESIDE)
    )


def test_an_installed_package_works_elsewhere(installed: Path, tmp_path: Path) -> None:
    assert python(tmp_path, "-c", IMPORTS, path=(installed,)).strip() == str(installed / "tts" / "__init__.py")


def test_an_installed_package_works_in_a_script_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(IMPORTS)
    assert python(ROOT, script, path=(installed,)).strip() == str(installed / "tts" / "__init__.py")


def test_the_checkout_works_beside_an_installed_package(installed: Path) -> None:
    """Python that is started there finds the checkout's ``tts`` first, which is not the whole package."""
    assert python(ROOT, "-c", IMPORTS, path=(installed,)).strip() == str(ROOT / "tts" / "__init__.py")


def test_the_checkout_works_under_pytest(installed: Path, tmp_path: Path) -> None:
    test = tmp_path / "test_imports.py"
    test.write_text(f"def test_imports():\n    {IMPORTS}")
    options = ("-p", "no:cacheprovider", "-s", "--noconftest", "--rootdir", tmp_path)
    assert str(ROOT / "tts" / "__init__.py") in python(ROOT, "-m", "pytest", *options, test, path=(installed,))


def test_every_package_is_listed() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = [
        init.parent.relative_to(ROOT) for name in ("tts", *BESIDE) for init in (ROOT / name).rglob("__init__.py")
    ]
    names = {".".join(folder.parts if folder.parts[0] == "tts" else ("tts", *folder.parts)) for folder in folders}
    assert set(tools["packages"]) == names


def test_make_links_the_parts_of_the_package_for_editors(tmp_path: Path) -> None:
    """Type checkers read the paths in site-packages, and nothing that an editable install does by code."""
    environment, packages = tmp_path / "environment", tmp_path / "site-packages"
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    packages.mkdir()
    python.write_text(f"#!/bin/sh\necho '{packages}'\n")  # says where its site-packages are
    python.chmod(0o755)
    subprocess.run(["make", "--silent", f"VENV={environment}", f"{environment}/.links"], cwd=ROOT, check=True)
    (folder,) = (packages / "tts.pth").read_text().splitlines()
    links = {path.name: path.resolve() for path in (Path(folder) / "tts").iterdir()}
    parts = {path for path in (ROOT / "tts").iterdir() if path.name != "__pycache__"}
    assert set(links.values()) == parts | {ROOT / name for name in BESIDE}
