"""One table in several forms: for a terminal, in markdown, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import rich.table

Cell = str | int | float | None


@attrs.frozen
class Table:
    """Rows of cells under heads; the first column names the row. A cell that is None is empty."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @staticmethod
    def of_records(records: Sequence[Mapping[str, Cell]], caption: str = "") -> Table:
        """Return a table of records that all have the keys of the first."""
        heads = tuple(records[0])
        return Table(caption, heads, tuple(tuple(record[head] for head in heads) for record in records))

    def rich(self) -> rich.table.Table:
        """Return the table for a terminal. Long names are folded, and numbers are not."""
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table as RichTable

        table = RichTable(caption=escape(self.caption) or None, box=SIMPLE_HEAD, pad_edge=False, padding=0)
        for place, head in enumerate(self.heads):
            lines = escape(head) if place == 0 else "\n".join(escape(head).rsplit(" ", 1))
            table.add_column(lines, justify="right" if place else "left", no_wrap=place > 0, overflow="fold")
        for row in self.rows:
            table.add_row(*(escape(_text(cell)) for cell in row))
        return table

    def markdown(self) -> str:
        """Return the table in GitHub's markdown, the caption below it."""
        rule = (":--", *["--:"] * (len(self.heads) - 1))
        rows = [[_text(cell).replace("|", "\\|") for cell in row] for row in (self.heads, *self.rows)]
        lines = [f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])]
        return "\n".join(lines) + (f"\n\n{self.caption}\n" if self.caption else "\n")

    def csv(self) -> str:
        """Return heads and rows as CSV, numbers in full."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.heads)
        writer.writerows(self.rows)
        return text.getvalue()


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
