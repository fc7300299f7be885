"""Checkpoints of others: every nesting, format, wrapping and configuration; EMA; tables of gigabytes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from support.checkpoint_files import DATA, FORMATS, NESTINGS, WRAPPINGS, arch, bare, lightning, nested, write
from torch import Tensor

import tts
from tts.models import TwoLatentModel
from tts.models.checkpoints.checkpoint import load_file
from tts.models.checkpoints.folders import choose

MODELS = ("trm_mlp", "trm_att", "hrm")
CELLS = {"trm_mlp": 81, "trm_att": 100, "hrm": 81}


def assert_same(model: TwoLatentModel, weights: dict[str, Tensor]) -> None:
    state = model.state_dict()
    assert state.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(state[name], value), name


def assert_one_sentence(error: BaseException) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 900


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("prefix", NESTINGS)
def test_keys_load_under_any_nesting(name: str, prefix: str, tmp_path: Path) -> None:
    weights = bare(name)
    path = write(tmp_path / "model.pt", nested(weights, prefix))
    (tmp_path / "all_config.yaml").write_text(yaml.safe_dump({"arch": arch(name)}))
    model = tts.load(path, config={"seq_len": CELLS[name]})
    assert_same(model, weights)
    assert model.config.seq_len == CELLS[name]
    assert model.config.positions == CELLS[name] + (1 if name == "hrm" else 16)


@pytest.mark.parametrize("file", FORMATS)
@pytest.mark.parametrize("by_folder", [True, False], ids=["folder", "file"])
def test_every_format_loads_from_its_folder_and_by_name(file: str, by_folder: bool, tmp_path: Path) -> None:
    weights = bare("trm_mlp")
    path = write(tmp_path / file, nested(weights, "model."))
    shutil.copy(DATA / "trm_mlp" / "all_config.yaml", tmp_path)
    assert_same(tts.load(tmp_path if by_folder else path), weights)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("prefix", ["", "_orig_mod.model.inner."])
def test_dictionaries_around_the_weights_are_opened(wrapping: str, prefix: str, tmp_path: Path) -> None:
    weights = bare("hrm")
    torch.save({wrapping: nested(weights, prefix), "epoch": 7, "args": {"lr": 1e-4}}, tmp_path / "best.pt")
    assert_same(tts.load(tmp_path, config=fields("hrm")), weights)


def fields(name: str) -> dict[str, Any]:
    """What tensors do not tell of a model."""
    stated = {key: arch(name)[key] for key in ("H_cycles", "L_cycles", "num_heads", "pos_encodings")}
    return stated | ({} if name == "hrm" else {"puzzle_emb_len": 16})


def ema_of(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value + 1 for name, value in weights.items()}


EMA_LAYOUTS = {
    "ema beside model": lambda plain, ema: {"model": plain, "ema": ema},
    "the shadow of an EMA helper": lambda plain, ema: {"model_state_dict": plain, "ema_helper": {"shadow": ema}},
    "ema_state_dict": lambda plain, ema: {"state_dict": plain, "ema_state_dict": nested(ema, "model.")},
    "one state_dict with both": lambda plain, ema: {**nested(plain, "model."), **nested(ema, "ema_model.module.")},
    "model_ema, as in timm": lambda plain, ema: lightning({**nested(plain, "model."), **nested(ema, "model_ema.")}),
    "averaged model": lambda plain, ema: {
        "model": plain,
        "swa": {"n_averaged": torch.tensor(3), **nested(ema, "module.")},
    },
}


@pytest.mark.parametrize("layout", EMA_LAYOUTS)
@pytest.mark.parametrize("buffers", [True, False], ids=["whole", "parameters alone"])
def test_averaged_weights_are_preferred(layout: str, buffers: bool, tmp_path: Path) -> None:
    """Helpers that average parameters alone leave out the buffers, which come from the weights beside."""
    weights = bare("trm_mlp")
    averaged = ema_of(weights)
    covered = {name: value for name, value in averaged.items() if buffers or name not in ("H_init", "L_init")}
    torch.save(EMA_LAYOUTS[layout](weights, covered), tmp_path / "last.ckpt")
    assert_same(tts.load(tmp_path, config=fields("trm_mlp")), {**weights, **covered})


def test_an_average_alone_loads_and_momenta_are_no_weights(tmp_path: Path) -> None:
    weights = bare("trm_mlp")
    torch.save({"ema": weights, "optimizer": {"exp_avg": nested(weights, "module.")}}, tmp_path / "model.pt")
    assert_same(tts.load(tmp_path, config=fields("trm_mlp")), weights)


def test_several_models_in_a_file_are_not_guessed_between(tmp_path: Path) -> None:
    weights = bare("trm_mlp")
    torch.save({"student": weights, "teacher": ema_of(weights)}, tmp_path / "model.pt")
    with pytest.raises(tts.CheckpointError, match=r"several models, under student\., teacher\."):
        tts.load(tmp_path, config=fields("trm_mlp"))


def test_computed_buffers_that_some_save_are_left_out(tmp_path: Path) -> None:
    weights = bare("trm_att")
    extra = {
        "puzzle_emb.local_weights": torch.zeros(4, 64),
        "puzzle_emb.local_ids": torch.zeros(4, dtype=torch.int32),
        "rotary_emb.cos_cached": torch.zeros(116, 16),
        "rotary_emb.sin_cached": torch.zeros(116, 16),
    }
    write(tmp_path / "model.pt", nested(weights | extra, "model.inner."))
    assert_same(tts.load(tmp_path, config=fields("trm_att") | {"seq_len": 100}), weights)


# configurations


def wrapped_in(*names: str) -> Any:
    def wrap(settings: dict[str, Any]) -> dict[str, Any]:
        for name in reversed(names):
            settings = {"seed": 0, name: settings}
        return settings

    return wrap


CONFIGURATIONS = {
    "official": ("all_config.yaml", wrapped_in("arch")),
    "arch alone": ("config.yaml", wrapped_in("arch")),
    "flat yaml": ("config.yml", wrapped_in()),
    "flat json": ("config.json", wrapped_in()),
    "json of a mixin": ("config.json", wrapped_in("config")),
    "hydra": (".hydra/config.yaml", wrapped_in("arch")),
    "hydra, deeper": (".hydra/config.yaml", wrapped_in("model", "net")),
    "lightning": ("hparams.yaml", wrapped_in()),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("folder", [".", "checkpoints"], ids=["beside", "one folder up"])
def test_configurations_are_found(name: str, folder: str, tmp_path: Path) -> None:
    file, wrap = CONFIGURATIONS[name]
    (tmp_path / file).parent.mkdir(exist_ok=True)
    whole = wrap(arch("trm_mlp"))
    (tmp_path / file).write_text(json.dumps(whole) if file.endswith("json") else yaml.safe_dump(whole))
    (tmp_path / folder).mkdir(exist_ok=True)
    write(tmp_path / folder / "model.pt", bare("trm_mlp"))
    model = tts.load(tmp_path)
    assert (model.config.H_cycles, model.config.L_cycles, model.config.seq_len) == (3, 6, 81)


def test_settings_in_the_checkpoint_count_files_before_them_and_the_call_before_all(tmp_path: Path) -> None:
    torch.save(lightning(bare("trm_mlp"), hyper_parameters={"arch": fields("trm_mlp")}), tmp_path / "last.ckpt")
    assert tts.load(tmp_path).config.H_cycles == 3
    (tmp_path / "config.yaml").write_text("H_cycles: 5")
    assert tts.load(tmp_path).config.H_cycles == 5
    assert tts.load(tmp_path, config={"H_cycles": 7}).config.H_cycles == 7


@pytest.mark.parametrize("name", MODELS)
def test_what_shapes_determine_is_read_from_them(name: str, tmp_path: Path) -> None:
    """With only the fields that no shape tells, the configuration is that of the complete yaml."""
    write(tmp_path / "model.pt", bare(name))
    needed = fields(name) | ({"seq_len": 100} if name == "trm_att" else {})
    whole = tts.load(DATA / name, config={"seq_len": 100} if name == "trm_att" else None)
    assert tts.load(tmp_path, config=needed).config == whole.config


def test_a_mixer_needs_no_heads_positions_or_lengths(tmp_path: Path) -> None:
    """An MLP across 97 positions: 81 cells after 16, for 96 after 1 are no square board."""
    write(tmp_path / "model.pt", bare("trm_mlp"))
    model = tts.load(tmp_path, config={"H_cycles": 3, "L_cycles": 6})
    assert (model.config.seq_len, model.config.prefix, model.config.mlp_t) == (81, 16, True)


MISSING = {
    "mixer": ("trm_mlp", {}, ["H_cycles", "L_cycles"]),
    "attention": (
        "trm_att", {}, ["H_cycles", "L_cycles", "num_heads", "pos_encodings", "puzzle_emb_len", "seq_len"]
    ),
    "attention, some given": (
        "trm_att", {"seq_len": 9, "H_cycles": 3}, ["L_cycles", "num_heads", "pos_encodings", "puzzle_emb_len"]
    ),
    "hrm on sudoku": ("hrm", {}, ["H_cycles", "L_cycles", "num_heads", "pos_encodings"]),
}  # fmt: skip


@pytest.mark.parametrize("case", MISSING)
def test_what_shapes_do_not_tell_is_asked_for_with_the_usual_values(case: str, tmp_path: Path) -> None:
    name, config, missing = MISSING[case]
    write(tmp_path / "model.pt", bare(name))
    with pytest.raises(tts.CheckpointError, match="neither the tensors of") as caught:
        tts.load(tmp_path, config=config)
    asked = re.search(r"pass config=\{(.*?)\}; usual values: (.*)", str(caught.value))
    assert asked is not None
    assert sorted(re.findall(r"'(\w+)': \.\.\.", asked[1])) == missing
    assert all(f"{field} " in asked[2] for field in missing)
    assert_one_sentence(caught.value)


CONTRADICTIONS = {
    "width": ({"hidden_size": 512}, "have hidden_size 64, but its configuration says 512"),
    "layers": ({"L_layers": 4}, "have L_layers 2, but its configuration says 4"),
    "expansion": ({"expansion": 8}, "not those of expansion 8"),
    "mixing": ({"mlp_t": False}, "have mlp_t True, but its configuration says False"),
    "positions": ({"pos_encodings": "learned"}, "it has no embed_pos"),
    "length": ({"seq_len": 90}, "97 positions, but its configuration says puzzle_emb_len 16 and seq_len 90"),
    "no prefix": ({"seq_len": 97, "puzzle_emb_len": 0}, "97 positions, but its configuration says puzzle_emb_len 1"),
    "no such field": ({"H_cylces": 3}, "has a field 'H_cylces'; known are H_cycles"),
    "text": ({"H_cycles": "three"}, "H_cycles is 'three'; expected a whole number"),
    "truth": ({"H_cycles": True}, "H_cycles is True; expected a whole number"),
    "zero": ({"L_cycles": 0}, "L_cycles is 0; expected a whole number"),
    "encoding": ({"pos_encodings": "rope2d"}, "expected none, rope or learned"),
    "not a number": ({"rms_norm_eps": float("nan")}, "rms_norm_eps is nan; expected a number above 0"),
    "vast": ({"H_cycles": 16**5000}, "H_cycles is larger than 64 bits"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_fields_that_contradict_the_tensors_or_mean_nothing_are_named(case: str, tmp_path: Path) -> None:
    changes, sentence = CONTRADICTIONS[case]
    write(tmp_path / "model.pt", bare("trm_mlp"))
    with pytest.raises(tts.CheckpointError, match=sentence) as caught:
        tts.load(tmp_path, config=fields("trm_mlp") | changes)
    assert_one_sentence(caught.value)


def test_a_small_number_without_a_point_is_no_text(tmp_path: Path) -> None:
    write(tmp_path / "model.pt", bare("trm_mlp"))
    (tmp_path / "config.yaml").write_text("{H_cycles: 3, L_cycles: 6, rms_norm_eps: 1e-6}")
    assert tts.load(tmp_path).config.rms_norm_eps == 1e-6


# tables of puzzle identifiers


def with_table(rows: int, width: int, prefix: int) -> dict[str, Tensor]:
    """The weights of the attention model with another table."""
    table = torch.arange(rows * width, dtype=torch.float32).reshape(rows, width) / (rows * width)
    weights = {name: value for name, value in bare("trm_att").items() if name != "puzzle_emb.weights"}
    return weights | ({"puzzle_emb.weights": table} if prefix else {})


@pytest.mark.parametrize(("width", "prefix"), [(64, 1), (48, 1), (100, 2), (1000, 16), (64, 16), (0, 0)])
@pytest.mark.parametrize("file", ["step_7", "model.safetensors"])
def test_tables_of_any_width_load_and_fill_the_prefix(width: int, prefix: int, file: str, tmp_path: Path) -> None:
    weights = with_table(5, width, prefix)
    write(tmp_path / file, weights)
    model = tts.load(tmp_path, config=fields("trm_att") | {"seq_len": 100, "puzzle_emb_len": prefix})
    assert (model.config.puzzle_emb_ndim, model.config.prefix) == (width, prefix)
    encoded = model.encode(torch.ones(2, 100, dtype=torch.long), torch.tensor([3, 0]))
    assert encoded.shape == (2, 100 + prefix, 64)
    if prefix:
        rows = encoded[:, :prefix].flatten(1) / 8
        torch.testing.assert_close(rows[:, :width], weights["puzzle_emb.weights"][[3, 0]])
        assert not rows[:, width:].any()


@pytest.mark.parametrize("file", ["step_7", "model.safetensors"])
def test_a_mapped_table_gives_the_same_rows_in_every_dtype(file: str, tmp_path: Path, device: str) -> None:
    write(tmp_path / file, with_table(50, 100, 2))
    config = fields("trm_att") | {"seq_len": 100, "puzzle_emb_len": 2}
    tokens, ids = torch.ones(3, 100, dtype=torch.long, device=device), torch.tensor([49, 0, 7], device=device)
    for dtype in (torch.float32, torch.bfloat16):
        copied = tts.load(tmp_path, config=config, dtype=dtype, device=device)
        mapped = load_file(tmp_path / file, config=config, dtype=dtype, device=device, mapped_from=1000)
        assert mapped.puzzle_emb.mapped
        assert mapped.puzzle_emb.weights.dtype == torch.float32
        assert mapped.puzzle_emb.weights.device.type == "cpu"
        assert {p.dtype for n, p in mapped.named_parameters() if n != "puzzle_emb.weights"} == {dtype}
        assert torch.equal(mapped.encode(tokens, ids), copied.encode(tokens, ids))


def test_a_mapped_table_saves_and_loads(tmp_path: Path) -> None:
    weights = with_table(50, 100, 2)
    write(tmp_path / "step_7", weights)
    model = load_file(
        tmp_path / "step_7", config=fields("trm_att") | {"seq_len": 100, "puzzle_emb_len": 2}, mapped_from=1000
    )
    tts.save(model, tmp_path / "ours.safetensors")
    again = load_file(tmp_path / "ours.safetensors", mapped_from=1000)
    assert again.puzzle_emb.mapped
    assert_same(again, weights)


def test_small_weights_outlive_the_file(tmp_path: Path) -> None:
    weights = bare("trm_mlp")
    path = write(tmp_path / "model.pt", weights)
    model = tts.load(path, config=fields("trm_mlp"))
    path.write_bytes(bytes(path.stat().st_size))
    assert_same(model, weights)


def test_an_identifier_beyond_the_table_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "step_7", with_table(5, 100, 2))
    config = fields("trm_att") | {"seq_len": 100, "puzzle_emb_len": 2}
    model = load_file(tmp_path / "step_7", config=config, mapped_from=1000)
    with pytest.raises(IndexError):
        model.encode(torch.ones(1, 100, dtype=torch.long), torch.tensor([5]))


def sparse_safetensors(path: Path, weights: dict[str, Tensor], rows: int, width: int) -> None:
    """A file with a table of zeros that takes no room on the disk."""
    write(path, {name: value for name, value in weights.items() if name != "puzzle_emb.weights"})
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    end = len(whole) - 8 - length
    header["puzzle_emb.weights"] = {
        "dtype": "F32", "shape": [rows, width], "data_offsets": [end, end + 4 * rows * width]
    }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length :])
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + end + 4 * rows * width)


def sparse_torch(path: Path, weights: dict[str, Tensor], rows: int, width: int) -> None:
    """The same in torch's format: saved without data and checksums, which leaves a hole; then the data of the rest."""
    smaller = {name: value for name, value in weights.items() if name != "puzzle_emb.weights"}
    torch.serialization.set_crc32_options(False)
    try:
        with torch.serialization.skip_data():
            torch.save(smaller | {"puzzle_emb.weights": torch.empty(rows, width)}, path)
    finally:
        torch.serialization.set_crc32_options(True)
    with zipfile.ZipFile(path) as archive, path.open("r+b") as file:
        for number, value in enumerate(smaller.values()):
            file.seek(archive.getinfo(f"{path.stem}/data/{number}").header_offset + 26)
            name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
            file.seek(name + extra, 1)
            file.write(value.contiguous().numpy().tobytes())


PROBE = """
    import sys, torch, tts

    def resident(kind):
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(kind)) / 1024

    cycles = {"H_cycles": 1, "L_cycles": 1}
    config = cycles | {"num_heads": 4, "pos_encodings": "rope", "seq_len": 100, "puzzle_emb_len": 16}
    tts.load("sudoku-9x9")
    before = resident("VmHWM")
    model = tts.load(sys.argv[1], dtype=torch.bfloat16, config=config).to("cpu", torch.float64).float()
    rows = len(model.puzzle_emb.weights)
    model.encode(torch.ones(9, 100, dtype=torch.long), torch.linspace(0, rows - 1, 9).long())
    print(rows, resident("VmHWM") - before)
"""


@pytest.mark.parametrize("file", ["step_5", "model.safetensors"])
def test_a_table_of_two_gigabytes_is_not_read(file: str, tmp_path: Path) -> None:
    """Peak memory, while such a model is loaded, cast, moved and used, grows by far less than the table."""
    rows, width = 2**20, 512
    make = sparse_torch if file == "step_5" else sparse_safetensors
    make(tmp_path / file, bare("trm_att"), rows, width)
    assert (tmp_path / file).stat().st_size > 2**31
    command = [sys.executable, "-c", textwrap.dedent(PROBE), str(tmp_path / file)]
    n_rows, grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(n_rows) == rows
    assert float(grown) < 64, f"grew by {grown} MiB"


# folders

FOLDERS = {
    "newest step": (["step_9", "step_10000", "step_800"], "step_10000"),
    "newest step of Lightning": (
        ["epoch=1-step=90.ckpt", "epoch=9-step=1000.ckpt", "last.ckpt"],
        "epoch=9-step=1000.ckpt",
    ),
    "average at the same step": (["step_10", "step_10_ema", "step_9_ema"], "step_10_ema"),
    "average": (["model.pt", "model_ema.pt"], "model_ema.pt"),
    "usual name": (["model.pt", "model_old.pt", "optimizer.pt", "scheduler.pt"], "model.pt"),
    "safetensors": (["model.pt", "model.safetensors", "training_args.bin"], "model.safetensors"),
    "only subfolder": (["README.md", "checkpoints/step_5", "logs/a.txt"], "checkpoints/step_5"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_the_weights_of_a_folder(case: str) -> None:
    names, expected = FOLDERS[case]
    assert choose(names, "here") == choose(reversed(names), "here") == expected


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "holds no weights: expected step_N or a file that ends in .safetensors"),
        (["README.md", "optimizer.pt", "step_none"], "holds no weights"),
        (["a.pt", "b.pt"], "several files of weights: b.pt, a.pt; name the one to load"),
        (["arc/step_1", "maze/step_1"], "weights in arc, maze: name one of these folders"),
    ],
)
def test_a_folder_that_does_not_say_which(names: list[str], sentence: str) -> None:
    with pytest.raises(tts.CheckpointError, match=sentence):
        choose(names, "here")
