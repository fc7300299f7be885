"""write_report(): the page as one file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor

from tts._util.files import write_atomic
from tts._util.tables import Table
from tts.errors import StoreError
from tts.evaluation import Comparison
from tts.interfaces import Puzzle, name_of
from tts.report.chart import Chart
from tts.report.charts import comparison_chart, comparison_table, result_charts, result_table
from tts.report.player import player as player_data
from tts.report.subject import Subject
from tts.runs import versions
from tts.search import Result, Search

NO_STEPS = (
    "This run did not record its steps, so the player shows final answers alone. "
    "To see rollouts evolve, search with record=('answers', 'q'), or run: tts report MODEL --data DATA."
)
NO_PLAYER = "No player: to see rollouts evolve, pass a result of a search with record=('answers', 'q')."


@attrs.frozen(eq=False)
class Page:
    """The content of a page: words, tables, charts, and the player's data."""

    title: str
    words: Mapping[str, str] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    player: dict[str, Any] | None = None


def write_report(
    result: Result | Comparison,
    path: str | os.PathLike[str],
    *,
    labels: Tensor | None = None,
    ignore: int = 0,
    search: Search | None = None,
    puzzles: Sequence[Puzzle] | None = None,
    player: Result | None = None,
    shown: int = 12,
    rollouts: int = 16,
    title: str = "",
) -> Path:
    """Write one HTML page that needs no network: tables, curves, and a player of rollouts.

    The player needs the result of a search with ``record=("answers", "q")``; from others it shows final answers alone.
    Boards are drawn where ``search`` is given, whose codec says what tokens mean; plain tokens elsewhere.

    Args:
        result: a result, or a comparison, which holds no rollouts: give one of its results as ``player``.
        path: of the page; it appears whole or not at all.
        labels: int [B, L], the right answers; cells that hold ``ignore`` may be anything. Without labels the rules
            say what is right, where they are known.
        search: the one that brought the result.
        puzzles: the boards that were searched, where their tokens do not say everything.
        shown: puzzles in the player: kinds of outcomes in turn, failures first, see ``choose_puzzles``.
        rollouts: of each of them.
        title: of the page.

    Returns:
        The path.

    Raises:
        ShapeError, TTSError: labels, puzzles or search do not belong to the result.
        StoreError: the page cannot be written.
        TypeError: ``result`` is something else.
    """
    played = result if isinstance(result, Result) else player
    data = None if played is None else Subject.of(played, labels, ignore, search, puzzles)
    if isinstance(result, Comparison):
        page = page_of([] if data is None else [data], title or "Comparison", shown, rollouts, result.records())
    elif data is not None:
        page = page_of([data], title or "Search", shown, rollouts)
    else:
        raise TypeError(f"a report is of a Result or a Comparison; got a {name_of(result)}")
    return save(page, Path(path))


def page_of(
    subjects: Sequence[Subject],
    title: str,
    shown: int,
    rollouts: int,
    compared: Sequence[Mapping[str, Any]] = (),
    tables: Sequence[Table] = (),
) -> Page:
    """Return a page of searches, the last of which is played, and of a comparison's records.

    Args:
        tables: those of the searches, where they exist already.
    """
    all_tables, charts = list(tables), []
    if compared:
        all_tables.append(comparison_table([dict(record) for record in compared]))
        charts.append(comparison_chart([dict(record) for record in compared]))
    for subject in subjects:
        if not tables:
            all_tables.append(result_table(subject))
        charts += result_charts(subject)
    played = player_data(subjects[-1], shown, rollouts) if subjects else None
    notes = [] if played is not None else [NO_PLAYER]
    if played is not None and not played["steps"]:
        notes.append(NO_STEPS)
    words = subjects[-1].words if subjects else {}
    return Page(title, words, tuple(notes), tuple(all_tables), tuple(charts), played)


def save(page: Page, path: Path) -> Path:
    """Write the page, whole or not at all."""
    try:
        write_atomic(path, html(page).encode())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def html(page: Page) -> str:
    """Return the page as text. What comes from outside is escaped, in the markup and in the data."""
    charts = [chart.plain() for chart in page.charts]
    parts = {
        "title": escape(page.title),
        "words": "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in page.words.items()),
        "notes": "".join(f'<p class="note">{escape(note)}</p>' for note in page.notes),
        "tables": "".join(_table(table) for table in page.tables if table.rows),
        "made": escape(f"Made by tts {versions()['tts']}."),
        "css": _file("report.css"),
        "data": _json({"charts": charts, "player": page.player}),
        "js": _file("charts.js") + _file("player.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _file("template.html"))


def _json(value: Any) -> str:
    """Return JSON that does not end a script element, whatever its strings hold."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    rows = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>{"".join(f"<td>{escape(str(cell))}</td>" for cell in rest)}</tr>'
        for first, *rest in table.rows
    )
    return (
        f'<figure class="table"><div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        f"<figcaption>{escape(table.caption)}</figcaption></figure>"
    )


def _file(name: str) -> str:
    return (resources.files("tts.report") / name).read_text(encoding="utf-8")
