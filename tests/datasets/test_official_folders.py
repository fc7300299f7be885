"""Processed folders of the official code, mapped; what is damaged or does not fit is named."""

from __future__ import annotations

import json
import resource
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.official_folder import TOKENS, TOP, official

import tts
from tts.datasets import Dataset, identifier_names, open_dataset
from tts.errors import PuzzleError, TTSError
from tts.puzzles import VarietyCodec
from tts.testing import SmallModel

CODEC = VarietyCodec("sudoku", 9, 9)


def test_an_official_folder_gives_tokens_ids_and_labels(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.int32, np.uint16):
        path = official(tmp_path / dtype.__name__, dtype=dtype)
        for data in (open_dataset(path), open_dataset(path / "test")):
            data.check(SmallModel(CODEC))
            assert torch.equal(torch.as_tensor(data.puzzles).long(), torch.from_numpy(TOKENS))
            assert torch.equal(data.labels(CODEC).short(), TOP.labels())
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
    assert data[-1:].labels(VarietyCodec("maze", 30, 30))[0, -1] == 4
    assert torch.as_tensor(data[:1].puzzles).sum() == 0
    assert data.ignore < 0  # no cell has it
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


@pytest.mark.parametrize(
    ("part", "array", "sentence"),
    [
        ("inputs", None, "all__inputs.npy is missing"),
        ("inputs", np.zeros((6, 80), np.uint8), r"shape \[6, 80\]; expected \[6, 81\]"),
        ("inputs", np.zeros((6, 81)), "holds float64 .*expected rows of whole numbers"),
        ("inputs", np.array([[None] * 81] * 6), "is damaged or not an array"),
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


def test_what_numpy_says_of_a_damaged_header_is_cut_to_its_first_line(tmp_path: Path) -> None:
    path = official(tmp_path) / "test" / "all__puzzle_indices.npy"
    content = bytearray(path.read_bytes())
    content[8:10] = (20_000).to_bytes(2, "little")  # a header longer than numpy reads, of which it says much
    path.write_bytes(bytes(content) + bytes(20_000))
    with pytest.raises(
        PuzzleError, match=r"all__puzzle_indices\.npy is damaged or not an array; copy it again: Header info"
    ) as raised:
        open_dataset(tmp_path / "data")
    assert "\n" not in str(raised.value)


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
        Dataset("x", data.puzzles, ids=ids).check(model)


def test_labels_that_are_no_tokens_are_refused(tmp_path: Path) -> None:
    path = official(tmp_path) / "test" / "all__labels.npy"
    for value, sentence in ((11, "row 4: a label that is not a token"), (0, "row 4: no labelled cell")):
        labels = TOP.labels().numpy().astype(np.uint8)
        labels[4] = value
        np.save(path, labels)
        data = open_dataset(tmp_path / "data")
        with pytest.raises(PuzzleError, match=sentence):
            data[1:][1:].labels(CODEC)
        assert len(data[:4].labels(CODEC)) == 4


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
        damaged = open_dataset(folder)
        damaged.check(SmallModel(CODEC))
        damaged.labels(CODEC)
