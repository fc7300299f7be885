"""Many workers come to the rows of one process."""

from __future__ import annotations

import pickle
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from support.cluster import DATA, TOKENS, alone, search, two_cores
from support.models import Wanderer, assert_equal
from support.runs import NOISE, assert_same_tables, files
from typer.testing import CliRunner

from tts import Dataset, FirstHalted, RolloutError, State, Store, TTSError, load
from tts.cli import app
from tts.runs import workers as scale
from tts.strategies import GuidedParticles


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    with two_cores() as found:
        yield found


@pytest.mark.parametrize(("workers", "shard"), [(1, 9), (3, 2)])
def test_the_rows_do_not_depend_on_the_workers(ray: Any, tmp_path: Path, workers: int, shard: int) -> None:
    """Three workers are more than there are cores."""
    made = search(stop=FirstHalted(), record=("q",)) if workers == 1 else search(strategy=GuidedParticles(NOISE))
    data = Dataset("x", TOKENS, answers=TOKENS, ids=torch.arange(40) % 4)
    more = {"keys": torch.arange(40) + 7, "seed": 3}
    found = scale.run(made, data, tmp_path / "run", workers=workers, shard=shard, **more)
    expected = alone(tmp_path / "alone", made, data, **more)
    assert_same_tables(found, expected)
    assert_equal(found.result(), expected.result())
    assert ray.is_initialized()
    assert not [path for path in files(found.folder) if path.name.endswith(".tmp")]


def test_a_data_set_brings_its_ids_and_labels(ray: Any, tmp_path: Path) -> None:
    ids = torch.arange(40) % 4
    labels = search()(TOKENS, ids=ids, seed=1).answers
    data = Dataset("x", TOKENS, ids=ids, answers=labels, ignore=None)
    found = scale.run(search(), data, tmp_path / "run", seed=1, shard=20)
    expected = alone(tmp_path / "alone", search(), data, seed=1)
    assert expected.table("puzzles")["correct"].to_pylist() == [True] * 40
    assert_same_tables(found, expected)
    assert found.table("puzzles")["correct"].to_pylist() == expected.table("puzzles")["correct"].to_pylist()


def test_evaluate_comes_to_the_same_table(ray: Any, tmp_path: Path) -> None:
    """Real boards, the real model, through the command."""
    tables = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, how in (("workers", ["--ray", "--workers", "2"]), ("alone", [])):
        size = ["--limit", "4", "--k", "2", "--depth", "1", "--shard", "1", "--dtype", "float32", "--device", "cpu"]
        out = ["--out", str(tmp_path / name)]
        found = CliRunner().invoke(app, ["evaluate", "sudoku-9x9", "bundled:tdoku", *size, *how, *out])
        assert found.exit_code == 0, found.output
        tables.append(pandas.read_csv(tmp_path / name / "table.csv").drop(columns="seconds"))
    torch.set_num_threads(threads)
    pandas.testing.assert_frame_equal(*tables)
    rows = [pandas.read_parquet(tmp_path / name / "search" / "rollouts") for name in ("workers", "alone")]
    pandas.testing.assert_frame_equal(*rows)


def test_who_finds_no_room_is_not_waited_for(ray: Any, tmp_path: Path) -> None:
    """One of the two cores is taken until the run is over."""
    holder = ray.remote(threading.Event).options(num_cpus=1).remote()
    ray.get(holder.is_set.remote())
    found = scale.run(search(), DATA, tmp_path / "run", workers=2, shard=10)
    ray.kill(holder)
    assert_same_tables(found, alone(tmp_path / "alone", search()))


def test_what_is_there_needs_no_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = alone(tmp_path, search())
    monkeypatch.setattr(scale, "connected", lambda: pytest.fail("Ray is not needed"))
    assert_same_tables(scale.run(search(), DATA, tmp_path), expected)


class Fails(Wanderer):
    """Cannot step."""

    def step(self, state: State, encoded: torch.Tensor) -> State:
        raise ValueError("there is no next step")


class Unsendable(Wanderer):
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class Unloadable(Wanderer):
    """Cannot be made in a worker."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


@pytest.mark.parametrize(
    ("model", "more", "error", "sentence"),
    [
        (Fails, {}, RolloutError, "Fails failed on puzzle key .*: ValueError: there is no next step"),
        (Unsendable, {}, TTSError, "the search cannot be sent to workers: cannot pickle '_thread.lock' object"),
        (Unloadable, {}, TTSError, "a worker failed: ValueError: invalid literal for int"),
        (Wanderer, {"gpus_per_worker": 0.5}, TTSError, "needs 0.5 of a GPU and Ray finds 0; set gpus_per_worker to 0"),
        (Wanderer, {"workers": 0}, ValueError, "workers is 0; give 1 or more"),
    ],
)
def test_what_goes_wrong_is_said(
    ray: Any, tmp_path: Path, model: Any, more: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        scale.run(search(model()), DATA, tmp_path, **{"workers": 1, **more})
    assert Store.open(tmp_path, search(model()), DATA).missing() == [0]


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(TTSError, match=r"pip install 'test-time-search\[ray\]'"):
        scale.run(search(), DATA, tmp_path)


def test_a_model_on_a_gpu_is_sent_from_main_memory(device: str) -> None:
    made = search(load("sudoku-9x9", device=device))
    found = pickle.loads(scale._sendable(made))
    assert next(found.model.parameters()).device.type == "cpu"
    assert next(made.model.parameters()).device.type == device


@pytest.mark.parametrize(
    ("how", "sentence"),
    [(["--ray"], "--ray needs a folder that all workers see"), (["--workers", "2"], "go with --ray")],
)
def test_options_that_do_not_go_together(how: list[str], sentence: str) -> None:
    found = CliRunner().invoke(app, ["evaluate", "sudoku-9x9", "bundled:tdoku", *how])
    assert found.exit_code == 2
    assert sentence in found.output.replace("\n", " ")


def test_the_code_of_the_page_runs(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 1
    names: dict[str, Any] = {}
    exec(compile(blocks[0], "scale.md", "exec"), names)
    assert names["store"].missing() == []
