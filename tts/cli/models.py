"""tts models."""

from __future__ import annotations

from tts.cli.options import CONSOLE, sentences


def models() -> None:
    """List the embedded models."""
    with sentences():
        from rich.table import Table

        from tts.models import embedded, load

        table = Table("model", "parameters", "board", "varieties", "cycles H, L")
        for name in embedded():
            model = load(name)
            codec, config = model.codec, model.config
            varieties = getattr(codec, "varieties", None) or (getattr(codec, "variety", "tokens"),)
            count = sum(value.numel() for value in model.parameters())
            cycles = f"{config.H_cycles}, {config.L_cycles}"
            table.add_row(name, f"{count / 1e6:.2f} M", f"{codec.height}x{codec.width}", ", ".join(varieties), cycles)
        CONSOLE.print(table)
