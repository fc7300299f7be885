"""What the commands share: options, the console, errors as sentences."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from tts.errors import TTSError

CONSOLE = Console()

Model = Annotated[str, typer.Option(help="an embedded model's name, a checkpoint folder or file")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, ...; by default the GPU where there is one")]
Dtype = Annotated[str | None, typer.Option(help="float32 or bfloat16; by default bfloat16 where the device has it")]
Seed = Annotated[int, typer.Option(help="seed of all noise")]
Width = Annotated[int, typer.Option("--k", min=1, help="rollouts per puzzle")]
Depth = Annotated[int, typer.Option(min=1, help="supervision steps per rollout")]
Sigma = Annotated[float, typer.Option(min=0, help="standard deviation of the noise")]
Latents = Annotated[str, typer.Option(help="latents to perturb, such as y,z")]


class sentences:
    """A block whose errors raised on purpose become one sentence on stderr and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, TTSError):
            fail(str(error))


def fail(sentence: str) -> NoReturn:
    """Print a sentence on stderr and end with exit code 2."""
    typer.echo(f"tts: {sentence}", err=True)
    raise typer.Exit(2)


def model_of(source: str, device: str | None, dtype: str | None) -> Any:
    """Return the model that ``source`` names, on the device and in the dtype that the options say."""
    from tts.models import fast_dtype, load

    where, kind = place_of(device, dtype)
    return load(source, device=where, dtype=kind or fast_dtype(where))


def place_of(device: str | None, dtype: str | None) -> tuple[Any, Any]:
    """Return the torch.device, by default the fastest here, and the torch.dtype, None where it is not said."""
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
