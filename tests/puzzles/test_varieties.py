"""The table of varieties: each has a board with its rules, a drawing and, but for mazes, a generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tts.puzzles
from tts.errors import PuzzleError
from tts.puzzles import PUZZLINK, VARIETIES, Maze, MixedCodec, VarietyCodec, verifier_for
from tts.puzzles.generate import generate, generate_file, solve
from tts.verifiers import SudokuVerifier


@pytest.mark.parametrize("name", VARIETIES)
def test_a_variety_has_rules_and_a_public_board(name: str) -> None:
    board = VARIETIES[name].board
    assert board.variety == name
    assert getattr(tts.puzzles, board.__name__) is board
    assert type(verifier_for(name, 4, 4)) is board.rules


@pytest.mark.parametrize("name", PUZZLINK)
def test_a_generated_board_is_drawn_and_read_back_from_a_codecs_tokens(name: str) -> None:
    puzzle = generate(name, 4, 4).puzzle
    assert puzzle.text()
    for codec in (VarietyCodec(name, 6, 7, puzzle.box), MixedCodec(PUZZLINK, 6, 7, box=(2, 2))):
        assert codec.board(codec.encode(puzzle)[0]) == puzzle


def test_tokens_that_are_not_a_board_are_refused() -> None:
    codec = MixedCodec(("sudoku", "tapa"), 4, 4)
    two = np.full(16, codec.range("sudoku")[0])
    two[3] = codec.range("tapa")[0]
    with pytest.raises(PuzzleError, match="tokens of several varieties for a codec of sudoku, tapa"):
        codec.board(two)
    with pytest.raises(PuzzleError, match="a board of pad cells alone"):
        VarietyCodec("tapa", 4, 4).board(np.zeros(16, np.int64))


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(PuzzleError, match=r"variety 'chess' is not known here; known are sudoku, .*, maze"):
        verifier_for("chess", 8, 8)
    maze = Maze.from_text("S.\n.G")
    with pytest.raises(PuzzleError, match="there is no generator of 'maze'; there are sudoku, "):
        solve(maze)
    with pytest.raises(PuzzleError, match="there is no generator of 'maze'"):
        generate("maze", 4, 4)


def test_boxes_are_the_usual_ones_unless_given() -> None:
    assert verifier_for("sudoku", 6, 8) == SudokuVerifier(6, 8, 2, 3)
    assert verifier_for("sudoku", 6, 8, (3, 2)) == SudokuVerifier(6, 8, 3, 2)


def test_the_folder_of_a_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "puzzles.jsonl"
    assert generate_file("tapa", 4, 2, path) == 2
    assert len(path.read_text().splitlines()) == 2
