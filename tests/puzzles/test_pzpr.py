"""The verifiers against pzpr itself, the engine behind puzz.link, in the build that ppbench bundles.

    python tests/puzzles/test_pzpr.py [--grids 20000] [--seed 0]

compares many more grids than the tests do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import numpy as np
import pytest
import torch
from support import solved_boards
from support.pzpr import bundled, golden, needs_node

from tts.datasets import FOLDER
from tts.puzzles import PUZZLINK, VARIETIES, Board, Grid, Heyawake
from tts.verifiers import tokens as t


@contextmanager
def pzpr() -> Iterator[subprocess.Popen[str]]:
    """A node process that checks grids."""
    script = FOLDER / "pzpr_judge.js"
    engine = bundled("vendor", "pzprjs", "dist", "js", "pzpr.js")
    command = ["node", str(script), str(engine)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def failcodes(process: subprocess.Popen[str], board: Board, grids: list[Grid]) -> list[tuple[str, ...]]:
    """All the failcodes of pzpr, for each of the answer grids [H, W] of a board."""
    assert process.stdin is not None
    assert process.stdout is not None
    line = {"url": board.to_url(), "grids": [grid.ravel().tolist() for grid in grids]}
    process.stdin.write(json.dumps(line) + "\n")
    process.stdin.flush()
    return [tuple(codes) for codes in json.loads(process.stdout.readline())]


def ours(board: Board, grids: list[Grid]) -> list[tuple[str, ...]]:
    """All the failcodes of the batched verifier."""
    answers = torch.from_numpy(np.stack([board.answer_tokens(grid) for grid in grids]))
    found = board.verifier().violations(torch.from_numpy(board.tokens()).expand_as(answers), answers)
    return [found.of(row) for row in range(len(grids))]


def compare(process: subprocess.Popen[str], board: Board, grids: list[Grid], fired: Counter[str]) -> list[str]:
    """Say where the two disagree; count the failcodes of pzpr in ``fired``.

    One thing is excused: of an area with several numbers this build of pzpr compares one with the size, later ones all.
    """
    different = []
    for grid, theirs, mine in zip(grids, failcodes(process, board, grids), ours(board, grids), strict=True):
        fired.update(theirs or ["solved"])
        excused = {"bkSizeNe"} if board.variety == "nurikabe" and "bkNumGe2" in theirs else set()
        if [c for c in theirs if c not in excused] != [c for c in mine if c not in excused]:
            different.append(f"{board.to_url()} {board.format_answer(grid)}: pzpr {theirs}, here {mine}")
    return different


def random_tokens(variety: str, height: int, width: int, rng: np.random.Generator) -> Grid:
    """Clues at random, that no answer needs to satisfy, int64 [H, W]."""
    share = rng.random() * 0.6
    if variety == "heyawake":
        right, below = rng.random((2, height, width)) < share
        right[:, -1] = below[-1] = False
        tokens = t.HEYAWAKE_CELL + right + 2 * below
        firsts = set(Heyawake.from_tokens(tokens.ravel(), height, width).rooms())
        clues = rng.choice((0, 1, 2, 3, 3, 4, 5), (height, width)).ravel()
        return tokens + 4 * np.where(np.isin(np.arange(clues.size), list(firsts)), clues, 0).reshape(tokens.shape)
    clues = {
        "sudoku": np.arange(2, height + 3),
        "lightup": np.arange(t.LIGHTUP_WALL, t.LIGHTUP_NUMBER + 5),
        "shakashaka": np.arange(t.SHAKASHAKA_WALL, t.SHAKASHAKA_NUMBER + 5),
        "nurikabe": np.array([t.NURIKABE_UNKNOWN, *(t.NURIKABE_NUMBER + n for n in (1, 1, 2, 2, 3, 4, 5, 9, 40))]),
        "tapa": np.arange(t.TAPA_CLUE, t.TAPA_CLUE + len(t.TAPA_CLUES)),
    }[variety]
    return np.where(rng.random((height, width)) < share, rng.choice(clues, (height, width)), 1)


def trials(variety: str, rng: np.random.Generator) -> Iterator[tuple[Board, list[Grid]]]:
    """Boards without end, each with ten answers: near a solution where it has one, at random, empty and full."""
    while True:
        height, width = (int(side) for side in rng.integers(1, 11, 2))
        if variety == "sudoku":
            height = width = int(rng.choice((1, 4, 6, 9, 16)))
        solvable = rng.random() < 0.7 and (variety != "shakashaka" or min(height, width) > 1)
        if solvable:
            tokens, solution = solved_boards.solved(variety, height, width, rng)
        else:
            tokens = random_tokens(variety, height, width, rng)
            solution = solved_boards.mutated(variety, tokens, tokens, height * width, rng)
        board = VARIETIES[variety].board.from_tokens(tokens.ravel(), height, width)
        values = np.array(sorted(board.values()))
        answers = [solved_boards.mutated(variety, tokens, solution, changes, rng) for changes in (0, 1, 1, 2, 3, 6)]
        grids = [board.grid(answer.ravel()) for answer in answers]
        for chance in (0.0, 1.0, *rng.random(2)):
            drawn = np.where(rng.random((height, width)) < chance, rng.choice(values[1:], (height, width)), 0)
            grids.append(np.where(board.held().reshape(height, width), 0, drawn))
        yield board, grids


@pytest.mark.parametrize("variety", PUZZLINK)
def test_golden_answers_are_right_and_any_other_value_in_one_cell_is_wrong(variety: str, device: str) -> None:
    assert len(golden(variety)) == 15
    for board, grid in golden(variety):
        assert board.violations(grid) == ()
        answers = torch.from_numpy(board.answer_tokens(grid))
        filled = sorted(set(board.values().values()) - ({t.SUDOKU_BLANK} if variety == "sudoku" else set()))
        cell, value = torch.cartesian_prod(torch.from_numpy(np.flatnonzero(~board.held())), torch.tensor(filled)).T
        changed = answers.repeat(len(cell), 1)
        changed[torch.arange(len(cell)), cell] = value
        tokens = torch.from_numpy(board.tokens()).expand_as(changed)
        valid = board.verifier().valid(tokens.to(device), changed.to(device)).cpu()
        assert (valid == (changed == answers).all(dim=1)).all()


@needs_node
@pytest.mark.parametrize("variety", PUZZLINK)
def test_all_failcodes_agree_with_pzpr_on_golden_boards(variety: str) -> None:
    rng, fired = np.random.default_rng(4), Counter[str]()
    with pzpr() as process:
        for board, grid in golden(variety):
            tokens = board.tokens().reshape(grid.shape)
            answers = board.answer_tokens(grid).reshape(grid.shape)
            near = [solved_boards.mutated(variety, tokens, answers, changes, rng) for changes in (1, 2, 3, 8, 999)]
            assert compare(process, board, [grid, *(board.grid(answer.ravel()) for answer in near)], fired) == []
    assert fired["solved"] >= 15


@needs_node
@pytest.mark.parametrize("variety", PUZZLINK)
def test_all_failcodes_agree_with_pzpr_on_random_boards(variety: str) -> None:
    fired: Counter[str] = Counter()
    with pzpr() as process:
        for board, grids in islice(trials(variety, np.random.default_rng(5)), 60):
            assert compare(process, board, grids, fired) == []
    names = set(board.verifier().names) - {"illegalCell"}
    assert {*names, "solved"} <= set(fired), "some rule was never broken: the comparison shows nothing about it"


def main() -> None:
    """Compare many grids a variety; exit with 1 where any differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, default=20_000, help="grids a variety")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    failed = 0
    for variety in PUZZLINK:
        rng, fired, start = np.random.default_rng(args.seed), Counter[str](), time.perf_counter()
        count = wrong = 0
        with pzpr() as process:
            for board, grids in trials(variety, rng):
                different = compare(process, board, grids, fired)
                print(*different, sep="\n", end="\n" * bool(different))
                wrong += len(different)
                count += len(grids)
                if count >= args.grids:
                    break
        took = time.perf_counter() - start
        print(f"{variety}: {count} grids in {took:.0f} s, {wrong} differ; {dict(fired)}", flush=True)
        failed += wrong
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
