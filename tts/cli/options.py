"""What the commands share: options, the console, errors as sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from tts.errors import TTSError

CONSOLE = Console()

Model = Annotated[str, typer.Option(help="an embedded model's name, a checkpoint folder or file")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, ...; the GPU where there is one")]
Dtype = Annotated[str | None, typer.Option(help="float32 or bfloat16; bfloat16 where the device has it")]
Seed = Annotated[int, typer.Option(help="of all noise")]
Width = Annotated[int, typer.Option("--k", min=1, help="rollouts a puzzle")]
Depth = Annotated[int, typer.Option(min=1, help="supervision steps a rollout")]
Sigma = Annotated[float, typer.Option(min=0, help="standard deviation of the noise")]
Latents = Annotated[str, typer.Option(help="latents that are perturbed, such as y,z")]


class sentences:
    """Errors raised on purpose become one sentence on stderr and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, TTSError):
            fail(str(error))


def fail(sentence: str) -> NoReturn:
    typer.echo(f"tts: {sentence}", err=True)
    raise typer.Exit(2)


def model_of(source: str, device: str | None, dtype: str | None) -> Any:
    from tts.models import fast_dtype, load

    where, kind = place_of(device, dtype)
    return load(source, device=where, dtype=kind or fast_dtype(where))


def place_of(device: str | None, dtype: str | None) -> tuple[Any, Any]:
    """The torch.device, the default one unless given, and the torch.dtype, None unless given."""
    import torch

    from tts.models import default_device

    names = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if dtype is not None and dtype not in names:
        fail(f"--dtype {dtype} is not known; use float32 or bfloat16")
    try:
        where = torch.device(device) if device else default_device()
        torch.empty(0, device=where)
        return where, names[dtype] if dtype else None
    except (RuntimeError, AssertionError) as error:
        fail(f"--device {device} cannot be used here: {str(error).splitlines()[0]}")


def boards_of(text: str) -> list[Any]:
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


def size_of(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdigit() for side in sides):
        fail(f"--size {text} is no size; write a side such as 9, or HEIGHTxWIDTH such as 6x8")
    return int(sides[0]), int(sides[-1])
