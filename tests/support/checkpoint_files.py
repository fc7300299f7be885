"""Checkpoints in the layouts that others publish, made from the official ones in tests/data."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

DATA = Path(__file__).parents[1] / "data"
PREFIX = "_orig_mod.model.inner."
NESTINGS = (
    "", "model.", "inner.", "module.", "_orig_mod.", "model.inner.", "_orig_mod.model.inner.", "module.model.inner.",
    "_orig_mod.module.model.inner.", "module._orig_mod.inner.", "net.",
)  # fmt: skip
FORMATS = ("step_1000", "model.pt", "model.pth", "pytorch_model.bin", "last.ckpt", "model.safetensors")
WRAPPINGS = ("model", "state_dict", "model_state_dict", "module", "ema", "ema_state_dict")


def bare(name: str) -> dict[str, Tensor]:
    """The weights of an official checkpoint under their bare names."""
    weights = torch.load(DATA / name / "step_1000", weights_only=True)
    return {key.removeprefix(PREFIX): value for key, value in weights.items()}


def arch(name: str) -> dict[str, Any]:
    """The model's part of an official configuration."""
    return dict(yaml.safe_load((DATA / name / "all_config.yaml").read_text())["arch"])


def nested(weights: Mapping[str, Tensor], prefix: str) -> OrderedDict[str, Tensor]:
    return OrderedDict((prefix + key, value) for key, value in weights.items())


def write(path: Path, weights: Mapping[str, Tensor]) -> Path:
    """In the format that the file's name tells: Lightning's dictionary for .ckpt, a bare state_dict for the others."""
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in weights.items()}, path)
    elif path.suffix == ".ckpt":
        torch.save(lightning(weights), path)
    else:
        torch.save(OrderedDict(weights), path)
    return path


def lightning(weights: Mapping[str, Tensor], **more: object) -> dict[str, object]:
    """What Lightning's Trainer keeps beside the weights, an optimizer with momenta of every parameter among it."""
    momenta = {i: {"step": torch.tensor(3.0), "exp_avg": value.clone()} for i, value in enumerate(weights.values())}
    return {
        "epoch": 3,
        "global_step": 1000,
        "pytorch-lightning_version": "2.5.1",
        "state_dict": OrderedDict(weights),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4, "completed": 3}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5), "last": "a.ckpt"}},
        "optimizer_states": [
            {"state": momenta, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.95), "params": [0, 1]}]}
        ],
        "lr_schedulers": [],
        **more,
    }
