"""tts report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tts.cli.options import CONSOLE, Depth, Device, Dtype, Seed, Width, model_of, sentences


def report(
    source: Annotated[
        str,
        typer.Argument(help="a run, evaluation or ablation folder, a comparison's CSV; with --data a model"),
    ],
    out: Annotated[Path, typer.Option(help="the page")] = Path("report.html"),
    puzzles: Annotated[int, typer.Option(min=0, help="in the player, failures and late successes first")] = 12,
    rollouts: Annotated[int, typer.Option(min=1, help="of each puzzle in the player")] = 16,
    title: Annotated[str, typer.Option(help="of the page")] = "",
    data: Annotated[
        str | None, typer.Option(help="search these puzzles now and record every step; named as for tts evaluate")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="with --data: search the first so many puzzles")] = 32,
    strategy: Annotated[str, typer.Option(help="with --data, as in Python")] = "GaussianNoise(0.5, latents=y+z)",
    selector: Annotated[str, typer.Option(help="with --data, as in Python")] = "QSelector()",
    k: Width = 16,
    depth: Depth = 16,
    seed: Seed = 0,
    split: Annotated[str, typer.Option(help="with --data: of a folder that has several")] = "test",
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """Write one HTML page, which needs no network: tables, curves, and a player of rollouts.

    Runs that were not searched with record=("answers", "q") show final answers in the player. With --data, SOURCE is a
    model: it searches now and every step is there.
    """
    with sentences():
        if data is None:
            from tts.report.folders import folder_page
            from tts.report.page import save

            save(folder_page(Path(source), puzzles, rollouts, title), out)
        else:
            from tts import Search, Selector, Strategy
            from tts.cli.expressions import plugin
            from tts.datasets import named_dataset
            from tts.report import write_report

            noise, pick = plugin(strategy, Strategy), plugin(selector, Selector)  # type: ignore[type-abstract]
            dataset = named_dataset(data, split)[:limit]
            model = model_of(source, device, dtype)
            dataset.check(model)
            search = Search(model, noise, pick, k=k, depth=depth, record=("answers", "q"))
            write_report(
                search(dataset.puzzles, ids=dataset.ids, seed=seed),
                out,
                labels=dataset.labels(model.codec) if dataset.labelled else None,
                ignore=dataset.ignore,
                search=search,
                puzzles=dataset.boards,
                shown=puzzles,
                rollouts=rollouts,
                title=title or f"{source} on {dataset.name}",
            )
        CONSOLE.print(f"written to {out}", markup=False, soft_wrap=True)
