"""What a search says of arguments and puzzles that it cannot use."""

import pytest
import torch
from support.models import CELLS, VOCABULARY, Wanderer, random_tokens, small_sudoku_model

from tts import GaussianNoise, Halted, PuzzleError, QSelector, Search, ShapeError
from tts.puzzles import Sudoku

NOISE = GaussianNoise(0.5, ("y", "z"))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"k": 0}, ValueError, "k must be 1 or more; got 0"),
        ({"k": 2.0}, TypeError, "k must be a whole number; got 2.0"),
        ({"depth": 0}, ValueError, "depth must be 1 or more; got 0"),
        ({"lanes": -1}, ValueError, "lanes must be 1 or more; got -1"),
        ({"lanes": "many"}, TypeError, "lanes must be a whole number; got 'many'"),
        ({"waves": ()}, ValueError, r"waves is \(\); give sizes"),
        ({"waves": (1, 0)}, ValueError, r"waves is \(1, 0\); give sizes"),
        ({"record": ("logits",)}, ValueError, "record has 'logits'; choose among q, residual, answers, y, z"),
        ({"stop": 3}, TypeError, "stop must be a Stop; got 3"),
        ({"stop": Halted}, TypeError, r"stop must be a Stop; got the class itself; write Halted\(...\)"),
        ({"strategy": 0.1}, TypeError, "strategy must be a Strategy; got 0.1"),
        ({"selector": QSelector}, TypeError, r"selector must be a Selector; got the class itself; write QSelector\("),
        ({"model": "sudoku-9x9"}, TypeError, "model must be a RecursiveModel; got 'sudoku-9x9'"),
    ],
)
def test_a_search_says_what_is_wrong_with_its_parts(change, error, says):
    good = {"model": Wanderer(), "strategy": NOISE, "selector": QSelector(), "k": 2}
    with pytest.raises(error, match=says) as caught:
        Search(**good | change)
    assert len(str(caught.value)) < 200


BAD_PUZZLES = [
    (torch.ones(2, CELLS + 1, dtype=torch.int64), {}, ShapeError, r"\[B, L\] with L = 6 \(2 x 3\).*\[2, 7\]"),
    (torch.ones(CELLS, dtype=torch.int64), {}, ShapeError, r"integer tokens \[B, L\]"),
    (torch.ones(2, CELLS), {}, ShapeError, r"integer tokens.*torch.float32"),
    (torch.full((3, CELLS), VOCABULARY), {}, PuzzleError, "puzzle 0 has token 7 in cell 0.*0 to 6"),
    (-random_tokens(3, 1), {}, PuzzleError, "puzzle 0 has token -"),
    (random_tokens(2), {"ids": torch.zeros(3, dtype=torch.int64)}, ShapeError, r"ids must be an integer.*B = 2.*\[3\]"),
    (random_tokens(2), {"ids": torch.zeros(2)}, ShapeError, "ids must be an integer tensor.*float32"),
    (random_tokens(2), {"keys": torch.zeros(2, 1).long()}, ShapeError, r"keys must be an integer.*\[2, 1\]"),
    (random_tokens(2), {"keys": [1, 2]}, ShapeError, "keys must be an integer tensor.*a list"),
    (random_tokens(2), {"seed": 0.5}, TypeError, "float"),
    ([Sudoku([0] * 16, 2, 2)], {"ids": torch.zeros(1).long()}, ShapeError, "ids go with tokens"),
    ([Sudoku([0] * 16, 2, 2)], {}, PuzzleError, "cannot read a sudoku board; pass tokens"),
    (Sudoku([0] * 16, 2, 2), {}, PuzzleError, "a list of boards; got a Sudoku"),
    ("1...", {}, PuzzleError, "a list of boards; got a str"),
    (["1..."], {}, PuzzleError, "puzzle 0 is a str; tts.parse makes boards"),
    (random_tokens(2).numpy(), {}, PuzzleError, "tokens .* or a list of boards; got a ndarray"),
]


@pytest.mark.parametrize(("puzzles", "more", "error", "says"), BAD_PUZZLES)
def test_a_search_says_what_is_wrong_with_puzzles(puzzles, more, error, says):
    search = Search(Wanderer(), NOISE, QSelector(), k=2, depth=1)
    with pytest.raises(error, match=says):
        search(puzzles, **more)
    with pytest.raises(error, match=says):
        list(search.stream(puzzles, **more))


def test_a_wrong_board_among_good_ones_is_named():
    boards = [Sudoku([0] * 16, 2, 2), Sudoku([0] * 81, 3, 3)]
    with pytest.raises(PuzzleError, match=r"puzzle 1: .*\(3, 3\)"):
        Search(small_sudoku_model(), NOISE, QSelector(), k=2, depth=1)(boards)


@pytest.mark.parametrize("nothing", [[], torch.zeros(0, CELLS, dtype=torch.int64)])
def test_nothing_to_search(nothing):
    search = Search(Wanderer(), NOISE, QSelector(), k=2)
    with pytest.raises(PuzzleError, match="no puzzles were given"):
        search(nothing)
    assert list(search.stream(nothing)) == []


def test_a_model_without_a_codec_is_told_so():
    model = Wanderer()
    model.codec = None
    with pytest.raises(PuzzleError, match="build it with codec="):
        Search(model, NOISE, QSelector(), k=2)(random_tokens(1))
