"""tts train."""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from tts.cli.options import CONSOLE, Device, fail, place_of, sentences


def train(
    preset: Annotated[
        str, typer.Option(help="sudoku-6x6, sudoku-9x9-hard, sudoku-9x9-deep, pencil-6x6 or pencil-10x10")
    ],
    minutes: Annotated[float | None, typer.Option(min=0, help="of training, resumed runs added up")] = None,
    updates: Annotated[int | None, typer.Option(min=1, help="the run's end in updates, in place of minutes")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the run; runs/PRESET unless given")] = None,
    resume: Annotated[bool, typer.Option(help="continue the run in that folder")] = False,
    data: Annotated[Path | None, typer.Option(help="folder of the training puzzles; OUT/data unless given")] = None,
    start: Annotated[str | None, typer.Option(help="a model whose weights to begin with, embedded or a file")] = None,
    lr: Annotated[float | None, typer.Option(help="learning rate; the preset's unless given")] = None,
    early_depth: Annotated[int | None, typer.Option(min=1, help="most steps at first; else the preset's")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="of weights and examples; the preset's unless given")
    ] = None,
    evaluate_every: Annotated[float, typer.Option(min=0, help="minutes between evaluations on held-out puzzles")] = 2.0,
    compiled: Annotated[
        bool, typer.Option("--compile/--no-compile", help="compile the networks: pays after some minutes")
    ] = False,
    device: Device = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16; bfloat16 where it pays")] = None,
) -> None:
    """Train a model on generated puzzles and test it on bundled ones. Ctrl-C or SIGTERM saves; --resume continues."""
    with sentences():
        from tts.models import training_dtype
        from tts.training import PRESETS, Schedule
        from tts.training import train as run

        if preset not in PRESETS:
            fail(f"--preset {preset} is not known; use {', '.join(PRESETS)}")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _keep_freed_memory()
        folder = out or Path("runs") / preset
        where, kind = place_of(device, dtype)
        options: dict[str, Any] = {"lr": lr, "early_depth": early_depth, "seed": seed}
        changes = {name: value for name, value in options.items() if value is not None}
        settings = attrs.evolve(PRESETS[preset].settings, **changes)
        schedule = Schedule(minutes=minutes, updates=updates, evaluate_every=evaluate_every)
        try:
            solved = run(
                PRESETS[preset],
                folder,
                schedule,
                resume=resume,
                data=data,
                compiled=compiled,
                device=where,
                dtype=kind or training_dtype(where),
                settings=settings,
                start=start,
            )
        except KeyboardInterrupt:
            CONSOLE.print(f"stopped; the run is kept in {folder}, --resume continues")
            raise typer.Exit(130) from None
        for name, share in solved.items():
            CONSOLE.print(f"test puzzles, {name}: {100 * share:.1f} % solved in one rollout")
        CONSOLE.print(f"tts.load({str(folder / 'model.safetensors')!r})", markup=False, soft_wrap=True)


def _keep_freed_memory() -> None:
    """Ask glibc to keep freed memory for the next update instead of handing it back; elsewhere do nothing."""
    try:
        change = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    trim, pad, mmap = -1, -2, -3
    for parameter, value in ((mmap, 2**30), (trim, 2**31 - 1), (pad, 2**26)):
        change(parameter, value)
