"""Pencil Puzzle Bench: its golden sets, and the word of its own pzpr."""

from __future__ import annotations

import numpy as np
import pytest
from support.pzpr import golden as with_answers
from support.pzpr import needs_node

from tts import GaussianNoise, QSelector, Search, load
from tts._util import extras
from tts.datasets import named_dataset
from tts.datasets.ppbench import PAPER, Pzpr, golden
from tts.errors import PuzzleError, TTSError
from tts.evaluation import Evaluation, Score, evaluate, paper_table
from tts.metrics import wilson_interval
from tts.puzzles import PUZZLINK, Board


@pytest.mark.parametrize("variety", PUZZLINK)
def test_golden_sets_have_names_and_no_labels(variety: str) -> None:
    data = golden(variety)
    assert len(data) == 15
    assert data.name == f"ppbench:{variety}"
    assert [board for board, _ in with_answers(variety)] == list(data.puzzles)
    board = data.puzzles[0]
    assert isinstance(board, Board)
    assert not data.labelled
    small = golden(variety, (board.height, board.width))
    assert {(board.height, board.width) for board in small.puzzles} == {(board.height, board.width)}  # type: ignore[union-attr]


def test_the_paper_counts_49_puzzles() -> None:
    counts = {variety: len(golden(variety, size)) for variety, size in PAPER.items()}
    assert counts == {"sudoku": 15, "lightup": 8, "nurikabe": 9, "heyawake": 7, "tapa": 10}


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(PuzzleError, match="ppbench has no golden tapa of 3x4; it has 8x8, 9x9, 10x10"):
        golden("tapa", (3, 4))
    with pytest.raises(PuzzleError, match="golden 'slither' is not known here"):
        golden("slither")


@needs_node
@pytest.mark.parametrize("variety", PUZZLINK)
def test_the_judge_takes_right_answers_alone(variety: str) -> None:
    boards, answers = zip(*with_answers(variety)[:4], strict=True)
    judge = Pzpr()
    assert judge(boards, answers).all()
    rng = np.random.default_rng(0)
    wrong = []
    for board, answer in zip(boards, answers, strict=True):
        cell = rng.choice(np.flatnonzero(~board.held()))
        changed = answer.copy().ravel()
        others = [value for value in board.values() if value != changed[cell] and (value or variety != "sudoku")]
        changed[cell] = rng.choice(others)
        wrong.append(changed.reshape(answer.shape))
    assert not judge(boards, wrong).any()
    ours = [board.violations(grid) for board, grid in zip(boards, wrong, strict=True)]
    assert [set(codes) for codes in judge.failcodes(boards, wrong)] == [set(codes) for codes in ours]


@needs_node
def test_an_answer_that_overwrites_a_clue_or_means_nothing_is_not_solved() -> None:
    (board, answer), *_ = with_answers("sudoku")
    clue = int(np.flatnonzero(board.held())[0])
    free = int(np.flatnonzero(~board.held())[0])
    assert Pzpr()([board], [answer]).all()
    for cell, value in ((clue, board.tokens()[clue] % 9 + 1), (free, -1)):
        changed = answer.copy()
        changed.ravel()[cell] = value
        assert "illegalCell" in Pzpr().failcodes([board], [changed])[0]
        assert not Pzpr()([board], [changed]).any()


@needs_node
def test_a_search_of_golden_sudokus_has_the_word_of_pzpr_beside_the_rules() -> None:
    data = named_dataset("ppbench:sudoku:9")
    search = Search(load("sudoku-9x9"), GaussianNoise(0.5, ("y", "z")), QSelector(), k=3, depth=6)
    evaluation = evaluate(search, data[:4])
    for score in evaluation.scores:
        assert set(score.right) == {"rules", "pzpr"}
        assert score.right["rules"] == score.right["pzpr"]
    assert evaluation.scores[-1].right["pzpr"].mean > 0


def test_the_table_has_a_column_a_variety_and_one_for_all() -> None:
    def made(right: int, n: int) -> Evaluation:
        score = Score("best-Q@2", {"pzpr": wilson_interval(right, n)}, 1, 1.0)
        return Evaluation("x", n, "y", (score,))

    lines = paper_table({"sudoku": made(15, 15), "tapa": made(4, 10)}).splitlines()
    assert lines[0] == "| answer | sudoku 15 | tapa 10 | all 25 |"
    assert lines[2] == "| best-Q@2 | 100.0 (80-100) | 40.0 (17-69) | 76.0 (57-89) |"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(extras, "find_spec", lambda name: None)
        with pytest.raises(TTSError, match=r"pip install 'test-time-search\[ppbench\]'"):
            golden("sudoku")
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    with pytest.raises(TTSError, match="needs node"):
        Pzpr()


@needs_node
def test_a_judge_that_fails_says_on_what(tmp_path_factory: pytest.TempPathFactory) -> None:
    (board, answer), *_ = with_answers("tapa")
    broken = tmp_path_factory.mktemp("engine") / "pzpr.js"
    broken.write_text("throw new Error('no engine');")
    with pytest.raises(TTSError, match=r"ppbench's judge failed on https://puzz\.link/p\?tapa"):
        Pzpr(broken)([board], [answer])
