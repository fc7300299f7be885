"""Every ablation runs as a command, writes what it says, goes on where it was, and refuses another's folder."""

import csv
import json
import re

import pytest
import torch
from typer.testing import CliRunner

import tts
from tts import TRM, GaussianNoise, TRMConfig, VarietyCodec
from tts.ablations.ablation import Ablation, data_of
from tts.ablations.width_depth import depths
from tts.cli import app
from tts.cli.ablate import NAMES
from tts.datasets import Dataset

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
    config = TRMConfig(
        vocab_size=11, seq_len=81, num_puzzle_identifiers=0, hidden_size=8, H_cycles=1, L_cycles=1, L_layers=1,
        expansion=1, num_heads=2, mlp_t=True, pos_encodings="none", puzzle_emb_ndim=0,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    tts.save(TRM(config, VarietyCodec("sudoku", 9, 9)), path)
    return path


def ablate(name, out, model, *more):
    words = ["ablate", name, "--out", out, "--model", model, "--device", "cpu", "--dtype", "float32"]
    small = ["--data", "heldout", "--puzzles", "3", "--k", "2", "--depth", "2", "--seeds", "2"]
    found = CliRunner().invoke(app, [str(word) for word in (*words, *small, *more)])
    return found.exit_code, found.output


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
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given["--dtype"] == "float32"
    assert (given["--sigma"], given["--latents"], given["--seeds"]) == ("0.5", "y,z", "2")
    given["--out"] = str(tmp_path / "again")
    found = CliRunner().invoke(app, ["ablate", "stop_rules", *(word for pair in given.items() for word in pair)])
    assert found.exit_code == 0, found.output
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
        (("--data", "guessing"), "data.name is heldout there and guessing here"),
        (("--data", "nowhere"), "no data 'nowhere': it is no file, no folder and none of heldout"),
        (("--latents", "w"), "latents is"),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
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
    found = data_of("top95")[:2]
    path = tmp_path / "mine.txt"
    lines = [f"{board.to_url()}\n" for board in found.puzzles]
    path.write_text("".join(lines))
    assert [board.to_url() for board in data_of(str(path)).puzzles] == [line.strip() for line in lines]
    code, said = ablate("selectors", tmp_path / "run", model, "--data", str(path))
    assert code == 2
    assert "has no solutions, and an ablation needs them" in said.replace("\n", " ")


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
    ablation = Ablation.open("width_depth", tmp_path / "run", loaded, data_of("heldout")[:2], k=4, depth=8)
    assert depths(ablation) == [2, 8, 32]
    from tts.ablations import strategies, width_depth

    rows = width_depth.main(ablation).rows()
    assert {row.lane_steps for row in rows[:-1]} == {32}
    assert rows[-1].lane_steps == 8
    ablation = Ablation.open("strategies", tmp_path / "other", loaded, data_of("heldout")[:2], k=4, depth=2)
    assert {row.lane_steps for row in strategies.main(ablation).rows()} == {8}
    assert torch.equal(ablation.labels, ablation.data.labels(loaded.codec))
