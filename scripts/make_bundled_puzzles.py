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


@attrs.frozen
class Recipe:
    """What a file holds: ``count`` puzzles of each variety, from indices 0 on, without those of ``apart``."""

    source: str
    what: str
    seed: int
    count: int
    varieties: tuple[str, ...]
    size: int
    difficulty: float | None
    clues: tuple[int, int] | None = None
    wanted: Callable[[Board], bool] = _every
    apart: tuple[str, ...] = ()


FILES = {
    "sudoku_minimal500": Recipe(
        "minimal", "minimal (no given can go)", 20261125, 500, ("sudoku",), 9, 1.0, apart=EARLIER
    ),
    "sudoku_hard500": Recipe(
        "hard",
        "minimal (no given can go), 4 or more wrong guesses of a solver with naked and hidden singles",
        20261126,
        500,
        ("sudoku",),
        9,
        1.0,
        wanted=_guesses,
        apart=(*EARLIER, "sudoku_minimal500"),
    ),
    "sudoku_6x6": Recipe(
        "sudoku6", "8 to 14 givens, boxes 2 high and 3 wide", 20261127, 500, ("sudoku",), 6, None, (8, 14)
    ),
    "pencil_6x6": Recipe(
        "",
        "200 of each variety, minimal (no clue can go)",
        20261128,
        200,
        VARIETIES,
        6,
        1.0,
        apart=("sudoku_6x6",),
    ),
    "pencil_10x10": Recipe(
        "",
        "200 of each variety, minimal (no clue can go)",
        20261205,
        200,
        ("lightup", "shakashaka", "nurikabe", "heyawake", "tapa"),
        10,
        1.0,
    ),
}


def lines(recipe: Recipe) -> Iterator[tuple[Generated, str]]:
    """The puzzles of a file, and their lines."""
    seen = {identity(board) for name in recipe.apart for _, board, _ in read_lines(f"{name}.txt")}
    for variety in recipe.varieties:
        found = 0
        for index in count():
            if found == recipe.count:
                break
            made = generate(variety, recipe.size, recipe.size, recipe.seed, index, recipe.difficulty, recipe.clues)
            name = identity(made.puzzle)
            if name in seen or not recipe.wanted(made.puzzle):
                continue
            seen.add(name)
            found += 1
            yield made, f"{recipe.source or variety} {_text(made.puzzle)} {made.puzzle.format_answer(made.grid)}"


def write(name: str, folder: Path) -> Path:
    """Write the file ``name``.txt to ``folder``."""
    recipe = FILES[name]
    made = list(lines(recipe))
    head = (
        f"# source puzzle solution; generated, {recipe.what}; unique solutions proved; seed {recipe.seed}; "
        f"python scripts/make_bundled_puzzles.py {name}\n"
    )
    spread = ""
    for variety in recipe.varieties:
        clues = Counter(puzzle.clues for puzzle, _ in made if puzzle.puzzle.variety == variety)
        spread += f"# {variety}, clues: puzzles; " + ", ".join(f"{k}: {clues[k]}" for k in sorted(clues)) + "\n"
    body = "".join(f"{line}\n" for _, line in made)
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
