"""Puzzles for training, generated once and kept in files: none equals a bundled test puzzle. Needs ``generate``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from tts._util.files import replacing
from tts.datasets import FOLDER
from tts.datasets.bundled import read_lines
from tts.errors import TTSError, first_line
from tts.interfaces import Grid
from tts.puzzles import VARIETIES, Board, Heyawake, MixedCodec, Sudoku, parse
from tts.training.examples import Group
from tts.training.heyawake import heyawake_hints

Cells = NDArray[np.int16]
HELD = 256
"""Puzzles of each group that are kept from training, to see how it goes."""


@attrs.frozen(eq=False)
class PuzzleFile:
    """Puzzles int16 [n, L] and their answers, in the tokens of their variety alone; some are held out."""

    tokens: Cells
    labels: Cells
    held_tokens: Cells
    held_labels: Cells

    def groups(
        self, name: str, start: int = 1, *, cells: Tensor | None = None, length: int = 0, **fields: object
    ) -> tuple[Group, Group]:
        """Return those to train on and those held out, in a vocabulary where the variety's tokens begin at ``start``.

        Args:
            cells: where the puzzles lie on a larger board of ``length`` cells, int64 [L]; they fill it unless given.
            fields: of the groups.
        """
        shifted = [torch.from_numpy(x + start - 1) for x in attrs.astuple(self)]
        if cells is not None:
            shifted = [torch.zeros(len(x), length, dtype=x.dtype).index_copy(1, cells, x) for x in shifted]
        fields |= {"blank": start, "cells": cells}
        train = Group(name=name, tokens=shifted[0], labels=shifted[1], **fields)  # type: ignore[arg-type]
        held = attrs.evolve(train, tokens=shifted[2], labels=shifted[3], box=None)
        return train, held


def fingerprints(clues: Grid, box: tuple[int, int]) -> NDArray[np.uint64]:
    """Return uint64 [n], equal for sudokus [n, side, side] that are equal under any symmetry; 0 is an open cell.

    How many givens the row, the column, the box and the digit of a given have is hashed, and summed over the givens.
    Different puzzles may agree: these are then taken for equal, which is the safe side.
    """
    n, side, _ = clues.shape
    is_clue = clues > 0
    row = np.broadcast_to(is_clue.sum(2)[:, :, None], clues.shape)
    column = np.broadcast_to(is_clue.sum(1)[:, None, :], clues.shape)
    blocks = is_clue.reshape(n, side // box[0], box[0], side // box[1], box[1]).sum((2, 4))
    block = blocks.repeat(box[0], 1).repeat(box[1], 2)
    digits = (clues[..., None] == np.arange(1, side + 1)).sum((1, 2))
    digit = np.take_along_axis(digits, np.maximum(clues - 1, 0).reshape(n, side * side), 1).reshape(clues.shape)
    code = ((row * column * 64 + row + column) * 64 + block) * 64 + digit  # rows and columns may change places
    mixed = (code.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    total: NDArray[np.uint64] = (mixed * is_clue).sum((1, 2), dtype=np.uint64)
    return total


def make_sudokus(
    path: Path,
    side: int,
    count: int,
    seed: int,
    *,
    guesses: int = 0,
    clues: tuple[int, int] | None = None,
    held: int = HELD,
    tests: Sequence[Sudoku] | None = None,
) -> PuzzleFile:
    """Return sudokus with one solution, from ``path``, or generated and written there.

    Args:
        guesses: the fewest wrong guesses of a solver with naked and hidden singles, see ``backtracks``.
        clues: fewest and most givens, one number in between drawn for each; minimal puzzles unless given.
        held: puzzles to hold out.
        tests: puzzles that none of them may equal; the bundled ones unless given.
    """
    if path.exists():
        return _read(path)
    from tts.puzzles.generate.sudoku import backtracks, dig, fill
    from tts.puzzles.sudoku import default_box

    box = default_box(side)
    rng = np.random.default_rng(seed)
    tests = _test_boards(side) if tests is None else tests
    known = fingerprints(np.array([board.clues for board in tests], np.int64).reshape(len(tests), side, side), box)
    puzzles, answers = np.zeros((2, count + held, side, side), np.int16)
    row = 0
    with tqdm(total=count + held, desc=path.stem, unit="puzzle", disable=None) as bar:
        while row < len(puzzles):
            answer = fill(side, rng)
            puzzle = dig(answer, rng, float(rng.random()) if clues else 1.0, clues=clues)
            if puzzle is None or (guesses and backtracks(puzzle) < guesses):
                continue
            if fingerprints(puzzle[None], box)[0] in known:
                continue
            puzzles[row], answers[row] = puzzle, answer
            row += 1
            bar.update()
    flat = [(x + 1).reshape(len(x), -1).astype(np.int16) for x in (puzzles, answers)]
    return _write(path, PuzzleFile(flat[0][:count], flat[1][:count], flat[0][count:], flat[1][count:]))


def make_pencils(path: Path, variety: str, size: int, count: int, seed: int, *, held: int = HELD) -> PuzzleFile:
    """Return puzzles in all mirrors and turns, half of them minimal, from ``path``, or generated and written there.

    The last ``held`` puzzles are held out, each as it is.
    """
    if path.exists():
        return _read(path)
    from tts.puzzles.generate import generate_file

    files = [path.with_name(f"{path.stem}_{name}.jsonl") for name in ("minimal", "mixed")]
    for k, (file, difficulty) in enumerate(zip(files, (1.0, None), strict=True)):
        generate_file(variety, size, count // 2, file, seed + k, difficulty=difficulty)
    known = {
        _name(board) for board in _bundled() if (board.variety, board.height, board.width) == (variety, size, size)
    }
    lines = [line for file in files for line in file.read_text().splitlines()[: count // 2]]
    records = {record["id"]: record for record in map(json.loads, lines)}
    pairs = []
    for name in sorted(records):  # names are hashes: their order is as good as a random one
        board = parse(records[name]["url"])
        if _name(board) not in known:
            pairs.append((board, board.answer_tokens(board.parse_answer(records[name]["solution"]))))
    train, apart = pairs[:-held], pairs[-held:]
    views = [] if variety == "sudoku" else train
    rows = [(v.puzzle.tokens(), v.apply(label)) for board, label in views for v in board.symmetries()]
    rows = rows or [(board.tokens(), label) for board, label in train]
    cells = [np.stack(x).astype(np.int16) for x in zip(*rows, strict=True)]
    cells += [np.stack(x).astype(np.int16) for x in zip(*((b.tokens(), label) for b, label in apart), strict=True)]
    return _write(path, PuzzleFile(*cells))


def pencil_groups(
    folder: Path,
    codec: MixedCodec,
    counts: int | Mapping[str, int],
    seed: int,
    shares: Mapping[str, int] | None = None,
    *,
    held: int = HELD,
) -> list[tuple[Group, Group]]:
    """Return for each variety of the codec, or each that ``counts`` names, examples to train on and held-out ones.

    Of each, ``counts`` or ``counts[variety]`` puzzles are generated; its share of the lanes is ``shares[variety]``, or
    1.

    Puzzles fill the codec's board, which is square, but for sudokus with smaller boxes, which lie at its top left.
    """
    pairs = []
    board = torch.arange(codec.height * codec.width).view(codec.height, codec.width)
    wanted = dict.fromkeys(codec.varieties, counts) if isinstance(counts, int) else counts
    for variety, count in wanted.items():
        place = codec.varieties.index(variety)
        side = codec.height
        fields: dict[str, Any] = {"identifier": place, "share": (shares or {}).get(variety, 1)}
        box = codec.parts[place].box
        if box is not None:
            side = box[0] * box[1]
            fields["box"] = box
        if side < codec.height:
            fields |= {"cells": board[:side, :side].flatten(), "length": board.numel()}
        path = folder / f"{variety}_{side}x{side}_{count}_{seed}.npz"
        puzzles = make_pencils(path, variety, side, count, seed, held=held)
        start = codec.range(variety)[0]
        train, apart = puzzles.groups(variety, start, **fields)
        if VARIETIES[variety].board is Heyawake:
            hints = heyawake_hints(torch.from_numpy(puzzles.tokens), torch.from_numpy(puzzles.labels), side, side)
            train = attrs.evolve(train, hints=hints + start - 1)
        pairs.append((train, apart))
    return pairs


def _test_boards(side: int) -> Sequence[Sudoku]:
    return [board for board in _bundled() if isinstance(board, Sudoku) and board.side == side]


def _name(board: Board) -> str:
    """Return a name that is equal for boards that training may show as each other.

    These are all symmetries of a sudoku, and mirrors and turns elsewhere.
    """
    if isinstance(board, Sudoku):
        return str(fingerprints(np.array(board.clues).reshape(1, board.side, board.side), board.box)[0])
    from tts.puzzles.generate import identity

    return identity(board)


def _bundled() -> Iterator[Board]:
    """Yield every bundled test puzzle."""
    for file in sorted(FOLDER.glob("*.txt")):
        yield from (board for _, board, _ in read_lines(file.name))


def _write(path: Path, puzzles: PuzzleFile) -> PuzzleFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, **attrs.asdict(puzzles))
    return puzzles


def _read(path: Path) -> PuzzleFile:
    try:
        with np.load(path) as arrays:
            return PuzzleFile(**{field.name: arrays[field.name] for field in attrs.fields(PuzzleFile)})
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        said = first_line(error)
        raise TTSError(f"{path} holds no training puzzles: {said}; delete it to have them made again") from error
