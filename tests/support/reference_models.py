"""Models and outputs of the official code, from tests/data."""

from pathlib import Path
from typing import Any

import attrs
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

from support.models import small_config
from tts.interfaces import TokenCodec
from tts.models import HRM, TRM, HRMConfig, TRMConfig, TwoLatentModel

DATA = Path(__file__).parents[1] / "data"
STEPS = 4


def small(**changes: Any) -> TRMConfig:
    """A TRM of a few thousand parameters: D 32, S = 2 + 16."""
    config = small_config(
        TokenCodec(4, 4, 7),
        num_puzzle_identifiers=3,
        hidden_size=32,
        H_cycles=2,
        L_cycles=3,
        L_layers=2,
        expansion=2.0,
        num_heads=4,
        puzzle_emb_ndim=48,
    )
    return attrs.evolve(config, **changes)


def small_hrm(**changes: Any) -> HRMConfig:
    """As ``small``, with a high-level network of one block."""
    fields = attrs.asdict(small())
    del fields["mlp_t"]
    return HRMConfig(**(fields | {"H_layers": 1} | changes))


def official(name: str) -> tuple[TwoLatentModel, dict[str, Tensor]]:
    """The model of a folder in tests/data and what the official code computed with it."""
    arch = yaml.safe_load((DATA / name / "all_config.yaml").read_text())["arch"]
    weights = torch.load(DATA / name / "step_1000", weights_only=True)
    weights = {key.removeprefix("_orig_mod.model.inner."): value for key, value in weights.items()}
    expected = load_file(DATA / name / "reference.safetensors")
    kind, config = (HRM, HRMConfig) if "hrm" in name else (TRM, TRMConfig)
    fields = {field.name: arch[field.name] for field in attrs.fields(config) if field.name in arch}
    fields["vocab_size"] = weights["lm_head.weight"].shape[0]
    fields["num_puzzle_identifiers"] = weights["puzzle_emb.weights"].shape[0]
    model = kind(config(seq_len=expected["inputs"].shape[1], **fields))
    model.load_state_dict(weights)
    return model, expected


def questions(model: TwoLatentModel, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random tokens [n, L] and identifiers [n]."""
    draw = torch.Generator().manual_seed(seed)
    config = model.config
    tokens = torch.randint(config.vocab_size, (n, config.seq_len), generator=draw)
    return tokens, torch.randint(config.num_puzzle_identifiers, (n,), generator=draw)
