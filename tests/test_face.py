"""What ``import tts`` gives: every name that users need, and nothing that is slow to import or only for some."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import tts
from tts import strategies

ROOT = Path(__file__).parents[1]


def test_every_plugin_of_the_package_is_in_the_face() -> None:
    ours = {name for name in tts.__all__ if getattr(getattr(tts, name), "__module__", "").startswith("tts.strategies")}
    assert ours == set(strategies.__all__)


def test_dir_lists_the_public_names_and_packages_alone() -> None:
    packages = {name for name in dir(tts) if isinstance(getattr(tts, name), ModuleType)}
    assert set(dir(tts)) - packages == set(tts.__all__)
    beside = ("ablations", "puzzles", "strategies", "verifiers")
    folders = {path.parent.name for path in (ROOT / "tts").glob("[!_]*/__init__.py")}
    assert packages == {*beside, *folders} - {"cli"}


def test_packages_are_there_after_import_tts_and_import_no_extra() -> None:
    code = "import sys, tts; tts.datasets, tts.metrics, tts.plots, tts.report, tts.testing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"matplotlib", "numba", "pyarrow", "ray", "scipy"}.isdisjoint(done.stdout.split())
