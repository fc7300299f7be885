"""Write files of generated puzzles: JSON lines in the order of their index, resumed where a run was cut off."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from itertools import count as count_from
from multiprocessing import get_context
from os import PathLike
from pathlib import Path

import attrs
from tqdm import tqdm

from tts.errors import PuzzleError
from tts.puzzles.board import Board, read_size
from tts.puzzles.generate.generated import Range
from tts.puzzles.generate.generator import NoPuzzleError, check, generate, generator_of
from tts.puzzles.generate.identity import identity

BATCH = 8  # puzzles a worker makes at a time
REPEATS = 1_000  # indices in a row that may repeat a puzzle before the run ends
FRUITLESS = 100  # what an index without a puzzle counts among those: it is slow


@attrs.frozen(kw_only=True)
class Recipe:
    """What the lines of a file have in common; arguments as in ``generate``."""

    variety: str
    height: int
    width: int
    seed: int
    clues: Range | None
    difficulty: float | None

    def line(self, index: int) -> str:
        """Return the line of puzzle ``index``, its end included; empty where the index leads to no puzzle."""
        try:
            generated = generate(self.variety, self.height, self.width, self.seed, index, self.difficulty, self.clues)
        except NoPuzzleError:
            return ""
        record = {
            "variety": self.variety,
            "url": _address(generated.puzzle),
            "solution": generated.puzzle.format_answer(generated.grid),
            "seed": [self.seed, index],
            "clues": generated.clues,
            "id": identity(generated.puzzle),
        }
        return json.dumps(record) + "\n"


def generate_file(
    variety: str,
    size: int | str | tuple[int, int],
    count: int,
    out: str | PathLike[str],
    seed: int = 0,
    workers: int = 1,
    clues: Range | None = None,
    difficulty: float | None = None,
) -> int:
    """Write ``count`` different puzzles to ``out``. A file made with the same arguments is continued.

    A line is a JSON object: ``variety``; ``url``, its puzz.link address, or for sudokus that puzz.link cannot draw the
    text that ``parse`` reads; ``solution``, a character a cell; ``seed`` = [seed, index]; ``clues``, how many are
    shown; ``id``, equal for puzzles that are mirrors or turns of each other, of which the file holds one.
    The file depends on neither ``workers`` nor interruptions.

    Args:
        size: side, (height, width) or "HEIGHTxWIDTH".
        workers: processes.
        clues, difficulty: as in ``generate``.

    Returns:
        how many puzzles were added.

    Raises:
        PuzzleError: arguments out of range, a file of another run, or fewer than ``count`` different puzzles.
        TTSError: numba is missing; the message says how to install it.
    """
    height, width = read_size(size)
    check(variety, height, width, difficulty, clues)
    if count < 0 or workers < 1:
        raise PuzzleError(f"{count} puzzles by {workers} workers: a count is at least 0, workers at least 1")
    path = Path(out)
    recipe = Recipe(variety=variety, height=height, width=width, seed=seed, clues=clues, difficulty=difficulty)
    seen, start = _resume(path, recipe)
    added = max(0, count - len(seen))
    if added:
        generator_of(variety)  # without numba no file is begun
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, recipe, start, seen, count, workers)
    return added


def _append(path: Path, recipe: Recipe, start: int, seen: set[str], count: int, workers: int) -> None:
    """Write lines from index ``start`` on until the file, which holds the ids ``seen``, holds ``count`` puzzles."""
    lines = _lines(recipe, start, workers)
    bar = tqdm(total=count, initial=len(seen), disable=None, unit="puzzle")
    idle = 0
    with closing(lines), path.open("ab", buffering=0) as file, bar:
        while len(seen) < count:
            line = next(lines)
            name = json.loads(line)["id"] if line else None
            if name is None or name in seen:
                idle += 1 if line else FRUITLESS
                if idle >= REPEATS:
                    raise PuzzleError(
                        f"{path}: only {len(seen)} of {count} different {recipe.height} x {recipe.width} "
                        f"{recipe.variety} puzzles were found; ask for fewer, another size or other clues"
                    )
                continue
            idle = 0
            seen.add(name)
            file.write(line.encode())
            bar.update()


def _resume(path: Path, recipe: Recipe) -> tuple[set[str], int]:
    """Return the ids in a file and the index to continue with. A last line that was cut off is removed.

    Raises:
        PuzzleError: the file is not of this recipe.
    """
    if not path.exists():
        return set(), 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    seen: set[str] = set()
    index = -1
    for number, text in enumerate(whole.decode(errors="replace").splitlines(keepends=True), 1):
        try:
            record = json.loads(text)
            (seed, index), name = record["seed"], record["id"]
        except (ValueError, KeyError, TypeError):
            raise PuzzleError(f"{path}, line {number}: not a generated puzzle; write to another file") from None
        # Generating the first line again shows any difference in arguments and in the generator's version.
        if seed != recipe.seed or (number == 1 and recipe.line(index) != text):
            raise PuzzleError(
                f"{path}, line {number}: generated with other arguments or another version; write to another file, or "
                "repeat the arguments to continue it"
            )
        seen.add(name)
    if len(whole) < len(data):
        if not whole and not _starts_alike(data, recipe):
            raise PuzzleError(f"{path}: not a file of generated puzzles; write to another file")
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return seen, index + 1


def _starts_alike(data: bytes, recipe: Recipe) -> bool:
    """Return whether a file without one whole line is the beginning of a line: nobody's notes are overwritten."""
    head = json.dumps({"variety": recipe.variety})[:-1].encode()
    return data[: len(head)] == head[: len(data)]


def _lines(recipe: Recipe, start: int, workers: int) -> Generator[str, None, None]:
    """Yield the lines from index ``start`` on, in order, without end."""
    if workers == 1:
        yield from map(recipe.line, count_from(start))
    # A fork would copy the threads' locks of whatever runs in this process.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        batches = count_from(start, BATCH)
        waiting: deque[Future[list[str]]] = deque()
        try:
            while True:
                while len(waiting) < 3 * workers:
                    waiting.append(pool.submit(_batch, recipe, next(batches)))
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _batch(recipe: Recipe, start: int) -> list[str]:
    return [recipe.line(index) for index in range(start, start + BATCH)]


def _address(puzzle: Board) -> str:
    try:
        return puzzle.to_url()
    except PuzzleError:
        return "".join(symbol or "." for symbol in puzzle.symbols())
