"""The ``tts`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from tts.errors import TTSError

app = typer.Typer(
    name="tts",
    help="Test-time search over recursive reasoning models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Model = Annotated[str, typer.Option(help="an embedded model's name, a checkpoint folder or file")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, ...; the GPU where there is one")]
Dtype = Annotated[str | None, typer.Option(help="float32 or bfloat16; bfloat16 where the device has it")]
Seed = Annotated[int, typer.Option(help="of all noise")]
Width = Annotated[int, typer.Option("--k", min=1, help="rollouts a puzzle")]
Depth = Annotated[int, typer.Option(min=1, help="supervision steps a rollout")]
Sigma = Annotated[float, typer.Option(min=0, help="standard deviation of the noise")]
Latents = Annotated[str, typer.Option(help="latents that are perturbed, such as y,z")]


@app.command()
def solve(
    puzzle: Annotated[str, typer.Argument(help="a puzzle as text, a puzz.link address, or a file with one a line")],
    model: Model = "sudoku-9x9",
    k: Width = 128,
    depth: Depth = 16,
    sigma: Sigma = 0.5,
    latents: Latents = "y,z",
    seed: Seed = 0,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """Solve puzzles. Ends with exit code 1 when an answer breaks the rules."""
    with _sentences():
        from tts import GaussianNoise, QSelector, Search, Verified, VerifierSelector
        from tts.solve import solve_all

        boards = _boards(puzzle)
        noise = GaussianNoise(sigma, tuple(name.strip() for name in latents.split(",")))
        pick = VerifierSelector().then(QSelector())
        search = Search(_model(model, device, dtype), noise, pick, k=k, depth=depth, stop=Verified())
        unsolved = solve_all(boards, search, seed, CONSOLE)
    raise typer.Exit(1 if unsolved else 0)


@app.command(context_settings={"ignore_unknown_options": True})  # answers begin with dashes
def verify(
    url: Annotated[str, typer.Argument(help="a puzzle as text or a puzz.link address")],
    grid: Annotated[str, typer.Argument(help="the answer, a character a cell, rows one after the other")],
) -> None:
    """Check an answer against the rules: names the broken ones and marks the cells. Exit code 1 when one is broken."""
    with _sentences():
        from tts.solve import verify_one

        valid = verify_one(url, grid, CONSOLE)
    raise typer.Exit(0 if valid else 1)


@app.command()
def demo(
    seed: Seed = 0,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """The main job: noisy rollouts lift a trained model on real puzzles."""
    with _sentences():
        from tts.demo import run

        run(_model("sudoku-9x9", device, dtype), seed, CONSOLE)


@app.command()
def generate(
    variety: Annotated[str, typer.Argument(help="sudoku, lightup, nurikabe, heyawake, tapa or shakashaka")],
    out: Annotated[Path, typer.Option(help="JSON lines; an existing file of the same kind is gone on with")],
    size: Annotated[str, typer.Option(help="side, or HEIGHTxWIDTH")] = "9",
    count: Annotated[int, typer.Option(min=1, help="puzzles in the file at the end")] = 100,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 1,
) -> None:
    """Generate puzzles with exactly one solution, one JSON line each. Resumes."""
    with _sentences():
        from tts.puzzles.generate import generate_file

        generate_file(variety, _size(size), count, out, seed, workers=workers)


CONSOLE = Console()


class _sentences:
    """Errors raised on purpose become one sentence on stderr and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, TTSError):
            _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"tts: {sentence}", err=True)
    raise typer.Exit(2)


def _model(source: str, device: str | None, dtype: str | None) -> Any:
    import torch

    from tts.checkpoints import load
    from tts.device import default_device, fast_dtype

    names = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if dtype is not None and dtype not in names:
        _fail(f"--dtype {dtype} is not known; use float32 or bfloat16")
    try:
        where = torch.device(device) if device else default_device()
        return load(source, device=where, dtype=names[dtype] if dtype else fast_dtype(where))
    except (RuntimeError, AssertionError) as error:
        if isinstance(error, TTSError):
            raise
        _fail(f"--device {device} cannot be used here: {str(error).splitlines()[0]}")


def _boards(text: str) -> list[Any]:
    from tts.errors import PuzzleError
    from tts.puzzles import parse

    path = Path(text)
    try:
        lines = path.read_text().splitlines() if len(text) < 4096 and path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise PuzzleError(f"{text} cannot be read as text: {error}") from error
    if lines is None:
        return [parse(text)]
    boards = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            try:
                boards.append(parse(line))
            except PuzzleError as error:
                raise PuzzleError(f"{text}, line {number}: {error}") from error
    if not boards:
        raise PuzzleError(f"{text} holds no puzzles: expected one a line")
    return boards


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdigit() for side in sides):
        _fail(f"--size {text} is no size; write a side such as 9, or HEIGHTxWIDTH such as 6x8")
    return int(sides[0]), int(sides[-1])
