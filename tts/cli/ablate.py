"""tts ablate."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from tts.cli.options import CONSOLE, Depth, Device, Dtype, Latents, Model, Sigma, Width, fail, model_of, sentences

NAMES = ("selectors", "sigma_latents", "width_depth", "strategies", "stop_rules", "q_calibration", "finalists")


def ablate(
    name: Annotated[str, typer.Argument(help=", ".join(NAMES))],
    out: Annotated[Path | None, typer.Option(help="folder, by default runs/NAME; the same call resumes")] = None,
    model: Model = "sudoku-9x9",
    data: Annotated[str, typer.Option(help="bundled:NAME, or a file or folder of puzzles")] = "bundled:hard",
    puzzles: Annotated[int, typer.Option(min=1, help="the first so many")] = 200,
    k: Width = 16,
    depth: Depth = 16,
    seeds: Annotated[int, typer.Option(min=1, help="how many, from 0")] = 1,
    sigma: Sigma = 0.5,
    latents: Latents = "y,z",
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """Compare selectors, noise, width with depth, strategies or stop rules; write tables and pictures. Resumes."""
    if name not in NAMES:
        fail(f"there is no ablation {name}; choose one of {', '.join(NAMES)}")
    with sentences():
        from tts import GaussianNoise
        from tts.ablations.ablation import Ablation
        from tts.datasets import named_dataset

        loaded, folder = model_of(model, device, dtype), out or Path("runs") / name
        kind = str(next(loaded.parameters()).dtype).removeprefix("torch.")
        options = {"out": folder, "model": model, "data": data, "puzzles": puzzles, "k": k, "depth": depth}
        options |= {"seeds": seeds, "sigma": sigma, "latents": latents, "dtype": kind}
        words = ["tts", "ablate", name, *(word for key, value in options.items() for word in (f"--{key}", f"{value}"))]
        ablation = Ablation.open(
            name,
            folder,
            loaded,
            named_dataset(data)[:puzzles],
            k=k,
            depth=depth,
            seeds=tuple(range(seeds)),
            noise=GaussianNoise(sigma, tuple(part.strip() for part in latents.split(","))),
            command=shlex.join(words),
        )
        comparison = import_module(f"tts.ablations.{name}").main(ablation)
    CONSOLE.print(comparison.rich())
    CONSOLE.print(f"written to {folder}")
