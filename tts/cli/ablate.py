"""Ablations."""

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
    out: Annotated[Path | None, typer.Option(help="folder, by default runs/NAME; the same call goes on there")] = None,
    model: Model = "sudoku-9x9",
    data: Annotated[str, typer.Option(help="bundled puzzles by name, or a file or folder of puzzles")] = "hard",
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
        from tts.ablations.ablation import Ablation, data_of

        loaded, found, folder = model_of(model, device, dtype), data_of(data)[:puzzles], out or Path("runs") / name
        kind = str(next(loaded.parameters()).dtype).removeprefix("torch.")
        given = {"out": folder, "model": model, "data": data, "puzzles": puzzles, "k": k, "depth": depth}
        given |= {"seeds": seeds, "sigma": sigma, "latents": latents, "dtype": kind}
        words = ["tts", "ablate", name, *(word for key, value in given.items() for word in (f"--{key}", f"{value}"))]
        ablation = Ablation.open(
            name,
            folder,
            loaded,
            found,
            k=k,
            depth=depth,
            seeds=tuple(range(seeds)),
            noise=GaussianNoise(sigma, tuple(part.strip() for part in latents.split(","))),
            command=shlex.join(words),
        )
        comparison = import_module(f"tts.ablations.{name}").main(ablation)
    CONSOLE.print(comparison.rich())
    CONSOLE.print(f"written to {folder}")
