"""VarietyCodec: padding, cropping, vocabulary, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import boards

from tts.errors import PuzzleError
from tts.puzzles import PUZZLINK, Lightup, Nurikabe, Sudoku, Tapa, VarietyCodec, verifier_for
from tts.verifiers.tokens import NURIKABE_NUMBER, UNKNOWN


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
@settings(max_examples=40)
def test_a_codec_pads_boards_and_crops_answers(variety: str, data: st.DataObject) -> None:
    if variety == "sudoku":
        board = data.draw(boards.sudokus(boxes=((3, 3), (2, 2)), unknown=False))
    else:
        board = data.draw(boards.boards(variety, max_side=5))
    grid = data.draw(boards.grids(board))
    codec = VarietyCodec(variety, 10, 11, box=board.box, vocab_size=6000)
    tokens, number = codec.encode(board)
    assert number == 0
    padded = tokens.reshape(10, 11)
    assert (padded[: board.height, : board.width].ravel() == board.tokens()).all()
    padded = padded.copy()
    padded[: board.height, : board.width] = 0
    assert not padded.any()
    answers = np.full((10, 11), 3)
    answers[: board.height, : board.width] = board.answer_tokens(grid).reshape(board.height, board.width)
    assert (codec.decode(board, answers.ravel()) == board.grid(board.answer_tokens(grid))).all()
    assert codec.verifier == verifier_for(variety, 10, 11, board.box)


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
@settings(max_examples=40)
def test_a_codecs_vocabulary_holds_every_token(variety: str, data: st.DataObject) -> None:
    board = data.draw(boards.sudokus(unknown=False) if variety == "sudoku" else boards.boards(variety))
    codec = VarietyCodec(variety, board.height, board.width, box=board.box)
    used = max(board.tokens().max(), *board.values().values())
    assert codec.vocab_size > max(board.values().values())
    if max(np.array(board.clues).ravel().max(initial=0) if variety != "tapa" else 0, 0) <= board.height * board.width:
        assert used < codec.vocab_size
        codec.encode(board)


def test_what_a_codec_refuses() -> None:
    codec = VarietyCodec("sudoku", 9, 9)
    assert (codec.vocab_size, codec.box, codec.pad) == (11, (3, 3), 0)
    refused = [
        (codec, Lightup(9, 9, (-1,) * 81), "lightup with boxes None for a codec of sudoku"),
        (codec, Sudoku((0,) * 16, 2, 2), r"boxes \(2, 2\) for a codec of sudoku with boxes \(3, 3\)"),
        (codec, Sudoku((0,) * 80 + (UNKNOWN,)), "clue at row 9, column 9 needs token 11"),
        (VarietyCodec("lightup", 3, 3), Lightup(4, 3, (-1,) * 12), "a board of 4 x 3 for a codec of 3 x 3"),
        (VarietyCodec("lightup", 3, 3), Tapa(1, 1, ((),)), "a tapa board for a codec of lightup"),
        (VarietyCodec("nurikabe", 2, 2), Nurikabe(1, 2, (-1, 5)), f"column 2 needs token {NURIKABE_NUMBER + 5}"),
    ]
    for refusing, board, message in refused:
        with pytest.raises(PuzzleError, match=message):
            refusing.encode(board)
