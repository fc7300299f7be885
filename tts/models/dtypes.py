"""Where to run, and in which dtype."""

from __future__ import annotations

import torch

from tts.models.cpu_kernels import bfloat16_pays


def default_device() -> torch.device:
    """Return a GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def training_dtype(device: torch.device | str) -> torch.dtype:
    """Return bfloat16 on GPUs that have it and on CPUs where its products are the faster ones, else float32."""
    if torch.device(device).type != "cpu":
        return fast_dtype(device)
    return torch.bfloat16 if bfloat16_pays() else torch.float32


def fast_dtype(device: torch.device | str | None = None) -> torch.dtype:
    """Return bfloat16 where the device multiplies it in hardware, else float32."""
    kind = torch.device(device or default_device()).type
    has = torch.cuda.is_bf16_supported() if kind == "cuda" else torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if has else torch.float32
