"""One self-contained HTML page of a search or a comparison: tables, curves, and a player of its rollouts."""

from tts.report.page import write_report

__all__ = [
    "write_report",
]
