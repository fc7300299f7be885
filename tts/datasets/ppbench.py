"""Pencil Puzzle Bench (arXiv 2603.02119): its golden sets, our search, and the final word by its own pzpr under node.

Needs ``pip install 'test-time-search[ppbench]'`` and node. The golden sets are for measuring alone: nothing in this
package was trained, tuned or chosen on them, and nothing should be. Their bundled solutions are not read.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor

from tts._util.extras import folder_of
from tts.datasets.dataset import Dataset, KnownBoards
from tts.errors import PuzzleError, TTSError
from tts.interfaces import Grid
from tts.puzzles import PUZZLINK, Board, parse
from tts.puzzles.board import ILLEGAL

PAPER: dict[str, tuple[int, int]] = {
    "sudoku": (9, 9),
    "lightup": (10, 10),
    "nurikabe": (10, 10),
    "heyawake": (10, 10),
    "tapa": (10, 10),
}
"""The golden sets of PTRM (arXiv 2605.19943, table of PPBench), 15 + 8 + 9 + 7 + 10 = 49 puzzles, by their sizes."""
JUDGE = "pzpr"
_SECONDS = 600


def golden(variety: str, size: tuple[int, int] | None = None) -> Dataset:
    """Return the golden puzzles of a variety, without labels; a ``Pzpr`` can judge answers.

    Args:
        variety: one of the six, see ``tts.puzzles.PUZZLINK``.
        size: height and width; all sizes unless given.

    Raises:
        PuzzleError: no such variety, or no puzzle of this size; says which there are.
        TTSError: ppbench is not installed.
    """
    boards = [board for board, _ in _records(variety)]
    chosen = tuple(board for board in boards if size in (None, (board.height, board.width)))
    if not chosen:
        sizes = sorted({(board.height, board.width) for board in boards})
        there = ", ".join(f"{height}x{width}" for height, width in sizes)
        raise PuzzleError(f"ppbench has no golden {variety} of {size and f'{size[0]}x{size[1]}'}; it has {there}")
    name = f"ppbench:{variety}" + (f":{size[0]}x{size[1]}" if size else "")
    return Dataset(name, KnownBoards(name, chosen))


@attrs.frozen(eq=False)
class Pzpr:
    """The pzpr that ppbench bundles, as a judge of answers to its golden puzzles.

    Raises:
        TTSError: ppbench or node is missing.
    """

    engine: Path = attrs.field(factory=lambda: _bundled("vendor", "pzprjs", "dist", "js", "pzpr.js"))
    node: str = attrs.field(init=False)

    @node.default
    def _find_node(self) -> str:
        node = shutil.which("node")
        if node is None:
            raise TTSError("ppbench's judge needs node: install nodejs, so that the command node is found")
        return node

    def __call__(self, boards: Sequence[Board], grids: Sequence[Grid]) -> Tensor:
        """Return which answers solve their boards, bool [n]."""
        return torch.tensor([codes == () for codes in self.failcodes(boards, grids)], dtype=torch.bool)

    def failcodes(self, boards: Sequence[Board], grids: Sequence[Grid]) -> list[tuple[str, ...]]:
        """Return what pzpr finds wrong with an answer grid [height, width] to each board; cells of no meaning are left
        empty and count as ``illegalCell``, as does an answer that overwrites a clue.
        """
        addresses = {variety: dict(_records(variety)) for variety in {board.variety for board in boards}}
        lines = []
        for board, grid in zip(boards, grids, strict=True):
            address = addresses[board.variety].get(board, board.to_url())  # the benchmark's own, where it has one
            lines.append(json.dumps({"url": address, "grids": [grid.clip(0).ravel().tolist()]}) + "\n")
        script = resources.files("tts.datasets") / "files" / "pzpr_judge.js"
        with resources.as_file(script) as path:
            done = subprocess.run(
                [self.node, str(path), str(self.engine)],
                input="".join(lines),
                capture_output=True,
                text=True,
                timeout=_SECONDS,
            )
        answers = done.stdout.splitlines()
        if done.returncode or len(answers) != len(lines):
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise TTSError(f"ppbench's judge failed on {boards[len(answers)].to_url()}: {said:.200}")
        codes = [tuple(json.loads(answer)[0]) for answer in answers]
        return [
            (*broken, "illegalCell") if _is_illegal(board, grid) else broken
            for broken, board, grid in zip(codes, boards, grids, strict=True)
        ]


def _records(variety: str) -> list[tuple[Board, str]]:
    """Boards and their addresses, in the bundle's order."""
    if variety not in PUZZLINK:
        raise PuzzleError(f"ppbench's golden {variety!r} is not known here; known are {', '.join(PUZZLINK)}")
    path = _bundled("bundled", "golden_300.jsonl")
    try:
        records: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
        addresses = [record["puzzlink_url"] for record in records if record["pid"] == variety]
    except (OSError, ValueError, KeyError) as error:
        raise PuzzleError(f"{path} is not the golden set that was expected: install ppbench 0.1 again") from error
    return [(parse(address), address) for address in addresses]


def _bundled(*parts: str) -> Path:
    """A file of ppbench, which is found and never imported: importing it starts a bridge to node."""
    return folder_of("ppbench", extra="ppbench", user="Pencil Puzzle Bench").joinpath(*parts)


def _is_illegal(board: Board, grid: Grid) -> bool:
    held = board.held().reshape(grid.shape)
    clues = board.grid(board.tokens()) if board.variety == "sudoku" else 0
    return bool(((grid == ILLEGAL) | (held & (grid != 0) & (grid != clues))).any())
