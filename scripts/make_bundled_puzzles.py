"""Make the generated test files again: ``python scripts/make_bundled_puzzles.py sudoku_minimal500``.

No puzzle of a file is another one of the package's test puzzles under the symmetries of ``identity``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path

import attrs
import numpy as np

from tts.datasets import FOLDER
from tts.datasets.bundled import read_lines
from tts.puzzles import Board, Sudoku
from tts.puzzles.generate import Generated, generate, identity
from tts.puzzles.generate.sudoku import backtracks

EARLIER = ("sudoku_heldout", "sudoku_guessing", "sudoku_published", "sudoku_tune")
VARIETIES = ("sudoku", "lightup", "nurikabe", "heyawake", "tapa", "shakashaka")


def _every(_: Board) -> bool:
    return True


def _guesses(puzzle: Board, least: int = 4) -> bool:
    assert isinstance(puzzle, Sudoku)
    return backtracks(np.array(puzzle.clues).reshape(9, 9)) >= least


@attrs.frozen(kw_only=True)
class Recipe:
    """The content of a file: ``count`` puzzles of each variety, from index 0 on, without those of ``apart``."""

    source: str = ""
    what: str
    seed: int
    count: int
    varieties: tuple[str, ...]
    size: int
    difficulty: float | None = 1.0
    clues: tuple[int, int] | None = None
    wanted: Callable[[Board], bool] = _every
    apart: tuple[str, ...] = ()


FILES = {
    "sudoku_minimal500": Recipe(
        source="minimal",
        what="minimal (no given can go)",
        seed=20261125,
        count=500,
        varieties=("sudoku",),
        size=9,
        apart=EARLIER,
    ),
    "sudoku_hard500": Recipe(
        source="hard",
        what="minimal (no given can go), 4 or more wrong guesses of a solver with naked and hidden singles",
        seed=20261126,
        count=500,
        varieties=("sudoku",),
        size=9,
        wanted=_guesses,
        apart=(*EARLIER, "sudoku_minimal500"),
    ),
    "sudoku_6x6": Recipe(
        source="sudoku6",
        what="8 to 14 givens, boxes 2 high and 3 wide",
        seed=20261127,
        count=500,
        varieties=("sudoku",),
        size=6,
        difficulty=None,
        clues=(8, 14),
    ),
    "pencil_6x6": Recipe(
        what="200 of each variety, minimal (no clue can go)",
        seed=20261128,
        count=200,
        varieties=VARIETIES,
        size=6,
        apart=("sudoku_6x6",),
    ),
    "pencil_10x10": Recipe(
        what="200 of each variety, minimal (no clue can go)",
        seed=20261205,
        count=200,
        varieties=("lightup", "shakashaka", "nurikabe", "heyawake", "tapa"),
        size=10,
    ),
}


def lines(recipe: Recipe) -> Iterator[tuple[Generated, str]]:
    """Yield the puzzles of a file, and their lines."""
    seen = {identity(board) for name in recipe.apart for _, board, _ in read_lines(f"{name}.txt")}
    for variety in recipe.varieties:
        written = 0
        for index in count():
            if written == recipe.count:
                break
            generated = generate(variety, recipe.size, recipe.size, recipe.seed, index, recipe.difficulty, recipe.clues)
            name = identity(generated.puzzle)
            if name in seen or not recipe.wanted(generated.puzzle):
                continue
            seen.add(name)
            written += 1
            board = generated.puzzle
            yield generated, f"{recipe.source or variety} {_text(board)} {board.format_answer(generated.grid)}"


def write(name: str, folder: Path) -> Path:
    """Write the file ``name``.txt to ``folder``."""
    recipe = FILES[name]
    puzzles = list(lines(recipe))
    head = (
        f"# source puzzle solution; generated, {recipe.what}; unique solutions proved; seed {recipe.seed}; "
        f"python scripts/make_bundled_puzzles.py {name}\n"
    )
    spread = ""
    for variety in recipe.varieties:
        clues = Counter(generated.clues for generated, _ in puzzles if generated.puzzle.variety == variety)
        spread += f"# {variety}, clues: puzzles; " + ", ".join(f"{k}: {clues[k]}" for k in sorted(clues)) + "\n"
    body = "".join(f"{line}\n" for _, line in puzzles)
    path = folder / f"{name}.txt"
    path.write_text(f"{head}{spread}# SHA-256 of the lines below: {sha256(body.encode()).hexdigest()}\n{body}")
    return path


def _text(puzzle: Board) -> str:
    if puzzle.variety == "sudoku":
        return "".join(symbol or "." for symbol in puzzle.symbols())
    return puzzle.to_url()


if __name__ == "__main__":
    for wanted in sys.argv[1:] or FILES:
        print(write(wanted, FOLDER))
