"""A table says the same in every form, and a file is replaced whole or not at all."""

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from tts._util.files import replacing
from tts._util.tables import Table
from tts.metrics import Interval

TABLE = Table.of_records(
    [{"search": "a | b", "p": 0.25, "seeds": None}, {"search": "[bold]", "p": 1.0, "seeds": 3}], "so"
)


def test_every_form_holds_the_same_cells() -> None:
    assert TABLE.markdown().splitlines() == [
        "| search | p | seeds |",
        "| :-- | --: | --: |",
        "| a \\| b | 0.25 |  |",
        "| [bold] | 1.0 | 3 |",
        "",
        "so",
    ]
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows == [["search", "p", "seeds"], ["a | b", "0.25", ""], ["[bold]", "1.0", "3"]]
    console = Console(width=60)
    with console.capture() as shown:
        console.print(TABLE.rich())
    words = [word for word in shown.get().split() if word.strip("─")]
    assert words == ["search", "p", "seeds", "a", "|", "b", "0.25", "[bold]", "1.0", "3", "so"]


def test_intervals_in_words() -> None:
    assert Interval(0.933, 0.702, 0.99).percent() == "93.3 (70-99)"
    assert Interval(0.933, 0.702, 0.99).percent(1) == "93.3 (70.2-99.0)"
    assert Interval(-0.01, -0.05, 0.03).points() == "-1.0 (-5 to +3)"


def fail_half_way(path: Path) -> None:
    path.write_text("half")
    raise OSError("disk full")


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"), replacing(path) as unfinished:
        fail_half_way(unfinished)
    assert path.read_text() == "old"
    with replacing(path) as unfinished:
        unfinished.write_text("new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
