"""Data as people have it: official folders, csv, lists and JSON lines; what is damaged is named."""

from __future__ import annotations

import json
import re
import resource
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from official_folder import write_official

import tts
from tts.dataset import Boards, Dataset, label_of
from tts.datasets import sudokus
from tts.errors import PuzzleError, TTSError
from tts.processed import identifier_names
from tts.puzzles import VarietyCodec
from tts.reading import open_dataset
from tts.small import SmallModel

CODEC = VarietyCodec("sudoku", 9, 9)
TOP = sudokus()["top95"][:6]
TEXT = [board.format_answer(np.zeros((9, 9), np.int64)) for board in TOP.puzzles]
SOLUTIONS = [
    board.format_answer(board.grid(label)) for board, label in zip(TOP.puzzles, TOP.labels.numpy(), strict=True)
]
TOKENS = np.stack([board.tokens() for board in TOP.puzzles])


def official(folder: Path, **changes: object) -> Path:
    return write_official(folder / "data", TOKENS, TOP.labels.numpy(), 11, **changes)  # type: ignore[arg-type]


def test_an_official_folder_gives_tokens_ids_and_labels(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.int32, np.uint16):
        path = official(tmp_path / dtype.__name__, dtype=dtype)
        for data in (open_dataset(path), open_dataset(path / "test")):
            data.check(SmallModel(CODEC))
            assert torch.equal(torch.as_tensor(data.puzzles).long(), torch.from_numpy(TOKENS))
            labels = data.labels(CODEC)
            assert labels is not None
            assert torch.equal(labels.long(), TOP.labels)
            assert (data.ids == 0).all()
            assert (data.ignore, data.pad, data.vocab_size) == (0, 0, 11)
        assert identifier_names(path) == identifier_names(path / "test") == ["<blank>"]


def test_examples_find_their_puzzle_and_group(tmp_path: Path) -> None:
    path = official(tmp_path, examples=(1, 3, 2))
    np.save(path / "test" / "all__puzzle_identifiers.npy", np.array([7, 5, 9], np.int32))
    np.save(path / "test" / "all__group_indices.npy", np.array([0, 1, 3], np.int32))
    data = open_dataset(path)
    assert data.ids is not None
    assert data.groups is not None
    assert data.ids.tolist() == [7, 5, 5, 5, 9, 9]
    assert data.groups.tolist() == [0, 1, 1, 1, 1, 1]
    part = data[2:5]
    assert part.ids is not None
    assert (part.ids.tolist(), part.first, len(part)) == ([5, 5, 9], 2, 3)
    assert torch.equal(torch.as_tensor(part.puzzles), torch.as_tensor(data.puzzles)[2:5])
    assert [len(batch) for batch in data.batches(4)] == [4, 2]
    assert [len(batch[:1]) for batch in data.batches(4)] == [1, 1]
    assert len(data[10:20]) == 0


def test_what_is_not_used_is_not_read(tmp_path: Path) -> None:
    """200 MB of rows, of which the first and the last are looked at."""
    folder = tmp_path / "test"
    folder.mkdir()
    n, cells = 250_000, 900
    for part in ("inputs", "labels"):
        with (folder / f"all__{part}.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (n, cells)})
            file.truncate(file.tell() + n * cells)
            file.seek(-1, 2)
            file.write(b"\x04")
    np.save(folder / "all__puzzle_identifiers.npy", np.zeros(n, np.int32))
    for part in ("puzzle", "group"):
        np.save(folder / f"all__{part}_indices.npy", np.arange(n + 1, dtype=np.int32))
    about = {"seq_len": cells, "vocab_size": 6, "pad_id": 0, "ignore_label_id": None, "sets": ["all"]}
    (folder / "dataset.json").write_text(json.dumps(about))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = open_dataset(tmp_path)
    assert data[-1:].labels(VarietyCodec("maze", 30, 30))[0, -1] == 4  # type: ignore[index]
    assert torch.as_tensor(data[:1].puzzles).sum() == 0
    assert data.ignore is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_plain_lists_with_and_without_solutions(tmp_path: Path) -> None:
    bare, both, named = (tmp_path / name for name in ("bare.txt", "both.txt", "named.txt"))
    bare.write_text("# from a list, by hand\n" + "\n\n".join([TOP.puzzles[0].to_url(), *TEXT[1:]]) + "\n \n")
    pairs = [f"{puzzle} {solution}" for puzzle, solution in zip(TEXT, SOLUTIONS, strict=True)]
    both.write_text("\r\n".join(pairs), encoding="utf-8-sig")
    named.write_text("".join(f"top95 {pair}\n" for pair in pairs))
    assert open_dataset(bare).labels(CODEC) is None
    for path in (bare, both, named):
        data = open_dataset(path)
        assert tuple(data.puzzles) == TOP.puzzles
        assert len(data[1:3]) == 2
        assert tuple(data[1:3].puzzles) == TOP.puzzles[1:3]
        if path != bare:
            assert torch.equal(data[1:3].labels(CODEC).long(), TOP.labels[1:3])  # type: ignore[union-attr]


def test_the_csv_of_sudoku_extreme(tmp_path: Path) -> None:
    pairs = zip(TEXT, SOLUTIONS, strict=True)
    lines = [f'"puzzles2, 17 clue",{puzzle},{solution},{row}' for row, (puzzle, solution) in enumerate(pairs)]
    (tmp_path / "test.csv").write_text("\n".join(["source,question,answer,rating", *lines]) + "\n")
    for path in (tmp_path, tmp_path / "test.csv"):
        data = open_dataset(path)
        assert tuple(data.puzzles) == TOP.puzzles
        assert torch.equal(data.labels(CODEC).long(), TOP.labels)  # type: ignore[union-attr]


def test_the_csv_of_mazes_writes_open_cells_as_spaces(tmp_path: Path) -> None:
    path = tmp_path / "mazes.csv"
    path.write_text("source,question,answer,rating\nmade,  #S # G ,  #So# G ,3\n")
    data = open_dataset(path)
    board = data.puzzles[0]
    labels = data.labels(VarietyCodec("maze", 3, 3))
    assert labels is not None
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
    assert labels is not None
    tokens = torch.from_numpy(np.stack([codec.encode(board)[0] for board in data.puzzles]))
    assert codec.verifier is not None
    assert codec.verifier.valid(tokens, labels).all()
    path.write_text(json.dumps({"url": json.loads(path.read_text().splitlines()[0])["url"]}))
    assert open_dataset(path).labels(codec) is None


@pytest.mark.parametrize("variety", tts.puzzles.VARIETIES)
def test_labels_are_what_the_codec_decodes_to_the_solution(variety: str) -> None:
    from solved_boards import solved

    from tts.puzzles import VARIETIES

    tokens, answers = solved(variety, 4, 4, np.random.default_rng(1))
    board = VARIETIES[variety].from_tokens(tokens.ravel(), 4, 4)
    codec = VarietyCodec(variety, 6, 5, box=(2, 2)) if variety == "sudoku" else VarietyCodec(variety, 6, 5)
    label = label_of(codec, board, board.grid(answers.ravel()))
    padded = np.zeros((6, 5), np.int64)
    padded[:4, :4] = answers
    assert (label == padded.ravel()).all()


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
        ("x.txt", GOOD + "\udcff\n", "line 2: no text"),
        ("x.txt", GOOD + "1" * 70_000, "line 2: 70000 bytes long"),
        ("x.csv", "a,b\n1,2\n", "line 1: no column question"),
        ("x.csv", f"question,answer\n{TEXT[0]},{SOLUTIONS[0]}\n{TEXT[1]}\n", "line 3: 1 fields"),
        ("x.jsonl", '{"url": 3}\n', 'line 1: no "url"'),
        ("x.jsonl", '{"url": "S..G", "solution": 4}\n', 'line 1: "solution" is no text'),
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
    with pytest.raises(PuzzleError, match="is no data set"):
        open_dataset(tmp_path)
    with pytest.raises(PuzzleError, match="has no split 'valid'; it has test"):
        open_dataset(official(tmp_path), "valid")


@pytest.mark.parametrize(
    ("part", "array", "sentence"),
    [
        ("inputs", None, "all__inputs.npy is missing"),
        ("inputs", np.zeros((6, 80), np.uint8), r"shape \[6, 80\]; expected \[6, 81\]"),
        ("inputs", np.zeros((6, 81)), "holds float64 .*expected rows of whole numbers"),
        ("inputs", np.array([[None] * 81] * 6), "is damaged or no array"),
        ("labels", np.zeros((5, 81), np.uint8), r"shape \[5, 81\]; expected \[6, 81\]"),
        ("puzzle_identifiers", np.zeros(4, np.int32), r"shape \[4\]; expected \[6\]"),
        ("puzzle_indices", np.array([0, 3]), "expected places that run from 0 to 6"),
        ("puzzle_indices", np.array([0, 3, 2, 4, 5, 6, 6]), "entry 2 is less than the one before"),
        ("group_indices", np.array([], np.int32), "expected places that run from 0 to 6"),
    ],
)
def test_official_arrays_that_do_not_fit_are_named(tmp_path: Path, part: str, array: np.ndarray, sentence: str) -> None:
    path = official(tmp_path) / "test" / f"all__{part}.npy"
    path.unlink()
    if array is not None:
        np.save(path, array, allow_pickle=True)
    with pytest.raises(PuzzleError, match=sentence) as raised:
        open_dataset(tmp_path / "data")
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seq_len": "many"}, "seq_len is 'many'"),
        ({"vocab_size": None}, "vocab_size is None"),
        ({"sets": ["a", "b"]}, "sets is"),
        ({"sets": ["../../etc/passwd"]}, "sets is"),
        ({"pad_id": 1.5}, "pad_id is 1.5"),
    ],
)
def test_descriptions_that_cannot_be_used(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    path = official(tmp_path) / "test" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PuzzleError, match=sentence):
        open_dataset(path.parent)
    for broken in ("[]", "{", "\x00", "[" * 100_000):
        path.write_text(broken)
        with pytest.raises(PuzzleError, match=r"dataset\.json"):
            open_dataset(path.parent)


def test_data_of_another_model_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = open_dataset(official(tmp_path))
    with pytest.raises(PuzzleError, match="has 81 cells a puzzle, the model 900"):
        data.check(SmallModel(VarietyCodec("maze", 30, 30)))
    with pytest.raises(PuzzleError, match="has 11 tokens, the model 12"):
        data.check(SmallModel(tts.TokenCodec(9, 9, 12)))
    with pytest.raises(PuzzleError, match="has 0 for the pad token, the model 10"):
        data.check(SmallModel(tts.TokenCodec(9, 9, 11, pad=10)))
    model = SmallModel(CODEC)
    model.config = type("Config", (), {"num_puzzle_identifiers": 3})  # type: ignore[assignment]
    ids = torch.tensor([0, 0, 0, 0, 3, 0])
    with pytest.raises(PuzzleError, match="puzzle identifier 3, and the model learnt 3"):
        Dataset("x", data.puzzles, ids).check(model)


def test_labels_that_are_no_tokens_are_refused(tmp_path: Path) -> None:
    path = official(tmp_path) / "test" / "all__labels.npy"
    for value, sentence in ((11, "row 4: a label that is no token"), (0, "row 4: no labelled cell")):
        labels = TOP.labels.numpy().astype(np.uint8)
        labels[4] = value
        np.save(path, labels)
        data = open_dataset(tmp_path / "data")
        with pytest.raises(PuzzleError, match=sentence):
            data[1:][1:].labels(CODEC)
        assert data[:4].labels(CODEC) is not None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_end_in_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes changed, cut off or added anywhere: a search-ready data set or a TTSError, never anything else."""
    folder = official(tmp_path_factory.mktemp("damaged")) / "test"
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, min(len(raw) - 1, 200)))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    path.write_bytes(bytes(raw) + data.draw(st.binary(max_size=3)))
    with suppress(TTSError):
        found = open_dataset(folder)
        found.check(SmallModel(CODEC))
        found.labels(CODEC)


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


def test_the_code_of_the_page_on_data_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[1] / "docs" / "data.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    (tmp_path / "puzzles.txt").write_text("".join(f"{a} {b}\n" for a, b in zip(TEXT, SOLUTIONS, strict=True)))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page.name, "exec"), names)
    assert len(names["labels"]) == 2  # type: ignore[arg-type]
