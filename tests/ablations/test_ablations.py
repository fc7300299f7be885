"""Every ablation runs as a command, writes what it says, goes on where it was, and refuses another's folder."""

import csv
import json
import re

import pytest
import torch
from support.models import small_config
from typer.testing import CliRunner

import tts
from tts import TRM, GaussianNoise, VarietyCodec
from tts.ablations.ablation import Ablation
from tts.ablations.width_depth import depths
from tts.cli import app
from tts.cli.ablate import NAMES
from tts.datasets import Dataset, named_dataset, open_dataset

PICTURES = {
    "selectors": ["accuracy_against_k.png"],
    "sigma_latents": ["accuracy_against_k.png", "sigma_sweep.png"],
    "width_depth": ["accuracy_against_lane_steps.png"],
    "strategies": ["accuracy_against_lane_steps.png"],
    "stop_rules": ["accuracy_against_lane_steps.png"],
    "finalists": ["accuracy_against_lane_steps.png"],
    "q_calibration": ["q_against_cells.png", "q_histogram.png", "reliability.png", "trajectories.png"],
}
FIRST = {
    "selectors": "best Q",
    "sigma_latents": "deterministic",
    "width_depth": "deterministic, 1 x 4",
    "strategies": "noise",
    "stop_rules": "full depth",
    "finalists": "noise",
    "q_calibration": "deterministic",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A random TRM for 9x9 sudokus, in a file."""
    codec = VarietyCodec("sudoku", 9, 9)
    config = small_config(codec, hidden_size=8, L_cycles=1, puzzle_emb_ndim=0, mlp_t=True)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    tts.save(TRM(config, codec), path)
    return path


def ablate(name, out, model, *more):
    words = ["ablate", name, "--out", out, "--model", model, "--device", "cpu", "--dtype", "float32"]
    small = ["--data", "bundled:heldout", "--puzzles", "3", "--k", "2", "--depth", "2", "--seeds", "2"]
    done = CliRunner().invoke(app, [str(word) for word in (*words, *small, *more)])
    return done.exit_code, done.output


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_an_ablation_writes_its_folder_and_goes_on(name, tmp_path, model):
    code, said = ablate(name, tmp_path / "run", model)
    assert code == 0, said
    first = contents(tmp_path / "run")
    extra = ["calibration.csv", "calibration.md"] * (name == "q_calibration")
    assert list(first) == sorted(["command.txt", "meta.json", "table.csv", "table.md", *PICTURES[name], *extra])
    rows = list(csv.DictReader(first["table.csv"].decode().splitlines()))
    assert rows[0]["search"] == FIRST[name]
    for row in rows:
        assert (row["puzzles"], row["seeds"]) == ("3", "2")
        assert float(row["accuracy_low"]) <= float(row["accuracy"]) <= float(row["accuracy_high"])
        assert (row["difference"] == "") == (row is rows[0])
        assert row["search"] in first["table.md"].decode()
    assert all(content.startswith(b"\x89PNG") for file, content in first.items() if file.endswith("png"))
    meta = json.loads(first["meta.json"])
    assert meta["run"]["seeds"] == [0, 1]
    assert meta["run"]["data"]["puzzles"] == sum(meta["givens"].values()) == 3
    assert set(meta["made_with"]) == {"tts", "torch", "python"}
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "store").rglob("*.*")}
    assert ablate(name, tmp_path / "run", model)[0] == 0
    assert contents(tmp_path / "run") == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "store").rglob("*.*")} == times


def test_the_command_that_is_written_down_says_all_and_does_the_same(tmp_path, model):
    assert ablate("stop_rules", tmp_path / "run", model)[0] == 0
    words = (tmp_path / "run" / "command.txt").read_text().split()
    assert words[:3] == ["tts", "ablate", "stop_rules"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options["--dtype"] == "float32"
    assert (options["--sigma"], options["--latents"], options["--seeds"]) == ("0.5", "y,z", "2")
    options["--out"] = str(tmp_path / "again")
    again = CliRunner().invoke(app, ["ablate", "stop_rules", *(word for pair in options.items() for word in pair)])
    assert again.exit_code == 0, again.output
    one, two = ((tmp_path / name / "table.csv").read_text() for name in ("run", "again"))
    seconds = re.compile(r"\d+\.\d{5,}|\d\.\d+e-\d+")
    assert [seconds.sub("", line) for line in one.splitlines()] == [seconds.sub("", line) for line in two.splitlines()]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--k", "3"), "holds another run: k is 2 there and 3 here"),
        (("--puzzles", "4"), "data.puzzles is 3 there and 4 here"),
        (("--seeds", "1"), r"seeds is \[0, 1\] there and \[0\] here"),
        (("--sigma", "0.4"), "noise.sigma is 0.5 there and 0.4 here"),
        (("--dtype", "bfloat16"), "model.dtype is float32 there and bfloat16 here"),
        (("--data", "bundled:guessing"), "data.name is bundled:heldout there and bundled:guessing here"),
        (("--data", "nowhere"), "no data at nowhere: it is neither a file nor a folder"),
        (("--data", "hard"), "no data at hard; the bundled puzzles are bundled:hard"),
        (("--latents", "w"), "latents is"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_another_ablation_is_refused_in_one_sentence(more, says, done, model):
    before = contents(done)
    code, said = ablate("selectors", done, model, *more)
    assert code == 2, said
    assert re.search(says, said.replace("\n", " ")), said
    assert "Traceback" not in said
    assert contents(done) == before


@pytest.fixture(scope="module")
def done(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("done") / "run"
    assert ablate("selectors", folder, model)[0] == 0
    return folder


def test_the_folder_of_another_ablation_is_refused(done, model):
    code, said = ablate("stop_rules", done, model)
    assert code == 2
    assert "ablation is selectors there and stop_rules here" in said.replace("\n", " ")


def test_there_is_no_other_ablation(tmp_path, model):
    code, said = ablate("luck", tmp_path / "run", model)
    assert code == 2
    assert "there is no ablation luck; choose one of selectors" in said


def test_puzzles_come_by_name_or_from_a_file(tmp_path, model):
    path = tmp_path / "mine.txt"
    lines = [f"{board.to_url()}\n" for board in named_dataset("bundled:top95")[:2].boards]
    path.write_text("".join(lines))
    assert [board.to_url() for board in open_dataset(path).boards] == [line.strip() for line in lines]
    code, said = ablate("selectors", tmp_path / "run", model, "--data", str(path))
    assert code == 2
    assert "has no solutions: add them, or take other data" in said.replace("\n", " ")


def test_models_without_rules_or_symmetries_leave_out_what_needs_them(tmp_path):
    from tts.ablations import finalists, q_calibration, selectors, stop_rules, strategies
    from tts.testing import SmallModel, random_tokens

    model = SmallModel()
    tokens = random_tokens(model, 4)
    data = Dataset("mine", tokens, answers=tokens.roll(1, 0), ignore=None)
    for script, without in (
        (selectors, {"verified, then Q", "fewest violations, then Q"}),
        (strategies, {"targeted noise", "views"}),
        (stop_rules, {"verified"}),
        (finalists, {"views"}),
        (q_calibration, {"verified, then Q"}),
    ):
        name = script.__name__.split(".")[-1]
        ablation = Ablation.open(name, tmp_path / name, model, data, k=2, depth=2, noise=GaussianNoise(1.0))
        comparison = script.main(ablation)
        assert not without & set(comparison.runs)
        assert len(comparison.runs) > (1 if script is finalists else 2)


def test_budgets_are_equal_where_they_should_be(tmp_path, model):
    loaded = tts.load(model)
    data = named_dataset("bundled:heldout")[:2]
    ablation = Ablation.open("width_depth", tmp_path / "run", loaded, data, k=4, depth=8)
    assert depths(ablation) == [2, 8, 32]
    from tts.ablations import strategies, width_depth

    rows = width_depth.main(ablation).rows()
    assert {row.lane_steps for row in rows[:-1]} == {32}
    assert rows[-1].lane_steps == 8
    ablation = Ablation.open("strategies", tmp_path / "other", loaded, data, k=4, depth=2)
    assert {row.lane_steps for row in strategies.main(ablation).rows()} == {8}
    assert torch.equal(ablation.labels, ablation.dataset.labels(loaded.codec))
