"""Data as people have it: official folders, csv, lists and JSON lines; what is damaged is named."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from support.official_folder import TOP, official

import tts
from tts.datasets import Boards, Dataset, KnownBoards, open_dataset, sudokus_6x6
from tts.errors import PuzzleError, ShapeError
from tts.interfaces import Codec
from tts.puzzles import MixedCodec, VarietyCodec
from tts.testing import SmallModel

CODEC = VarietyCodec("sudoku", 9, 9)
TEXT = [board.format_answer(np.zeros((9, 9), np.int64)) for board in TOP.puzzles]
LABELS = TOP.labels()
SOLUTIONS = [board.format_answer(board.grid(label)) for board, label in zip(TOP.puzzles, LABELS.numpy(), strict=True)]


def test_plain_lists_with_and_without_solutions(tmp_path: Path) -> None:
    bare, both, named = (tmp_path / name for name in ("bare.txt", "both.txt", "named.txt"))
    bare.write_text("# from a list, by hand\n" + "\n\n".join([TOP.puzzles[0].to_url(), *TEXT[1:]]) + "\n \n")
    pairs = [f"{puzzle} {solution}" for puzzle, solution in zip(TEXT, SOLUTIONS, strict=True)]
    both.write_text("\r\n".join(pairs), encoding="utf-8-sig")
    named.write_text("".join(f"top95 {pair}\n" for pair in pairs))
    assert not open_dataset(bare).labelled
    for path in (bare, both, named):
        data = open_dataset(path)
        assert tuple(data.puzzles) == tuple(TOP.puzzles)
        assert len(data[1:3]) == 2
        assert tuple(data[1:3].puzzles) == tuple(TOP.puzzles[1:3])
        if path != bare:
            assert torch.equal(data[1:3].labels(CODEC), LABELS[1:3])


def test_the_csv_of_sudoku_extreme(tmp_path: Path) -> None:
    pairs = zip(TEXT, SOLUTIONS, strict=True)
    lines = [f'"puzzles2, 17 clue",{puzzle},{solution},{row}' for row, (puzzle, solution) in enumerate(pairs)]
    (tmp_path / "test.csv").write_text("\n".join(["source,question,answer,rating", *lines]) + "\n")
    for path in (tmp_path, tmp_path / "test.csv"):
        data = open_dataset(path)
        assert tuple(data.puzzles) == tuple(TOP.puzzles)
        assert torch.equal(data.labels(CODEC), LABELS)


def test_the_csv_of_mazes_writes_open_cells_as_spaces(tmp_path: Path) -> None:
    path = tmp_path / "mazes.csv"
    path.write_text("source,question,answer,rating\nmade,  #S # G ,  #So# G ,3\n")
    data = open_dataset(path)
    board = data.puzzles[0]
    labels = data.labels(VarietyCodec("maze", 3, 3))
    assert "".join("# SGo"[token - 1] for token in labels[0].tolist()) == "  #So# G "
    assert board.variety == "maze"  # type: ignore[union-attr]


def test_lists_of_mazes_may_begin_with_a_wall(tmp_path: Path) -> None:
    path = tmp_path / "mazes.txt"
    path.write_text("# two mazes, 2 x 2\n#S.G #SoG\n#\nS#.G S#oG\n")
    data = open_dataset(path)
    assert [board.to_text() for board in data.puzzles] == ["#S\n.G", "S#\n.G"]  # type: ignore[union-attr]


def test_json_lines_as_generate_writes_them(tmp_path: Path) -> None:
    from tts.puzzles.generate import generate_file

    path = tmp_path / "made.jsonl"
    generate_file("lightup", 5, 4, path, seed=1)
    data = open_dataset(path)
    codec = VarietyCodec("lightup", 6, 6)
    labels = data.labels(codec)
    tokens = torch.from_numpy(np.stack([codec.encode(board)[0] for board in data.puzzles]))
    assert codec.verifier is not None
    assert codec.verifier.valid(tokens, labels).all()
    path.write_text(json.dumps({"url": json.loads(path.read_text().splitlines()[0])["url"]}))
    with pytest.raises(PuzzleError, match="has no solutions: add them, or take other data"):
        open_dataset(path).labels(codec)


@pytest.mark.parametrize("variety", tts.puzzles.PUZZLINK)
def test_labels_are_what_the_codec_decodes_to_the_solution(variety: str) -> None:
    from support.solved_boards import solved

    from tts.puzzles import VARIETIES

    tokens, answers = solved(variety, 4, 4, np.random.default_rng(1))
    board = VARIETIES[variety].board.from_tokens(tokens.ravel(), 4, 4)
    codec = VarietyCodec(variety, 6, 5, box=(2, 2)) if variety == "sudoku" else VarietyCodec(variety, 6, 5)
    grid = board.grid(answers.ravel())
    label = codec.encode_answer(board, grid)
    padded = np.zeros((6, 5), np.int64)
    padded[:4, :4] = answers
    assert (label == padded.ravel()).all()
    assert (Codec.encode_answer(codec, board, grid) == label).all()  # as for a codec that only decodes
    mixed = MixedCodec(["maze", variety], 6, 5, box=(2, 2) if variety == "sudoku" else None)
    assert (mixed.decode(board, mixed.encode_answer(board, grid)) == grid).all()
    grid[0, 0] = 99
    for one in (codec, mixed):
        for encode in (one.encode_answer, partial(Codec.encode_answer, one)):
            with pytest.raises(PuzzleError, match="a value that is not an answer to this puzzle"):
                encode(board, grid)
    with pytest.raises(PuzzleError, match="does not say what its tokens mean"):
        tts.TokenCodec(6, 5, 9).encode_answer(board, grid)


def test_a_data_set_is_made_of_tensors() -> None:
    tokens = torch.arange(1, 13).view(3, 4)
    data = Dataset("mine", tokens, answers=tokens.flip(1), ids=torch.arange(3))[1:]
    assert data.labelled
    assert data.labels().tolist() == tokens.flip(1)[1:].tolist()
    assert (data.ids.tolist(), data.first, data.boards) == ([1, 2], 1, None)  # type: ignore[union-attr]
    every = Dataset("mine", tokens, answers=tokens * 0, ignore=None)
    assert (every.labels(tts.TokenCodec(2, 2, 13)) == 0).all()  # without ignore 0 is a label as any other
    with pytest.raises(PuzzleError, match="mine, row 0: no labelled cell"):
        attrs.evolve(every, ignore=0).labels()
    with pytest.raises(ShapeError, match=r"labels must be integer \[B, L\] = \[3, 4\], a row for each puzzle"):
        Dataset("mine", tokens, answers=tokens[:2]).labels()


def test_bundled_sets_label_boards_in_their_own_tokens() -> None:
    assert torch.equal(TOP.labels(), TOP.labels(CODEC))
    grids = tuple(np.ones((side, side), np.int64) for side in (9, 6))
    boards = KnownBoards("two sizes", (TOP.puzzles[0], sudokus_6x6().puzzles[0]), grids)
    with pytest.raises(PuzzleError, match="two sizes, puzzle 2: a board of another size than the first"):
        Dataset("two sizes", boards).labels()


GOOD = f"{TEXT[0]} {SOLUTIONS[0]}\n"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.txt", "", "holds no puzzles"),
        ("x.txt", "# nothing\n\n", "holds no puzzles"),
        ("x.csv", "source,question,answer,rating\n", "holds no puzzles"),
        ("x.txt", GOOD + "12x\n", "line 2: .*3 cells"),
        ("x.txt", GOOD + "\n" + TEXT[1], "line 3: no solution, and other rows have one"),
        ("x.txt", GOOD + f"{TEXT[1]} {SOLUTIONS[1][:-1]}\n", "line 2: the solution: .*80 characters"),
        ("x.txt", GOOD + f"{TEXT[1]} {SOLUTIONS[1][:-1]}.\n", "line 2: the solution leaves cells empty"),
        ("x.txt", GOOD + "a b c d\n", "line 2: 4 words"),
        ("x.txt", GOOD + "\udcff\n", "line 2: not text"),
        ("x.txt", GOOD + "1" * 70_000, "line 2: 70000 bytes long"),
        ("x.csv", "a,b\n1,2\n", "line 1: no column question"),
        ("x.csv", f"question,answer\n{TEXT[0]},{SOLUTIONS[0]}\n{TEXT[1]}\n", "line 3: 1 fields"),
        ("x.jsonl", '{"url": 3}\n', 'line 1: no "url"'),
        ("x.jsonl", '{"url": "S..G", "solution": 4}\n', 'line 1: "solution" is not text'),
        ("x.jsonl", '{"url"\n', "line 1: "),
        ("x.jsonl", '{"a":' + "[" * 30_000 + "\n", "line 1: "),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(PuzzleError, match=sentence) as raised:
        open_dataset(path).labels(CODEC)
    assert str(path) in str(raised.value)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(PuzzleError, match="no data at"):
        open_dataset(tmp_path / "nothing")
    with pytest.raises(PuzzleError, match="is not a data set"):
        open_dataset(tmp_path)
    with pytest.raises(PuzzleError, match="has no split 'valid'; it has test"):
        open_dataset(official(tmp_path), "valid")


def test_boards_are_parsed_when_they_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(GOOD * 3 + "nonsense\n")
    boards = open_dataset(path).puzzles
    assert isinstance(boards, Boards)
    assert boards[1:][0] == TOP.puzzles[0]
    assert len(boards) == 4
    with pytest.raises(PuzzleError, match="line 4"):
        boards[3]
    result = tts.Search(SmallModel(CODEC), tts.Identity(), tts.QSelector(), k=1, depth=1)(boards[:3])
    assert len(result.answers) == 3
