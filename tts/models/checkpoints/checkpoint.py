"""load() and save(): models by embedded name, from folders and files of ours and of others, and from the hub.

No file runs code: pickles are read with ``weights_only=True`` and checked before, yaml with the safe loader.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from tts._util.files import write_atomic
from tts.errors import CheckpointError, PuzzleError, first_line
from tts.interfaces import Codec
from tts.models.checkpoints.folders import weights_in
from tts.models.checkpoints.official import MODELS, SUDOKU_VOCAB, model_of, model_weights
from tts.models.checkpoints.settings import Fields, fields_beside, fields_in, overrides
from tts.models.checkpoints.weights import Weights, read_weights
from tts.models.recursion import RecursionConfig, TwoLatentModel, plain_codec
from tts.puzzles import MixedCodec, VarietyCodec

HUB = "hf://"
SUDOKU_SIDE = 9
MAZE_VOCAB, MAZE_SIDE = 6, 30  # of the official Maze-Hard data
MAPPED = 2**26
"""Bytes from which a table of puzzle identifiers stays in the file, of which only the rows in use are read."""
TABLE = "puzzle_emb.weights"


def embedded() -> dict[str, Path]:
    """Return the files of the models that come with the package, by name."""
    folder = Path(str(resources.files("tts.models"))) / "embedded"
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
        source: an embedded model's name; a file of weights (safetensors, or written by torch.save: ``step_N``, ``.pt``,
            ``.pth``, ``.bin``, ``.ckpt``); a folder of them (the newest step, or the only file); ``hf://owner/name``,
            ``hf://owner/name@revision/path`` on the hub. A configuration (``all_config.yaml``, ``config.yaml``,
            ``config.json``, ``.hydra/config.yaml``, ``hparams.yaml``) is looked for beside the file and one folder up.
        device: the CPU by default.
        dtype: what the weights are cast to, once; float32 by default. A table of puzzle identifiers of 64 MiB or more
            stays in the file, on the CPU: the rows in use are read, moved and cast with each call.
        codec: what the tokens mean. By default it is what the file says; for others' checkpoints the sizes tell sudoku
            and Maze-Hard, and other models take and give plain tokens.
        config: fields of the configuration, by their official names, that the configuration lacks or has wrong.

    Raises:
        CheckpointError: the source is missing, is not a checkpoint that can be read, or lacks a field that its tensors
            do not tell.
    """
    return load_file(_file_of(source), device=device, dtype=dtype, codec=codec, config=config)


def load_file(
    path: Path,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    codec: Codec | None = None,
    config: Mapping[str, Any] | None = None,
    mapped_from: int = MAPPED,
) -> TwoLatentModel:
    """Load a model from a file of weights, as ``load`` does.

    Args:
        mapped_from: bytes from which a table of puzzle identifiers stays in the file.
    """
    weights = read_weights(path)
    if weights.notes.get("format") == "tts":
        kind, parameters, settings, codec = _read_ours(weights, overrides(config), codec, path)
    else:
        parameters = model_weights(weights.tensors, str(path))
        stated = {**fields_in(weights.plain, str(path)), **fields_beside(path), **overrides(config)}
        kind, settings = model_of(parameters, stated, str(path))
    model = _with_weights(kind, settings, codec or _usual_codec(settings), parameters, path, mapped_from)
    return model.to(device=device, dtype=dtype or torch.float32).eval().requires_grad_(False)


def save(model: TwoLatentModel, path: str | os.PathLike[str], *, notes: Mapping[str, str] | None = None) -> None:
    """Write weights, configuration and codec to one safetensors file, whole or not at all.

    Args:
        notes: text to keep in the file's metadata, such as how the model was trained.
    """
    header = {"format": "tts", "model": type(model).__name__, "config": json.dumps(attrs.asdict(model.config))}
    if isinstance(model.codec, VarietyCodec | MixedCodec):
        header["codec"] = json.dumps(attrs.asdict(model.codec, filter=lambda field, _: field.init))
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    # not safetensors' save_file: its files are for their owner alone, whatever the umask
    write_atomic(Path(path), to_bytes(weights, {**(notes or {}), **header}))


def _file_of(source: str | os.PathLike[str]) -> Path:
    """Return the file of weights that a source stands for."""
    if str(source).startswith(HUB):
        from tts.models.checkpoints.hub import fetch  # an extra

        return fetch(str(source))
    path = embedded().get(str(source), Path(source))
    try:
        if path.is_file():
            return path
        if path.is_dir():
            return weights_in(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {first_line(error)}") from error
    names = ", ".join(embedded()) or "none"
    raise CheckpointError(
        f"no checkpoint at {path}: it is not a file, not a folder and not an embedded model ({names})"
    )


def _read_ours(
    weights: Weights, changes: Fields, codec: Codec | None, path: Path
) -> tuple[type[TwoLatentModel], dict[str, Tensor], RecursionConfig, Codec | None]:
    notes = weights.notes
    try:
        stated = fields_in(json.loads(notes["config"]), f"{path}, in its metadata,")
        kind, config = model_of(weights.tensors, {**stated, **changes}, str(path))
        if MODELS.get(notes["model"], (None,))[0] is not kind:
            raise ValueError(f"it says {notes['model']:.40}, but the tensors are those of a {kind.__name__}")
        if codec is None and "codec" in notes:
            codec = _saved_codec(json.loads(notes["codec"]), config)
    except (KeyError, TypeError, ValueError, RecursionError, PuzzleError) as error:
        raise CheckpointError(f"{path} has metadata that cannot be used: {first_line(error)}") from error
    return kind, weights.tensors, config, codec


def _with_weights(
    kind: type[TwoLatentModel],
    config: RecursionConfig,
    codec: Codec,
    weights: Mapping[str, Tensor],
    path: Path,
    mapped_from: int,
) -> TwoLatentModel:
    """Return the model with these weights; the file may say anything, so shapes are compared before memory is taken."""
    with torch.device("meta"):
        model = kind(config, codec)
    expected = {name: value.shape for name, value in model.state_dict().items()}
    if missing := sorted(expected.keys() - weights.keys()):
        raise CheckpointError(f"{path} lacks weights of this {kind.__name__}: {_some(missing)}")
    if unknown := sorted(weights.keys() - expected.keys()):
        raise CheckpointError(f"{path} has weights that this {kind.__name__} does not: {_some(unknown)}")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise CheckpointError(
                f"{path}: {name} has shape {list(weights[name].shape)}, but the configuration asks for {list(shape)}"
            )
        if not weights[name].is_floating_point():
            raise CheckpointError(f"{path}: {name} is {weights[name].dtype}; only floating-point weights can be used")
    if sum(weights[name].nbytes for name in expected) > path.stat().st_size:
        raise CheckpointError(f"{path} has fewer bytes than its tensors say: several of them share the same numbers")
    mapped = {TABLE} if TABLE in expected and weights[TABLE].nbytes >= mapped_from else set()
    values = {name: weights[name] if name in mapped else _copied(name, weights[name], path) for name in expected}
    model.load_state_dict(values, assign=True)
    if config.puzzle_emb_ndim:
        model.puzzle_emb.mapped = TABLE in mapped
    return model


def _copied(name: str, weight: Tensor, path: Path) -> Tensor:
    """Return a copy in memory, so that the file may go away."""
    if not weight.isfinite().all():
        raise CheckpointError(f"{path}: {name} has numbers that are not finite; the file is damaged or training failed")
    return weight.clone()


def _saved_codec(fields: Mapping[str, Any], config: RecursionConfig) -> Codec:
    """Return the codec that ``save`` has written."""
    if fields["height"] * fields["width"] != config.seq_len:
        raise ValueError(f"a board of {fields['height']} x {fields['width']}, but {config.seq_len} cells a sequence")
    if "varieties" in fields:
        return MixedCodec(**fields)
    return VarietyCodec(**{**fields, "box": fields["box"] and tuple(fields["box"])})


def _usual_codec(config: RecursionConfig) -> Codec:
    """Return the codec that a model's sizes suggest."""
    if config.vocab_size == SUDOKU_VOCAB and config.seq_len == SUDOKU_SIDE**2:
        return VarietyCodec("sudoku", SUDOKU_SIDE, SUDOKU_SIDE)
    if config.vocab_size == MAZE_VOCAB and config.seq_len == MAZE_SIDE**2:
        return VarietyCodec("maze", MAZE_SIDE, MAZE_SIDE)
    return plain_codec(config)


def _some(names: list[str]) -> str:
    return ", ".join(f"{name:.80}" for name in names[:3]) + (", ..." if len(names) > 3 else "")
