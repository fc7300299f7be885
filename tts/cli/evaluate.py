"""tts evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tts.cli.options import CONSOLE, Depth, Device, Dtype, Seed, Width, fail, model_of, sentences

if TYPE_CHECKING:
    from tts import Store


def evaluate(
    model: Annotated[str, typer.Argument(help="an embedded model's name, a checkpoint folder or file")],
    data: Annotated[
        str, typer.Argument(help="a folder or file of puzzles, bundled:NAME, or ppbench:VARIETY or :VARIETY:SIDE")
    ],
    strategy: Annotated[str, typer.Option(help="as in Python")] = "GaussianNoise(0.5, latents=y+z)",
    selector: Annotated[str, typer.Option(help="as in Python")] = "QSelector()",
    stop: Annotated[str | None, typer.Option(help='as in Python, say "Verified() | Budget(640)"')] = None,
    k: Width = 32,
    depth: Depth = 16,
    seed: Seed = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="use the first so many puzzles")] = None,
    split: Annotated[str, typer.Option(help="of a folder that has several")] = "test",
    out: Annotated[
        Path | None, typer.Option(help="folder for rollouts and table; the same command continues there")
    ] = None,
    shard: Annotated[int, typer.Option(min=1, help="puzzles that are searched and kept together")] = 64,
    baseline: Annotated[bool, typer.Option(help="run the deterministic model, too")] = True,
    device: Device = None,
    dtype: Dtype = None,
    ray: Annotated[bool, typer.Option("--ray", help="on many workers; needs --out")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="with --ray; all there is room for")] = None,
    gpus_per_worker: Annotated[float | None, typer.Option(min=0, help="with --ray; 1 where there are GPUs")] = None,
) -> None:
    """Count the puzzles that a search solves, in a table. With --out it is kept, and continues after a kill."""
    if ray and out is None:
        fail("--ray needs a folder that all workers see: add --out FOLDER")
    if not ray and (workers, gpus_per_worker) != (None, None):
        fail("--workers and --gpus-per-worker go with --ray")
    with sentences():
        from tts import Search, Selector, Stop, Strategy
        from tts.cli.expressions import plugin
        from tts.datasets import named_dataset
        from tts.evaluation import evaluate as run

        noise, pick = plugin(strategy, Strategy), plugin(selector, Selector)  # type: ignore[type-abstract]
        rule = None if stop is None else plugin(stop, Stop)  # type: ignore[type-abstract]
        dataset = named_dataset(data, split)[:limit]
        search = Search(model_of(model, device, dtype), noise, pick, k=k, depth=depth, stop=rule)
        with _filling(ray, workers, gpus_per_worker) as fill:
            evaluation = run(search, dataset, seed=seed, out=out, shard=shard, baseline=baseline, fill=fill)
        CONSOLE.print(evaluation.rich())


@contextmanager
def _filling(ray: bool, workers: int | None, gpus_per_worker: float | None) -> Iterator[Callable[[Store, str], None]]:
    """Yield what runs the missing shards of a store: this process, or workers."""
    from tts import Store

    if not ray:
        yield Store.fill
        return
    from tts.runs.workers import connected, fill

    with connected():
        yield partial(fill, workers=workers, gpus_per_worker=gpus_per_worker)
