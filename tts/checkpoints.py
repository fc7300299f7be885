"""load(): a model from an embedded name, a folder as the official code leaves it, or a file of ours.

No file runs code: pickles are read with ``weights_only=True``, yaml with the safe loader.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import attrs
import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tts.codec import TokenCodec
from tts.errors import CheckpointError
from tts.hrm import HRM, HRMConfig
from tts.model import Codec
from tts.puzzles.codec import VarietyCodec
from tts.recursion import RecursionConfig, TwoLatentModel
from tts.trm import TRM, TRMConfig

SUDOKU_VOCAB, SUDOKU_SIDE = 11, 9  # of the official Sudoku-Extreme data
PREFIXES = ("_orig_mod.", "model.", "inner.")
MODELS: dict[str, tuple[type[TwoLatentModel], type[RecursionConfig]]] = {
    "TRM": (TRM, TRMConfig),
    "HRM": (HRM, HRMConfig),
}


def embedded() -> dict[str, Path]:
    """The models that come with the package, by name."""
    folder = Path(str(resources.files("tts"))) / "models"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def load(
    source: str | os.PathLike[str],
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    codec: Codec | None = None,
    config: Mapping[str, Any] | None = None,
) -> TwoLatentModel:
    """Load a TRM or an HRM, ready to be searched.

    Args:
        source: an embedded model's name; a folder with ``all_config.yaml`` and ``step_N`` as the official code saves
            them (the newest step), or one ``step_N`` file in such a folder; a safetensors file written by ``save``.
        device: the CPU by default.
        dtype: what the weights are cast to, once; float32 by default.
        codec: what the tokens mean. By default it is what the file says; for official checkpoints sudoku is recognised
            by its sizes, and other models take and give plain tokens.
        config: fields of an official configuration, by their official names, that the yaml lacks or has wrong; the
            length of a sequence, ``seq_len``, is one that attention models do not have in their tensors.

    Raises:
        CheckpointError: the source is missing, or is not a checkpoint that can be read.
    """
    path = embedded().get(str(source), Path(source))
    if path.is_dir():
        path = _newest_step(path)
    elif not path.is_file():
        names = ", ".join(embedded()) or "none"
        raise CheckpointError(f"no checkpoint at {path}: it is no file, no folder and no embedded model ({names})")
    model = _load_ours(path, codec) if path.suffix == ".safetensors" else _load_official(path, codec, config or {})
    return model.to(device=device, dtype=dtype or torch.float32).eval().requires_grad_(False)


def save(model: TwoLatentModel, path: str | os.PathLike[str], *, notes: Mapping[str, str] | None = None) -> None:
    """Write weights, configuration and codec to one safetensors file, whole or not at all.

    Args:
        notes: text to keep in the file's metadata, such as how the model was trained.
    """
    header = {"format": "tts", "model": type(model).__name__, "config": json.dumps(attrs.asdict(model.config))}
    if isinstance(model.codec, VarietyCodec):
        header["codec"] = json.dumps(attrs.asdict(model.codec, filter=lambda field, _: field.init))
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        save_file(weights, temporary, metadata={**(notes or {}), **header})
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _newest_step(folder: Path) -> Path:
    steps = {int(m[1]): p for p in folder.iterdir() if (m := re.fullmatch(r"step_(\d+)", p.name))}
    if not steps:
        raise CheckpointError(f"{folder} holds no step_N file; name the weights' file itself, or another folder")
    return steps[max(steps)]


def _load_ours(path: Path, codec: Codec | None) -> TwoLatentModel:
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no readable safetensors file: {_first_line(error)}") from error
    if header.get("format") != "tts" or header.get("model") not in MODELS:
        raise CheckpointError(
            f"{path} was not written by tts.save: its metadata names no model; load its folder instead"
        )
    kind, config_type = MODELS[header["model"]]
    try:
        config = config_type(**json.loads(header["config"]))
        if codec is None and "codec" in header:
            fields = json.loads(header["codec"])
            codec = VarietyCodec(**{**fields, "box": fields["box"] and tuple(fields["box"])})
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has metadata that cannot be used: {_first_line(error)}") from error
    return _filled(kind, config, codec, weights, path)


def _load_official(path: Path, codec: Codec | None, overrides: Mapping[str, Any]) -> TwoLatentModel:
    weights = _plain_keys(_read_pickle(path), path)
    arch = {**_read_arch(path.parent / "all_config.yaml"), **overrides}
    hrm = any(name.startswith("H_level.") for name in weights)
    kind, config_type = MODELS["HRM" if hrm else "TRM"]
    known = {field.name for field in attrs.fields(config_type)}
    try:
        config = config_type(**{n: v for n, v in arch.items() if n in known} | _sizes(weights, arch, path))
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path.parent / 'all_config.yaml'} does not describe the model: {_first_line(error)}"
        ) from error
    return _filled(kind, config, codec, weights, path)


def _filled(
    kind: type[TwoLatentModel], config: RecursionConfig, codec: Codec | None, weights: dict[str, Tensor], path: Path
) -> TwoLatentModel:
    model = kind(config, codec or _codec(config))
    expected = {name: value.shape for name, value in model.state_dict().items()}
    if missing := sorted(expected.keys() - weights.keys()):
        raise CheckpointError(f"{path} lacks weights of this {kind.__name__}: {', '.join(missing[:3])}, ...")
    if unknown := sorted(weights.keys() - expected.keys()):
        raise CheckpointError(f"{path} has weights that this {kind.__name__} does not: {', '.join(unknown[:3])}, ...")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise CheckpointError(
                f"{path}: {name} has shape {list(weights[name].shape)}, but the configuration asks for {list(shape)}"
            )
    model.load_state_dict(weights)
    return model


def _read_pickle(path: Path) -> Mapping[str, Any]:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, and reading that could run code: save its state_dict alone "
            "with torch.save, or convert it to safetensors"
        ) from error
    except Exception as error:  # torch raises many kinds for damaged files
        raise CheckpointError(f"{path} is damaged or no torch checkpoint: {_first_line(error)}") from error
    if not isinstance(weights, Mapping) or not all(isinstance(v, Tensor) for v in weights.values()):
        raise CheckpointError(f"{path} holds no state_dict: expected tensors by name")
    return weights


def _plain_keys(weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    plain = {}
    for name, value in weights.items():
        short = name
        for prefix in PREFIXES:
            short = short.removeprefix(prefix)
        plain[short] = value
    if "embed_tokens.embedding_weight" not in plain:
        some = ", ".join(list(weights)[:3])
        raise CheckpointError(f"{path} is no TRM or HRM: it has no embed_tokens.embedding_weight, but {some}, ...")
    return plain


def _read_arch(path: Path) -> dict[str, Any]:
    try:
        whole = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path} is missing: it says the cycles, heads and position encoding of the model"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise CheckpointError(f"{path} is no readable yaml: {_first_line(error)}") from error
    arch = whole.get("arch") if isinstance(whole, dict) else None
    if not isinstance(arch, dict):
        raise CheckpointError(f"{path} has no section 'arch': expected the official all_config.yaml")
    return arch


def _sizes(weights: Mapping[str, Tensor], arch: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The sizes that the official yaml leaves to the data set, read from the tensors."""
    vocab_size, hidden = weights["embed_tokens.embedding_weight"].shape
    identifiers = weights.get("puzzle_emb.weights")
    prefix = int(arch.get("puzzle_emb_len") or 0) or -(int(arch.get("puzzle_emb_ndim") or 0) // -hidden)
    if "embed_pos.embedding_weight" in weights:
        positions = len(weights["embed_pos.embedding_weight"])
    elif (mixer := weights.get("L_level.layers.0.mlp_t.down_proj.weight")) is not None:
        positions = len(mixer)
    elif "seq_len" in arch:
        positions = prefix + int(arch["seq_len"])
    elif vocab_size == SUDOKU_VOCAB:
        positions = prefix + SUDOKU_SIDE**2
    else:
        raise CheckpointError(
            f"{path} does not tell how long its sequences are: pass config={{'seq_len': ...}} "
            "(81 for 9x9 sudoku, 900 for ARC and 30x30 mazes)"
        )
    return {
        "vocab_size": vocab_size,
        "num_puzzle_identifiers": 0 if identifiers is None else len(identifiers),
        "seq_len": positions - prefix,
    }


def _codec(config: RecursionConfig) -> Codec:
    """The codec that a model's sizes suggest."""
    if config.vocab_size == SUDOKU_VOCAB and config.seq_len == SUDOKU_SIDE**2:
        return VarietyCodec("sudoku", SUDOKU_SIDE, SUDOKU_SIDE)
    side = math.isqrt(config.seq_len)
    height = side if side * side == config.seq_len else 1
    return TokenCodec(height, config.seq_len // height, config.vocab_size)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
