"""ppbench's golden puzzles with their solutions."""

from __future__ import annotations

import base64
import json
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tts.puzzles import Board, Grid, parse

PPBENCH = find_spec("ppbench")
"""Found, never imported: importing it starts a bridge to node."""


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def bundled(*parts: str) -> Path:
    """A file of the ppbench package."""
    assert PPBENCH is not None
    assert PPBENCH.origin is not None
    return Path(PPBENCH.origin).parent.joinpath(*parts)


@cache
def golden(variety: str) -> list[tuple[Board, Grid]]:
    """The golden puzzles of a variety, each with the answer that its bundled moves enter."""
    lines = bundled("bundled", "golden_300.jsonl").read_text().splitlines()
    records = [record for record in map(json.loads, lines) if record["pid"] == variety]
    return [(board, entered(board, record)) for record in records for board in [parse(record["puzzlink_url"])]]


def entered(board: Board, record: dict[str, Any]) -> Grid:
    """The answer grid [H, W] after a record's required moves.

    A move is ``mouse,left,X,Y``, X and Y in half cells, and for a digit ``;key,D``; on shakashaka it points at
    the corner to be blackened. The package hides the moves behind base64 and a repeating key.
    """
    raw = base64.b64decode(record["solution_enc"])
    moves = json.loads(bytes(byte ^ b"ppbench"[i % 7] for i, byte in enumerate(raw)))["moves_required"]
    grid = np.zeros((board.height, board.width), np.int64)
    for move in moves:
        click, _, key = move.partition(";")
        name, button, *place = click.split(",")
        assert (name, button, len(place)) == ("mouse", "left", 2)
        (x, right), (y, down) = (divmod(float(half), 2) for half in place)
        value = int(key.removeprefix("key,")) if key else 1
        if board.variety == "shakashaka":
            value = {(False, True): 2, (True, True): 3, (True, False): 4, (False, False): 5}[right > 1, down > 1]
        grid[int(y), int(x)] = value
    return grid
