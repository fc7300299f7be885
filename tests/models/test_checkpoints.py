"""load and save: official folders, our files, and every way in which a file can be wrong."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import tts
from tts.models import TRM, embedded
from tts.puzzles import VarietyCodec

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of an official checkpoint folder."""
    shutil.copytree(DATA / "trm_mlp", tmp_path / "trm", ignore=shutil.ignore_patterns("reference*"))
    return tmp_path / "trm"


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(folder / "step_1000", weights_only=True))


@pytest.mark.parametrize("name", ["trm_mlp", "hrm"])
def test_an_official_folder_loads_and_sizes_come_from_the_tensors(name: str) -> None:
    model = tts.load(DATA / name)
    assert type(model).__name__ == name[:3].upper()
    assert (model.config.seq_len, model.config.vocab_size, model.config.hidden_size) == (81, 11, 64)
    assert isinstance(model.codec, VarietyCodec)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not model.training


def test_attention_models_with_other_tokens_need_their_length(tmp_path: Path) -> None:
    with pytest.raises(tts.CheckpointError, match=r"config=\{'seq_len'.*81 for 9x9 sudoku, 900"):
        tts.load(DATA / "trm_att")
    model = tts.load(DATA / "trm_att", config={"seq_len": 100})
    assert (model.codec.height, model.codec.width, model.codec.vocab_size) == (10, 10, 12)
    assert model.codec.verifier is None


def test_the_newest_step_is_loaded_unless_one_is_named(folder: Path) -> None:
    newer = {name: value + 1 for name, value in weights_of(folder).items()}
    torch.save(newer, folder / "step_20000")
    old, new = tts.load(folder / "step_1000"), tts.load(folder)
    torch.testing.assert_close(new.H_init, old.H_init + 1)


def test_the_embedded_model_is_cast_once() -> None:
    model = tts.load("sudoku-9x9", dtype=torch.bfloat16)
    assert {value.dtype for value in model.state_dict().values()} == {torch.bfloat16}
    assert "sudoku-9x9" in embedded()


@pytest.mark.parametrize("source", ["trm_mlp", "trm_att", "hrm"])
def test_saving_and_loading_gives_the_same_model(source: str, tmp_path: Path) -> None:
    model = tts.load(DATA / source, config={"seq_len": 100} if source == "trm_att" else None)
    tts.save(model, tmp_path / "model.safetensors", notes={"source": "a test"})
    again = tts.load(tmp_path / "model.safetensors")
    assert type(again) is type(model)
    assert again.config == model.config
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    if isinstance(model.codec, VarietyCodec):
        assert again.codec == model.codec


def test_identifiers_without_a_table_are_kept_as_they_are_stated(tmp_path: Path) -> None:
    config = attrs.evolve(tts.load("sudoku-9x9").config, puzzle_emb_ndim=0, puzzle_emb_len=0, num_puzzle_identifiers=3)
    tts.save(TRM(config), tmp_path / "model.safetensors")
    assert tts.load(tmp_path / "model.safetensors").config == config


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    model = tts.load(DATA / "trm_mlp")
    tts.save(model, path)
    before = path.read_bytes()

    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode
    plain.unlink()

    def broken(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(OSError, match="disk full"):
        tts.save(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


class Bomb:
    """A pickle that would run a command."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.trace}",)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(folder: Path, tmp_path: Path) -> None:
    torch.save({**weights_of(folder), "bomb": Bomb(tmp_path / "ran")}, folder / "step_1000")
    with pytest.raises(tts.CheckpointError, match="could run code"):
        tts.load(folder)
    assert not (tmp_path / "ran").exists()


def no_steps(folder: Path) -> None:
    (folder / "step_1000").unlink()


def no_yaml(folder: Path) -> None:
    (folder / "all_config.yaml").unlink()


def hostile_yaml(folder: Path) -> None:
    (folder / "all_config.yaml").write_text("arch: !!python/object/apply:os.system ['true']")


def yaml_without_arch(folder: Path) -> None:
    (folder / "all_config.yaml").write_text("seed: 0")


def edited(field: str, value: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "all_config.yaml"
        whole = yaml.safe_load(path.read_text())
        if value is None:
            del whole["arch"][field]
        else:
            whole["arch"][field] = value
        path.write_text(yaml.safe_dump(whole))

    return edit


def truncated(folder: Path) -> None:
    path = folder / "step_1000"
    path.write_bytes(path.read_bytes()[:5000])


def missing_key(folder: Path) -> None:
    weights = weights_of(folder)
    del weights["_orig_mod.model.inner.lm_head.weight"]
    torch.save(weights, folder / "step_1000")


def extra_key(folder: Path) -> None:
    torch.save({**weights_of(folder), "_orig_mod.model.inner.surprise": torch.zeros(1)}, folder / "step_1000")


def other_model(folder: Path) -> None:
    torch.save({"layer.weight": torch.zeros(2, 2)}, folder / "step_1000")


def no_state_dict(folder: Path) -> None:
    torch.save([1, 2, 3], folder / "step_1000")


WRONG = {
    "no_steps": (no_steps, "holds no weights: expected step_N"),
    "no_yaml": (no_yaml, "nor a configuration beside it tell H_cycles, L_cycles: pass config="),
    "hostile_yaml": (hostile_yaml, "is not readable yaml"),
    "yaml_without_arch": (yaml_without_arch, "nor a configuration beside it tell H_cycles, L_cycles"),
    "no_cycles": (edited("H_cycles", None), "H_cycles"),
    "wrong_width": (edited("expansion", 8), r"256 for width 64; 512 for width 97\) are not those of expansion 8"),
    "not_a_number": (edited("hidden_size", "wide"), "all_config.yaml does not describe the model"),
    "truncated": (truncated, "damaged or not a torch checkpoint"),
    "missing_key": (missing_key, r"lacks weights of this TRM: lm_head.weight"),
    "extra_key": (extra_key, "surprise"),
    "other_model": (other_model, r"is not a TRM or HRM.*layer.weight"),
    "no_state_dict": (no_state_dict, "holds no state_dict"),
}


@pytest.mark.parametrize(("harm", "sentence"), WRONG.values(), ids=WRONG)
def test_each_fault_of_a_folder_is_one_clear_sentence(
    harm: Callable[[Path], None], sentence: str, folder: Path
) -> None:
    harm(folder)
    with pytest.raises(tts.CheckpointError, match=sentence) as caught:
        tts.load(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_safetensors_file_of_other_tensors_is_no_model(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(
        tts.CheckpointError, match=r"is not a TRM or HRM: it has no embed_tokens\.embedding_weight, but x, \.\.\."
    ):
        tts.load(tmp_path / "a.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "b.safetensors", {"format": "tts", "model": "TRM", "config": "{}"})
    with pytest.raises(tts.CheckpointError, match=r"embed_tokens\.embedding_weight is missing"):
        tts.load(tmp_path / "b.safetensors")


CODEC = {"variety": "sudoku", "height": 9, "width": 9, "box": [3, 3], "vocab_size": 11}
OURS = {
    "no configuration": ("config", None, "metadata that cannot be used: 'config'"),
    "no JSON": ("config", "{", "metadata that cannot be used"),
    "nested without end": ("config", "[" * 100_000, "metadata that cannot be used"),
    "another width": ("config", {"hidden_size": 2**30}, "hidden_size 64, but its configuration says 1073741824"),
    "another type": ("config", {"H_cycles": [1]}, "H_cycles is a list"),
    "another model": ("model", "HRM", "it says HRM, but the tensors are those of a TRM"),
    "unknown model": ("model", "GPT", "it says GPT"),
    "a codec of no variety": ("codec", {**CODEC, "variety": "chess"}, "metadata that cannot be used: .*'chess'"),
    "a codec of no kind": ("codec", [1], "metadata that cannot be used"),
    "a vast board": ("codec", {**CODEC, "width": 10**9}, "but 81 cells a sequence"),
}


@pytest.mark.parametrize("case", OURS)
def test_each_fault_of_a_file_of_ours_is_one_clear_sentence(case: str, tmp_path: Path) -> None:
    key, value, sentence = OURS[case]
    path = tmp_path / "model.safetensors"
    tts.save(tts.load(DATA / "trm_mlp"), path)
    with safe_open(path, "pt") as file:
        notes = file.metadata()
    if key == "config" and isinstance(value, dict):
        value = {**json.loads(notes["config"]), **value}
    changed = {**notes, key: value if isinstance(value, str) else json.dumps(value)}
    save_file(load_file(path), path, changed if value is not None else {k: v for k, v in notes.items() if k != key})
    with pytest.raises(tts.CheckpointError, match=sentence) as caught:
        tts.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_nothing_at_a_path_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(tts.CheckpointError, match=r"no checkpoint at .* not an embedded model \(.*sudoku-9x9"):
        tts.load(tmp_path / "nothing")


def test_loading_the_embedded_model_is_quick_and_imports_no_extra() -> None:
    """Under a second, in a fresh process, once torch and the package are imported."""
    code = (
        "import sys, time, tts; start = time.perf_counter(); tts.load('sudoku-9x9'); "
        "print(time.perf_counter() - start, 'huggingface_hub' in sys.modules, 'pyarrow' in sys.modules)"
    )
    seconds, *imported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout.split()
    assert float(seconds) < 1
    assert imported == ["False", "False"]
