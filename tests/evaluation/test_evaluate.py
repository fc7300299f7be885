"""tts evaluate: the table of a data set; killed, it comes to the same table."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from support.official_folder import write_official
from typer.testing import CliRunner

from tts import (
    GaussianNoise,
    Identity,
    MajorityVote,
    QSelector,
    Readout,
    Search,
    State,
    TokenCodec,
    Verified,
    VerifierSelector,
    load,
)
from tts.cli import app
from tts.datasets import Dataset, KnownBoards, named_dataset, open_dataset
from tts.errors import PuzzleError, StoreError, TTSError
from tts.evaluation import Evaluation, evaluate
from tts.puzzles import VarietyCodec, parse
from tts.puzzles.generate import generate
from tts.testing import Jitter, SmallModel, random_tokens

SMALL = SmallModel(VarietyCodec("sudoku", 4, 4))
TABLE = ("answer", "label", "rules", "lane_steps")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def table_of(folder: Path) -> list[tuple[str, ...]]:
    """The kept table, but for the seconds."""
    with (folder / "table.csv").open() as file:
        return [tuple(row[name] for name in TABLE) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve generated 9x9 sudokus, in the official form."""
    made = [generate("sudoku", 9, 9, seed=5, index=index) for index in range(12)]
    inputs = np.stack([one.puzzle.tokens() for one in made])
    labels = np.stack([one.puzzle.answer_tokens(one.grid) for one in made])
    return write_official(tmp_path_factory.mktemp("official"), inputs, labels, 11)


def test_an_official_folder_is_evaluated_as_a_search_would(official: Path, tmp_path: Path) -> None:
    arguments = ["--k", "3", "--depth", "4", "--limit", "8", "--device", "cpu", "--dtype", "float32", "--shard", "3"]
    code, out = run("evaluate", "sudoku-9x9", str(official), *arguments, "--out", str(tmp_path / "kept"))
    assert code == 0, out
    data = open_dataset(official)[:8]
    model = load("sudoku-9x9")
    alone = Search(model, Identity(), QSelector(), k=1, depth=4)(data.puzzles)
    noisy = Search(model, GaussianNoise(0.5, ("y", "z")), QSelector(), k=3, depth=4)(data.puzzles)
    labels = torch.as_tensor(data.answers)
    picks = {
        "deterministic": alone,
        "best-Q@3": noisy,
        "mode@3": noisy.select(MajorityVote()),
        "verified@3": noisy.select(VerifierSelector().then(QSelector())),
    }
    by_label = {name: float((pick.answers == labels).all(dim=1).double().mean()) for name, pick in picks.items()}
    by_rules = {name: float(pick.valid.double().mean()) for name, pick in picks.items()}
    by_label["pass@3"] = by_rules["pass@3"] = float(noisy.rollouts.correct(labels).any(dim=1).double().mean())
    rows = table_of(tmp_path / "kept")
    assert [row[0] for row in rows] == list(by_label)
    assert {row[0]: float(row[1]) for row in rows} == by_label
    assert {row[0]: float(row[2]) for row in rows} == by_rules
    assert [int(row[3]) for row in rows] == [8 * 4, *[8 * 3 * 4] * 4]
    assert by_rules["pass@3"] > 0
    assert "best-Q@3" in out
    assert f"{100 * by_label['deterministic']:.1f} (" in out
    assert (tmp_path / "kept" / "table.md").read_text().startswith("| answer | by label | by rules |")
    assert run("evaluate", "sudoku-9x9", str(official), *arguments, "--no-baseline")[1].count("deterministic") == 0


def test_a_killed_evaluation_comes_to_the_same_table(official: Path, tmp_path: Path) -> None:
    """kill -9 of a real process when some of its shards are there."""
    program = [str(Path(sys.executable).with_name("tts")), "evaluate", "sudoku-9x9", str(official)]
    program += ["--k", "4", "--depth", "6", "--shard", "1", "--device", "cpu", "--out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*program, str(whole)], check=True, capture_output=True, env=environment)
    shards = killed / "search" / "shards"
    with subprocess.Popen(
        [*program, str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        deadline = time.monotonic() + 120
        while not list(shards.glob("*.json")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in shards.glob("*.json")}
    assert 1 <= len(done) < 12
    assert not (killed / "table.csv").exists()
    subprocess.run([*program, str(killed)], check=True, capture_output=True, env=environment)
    assert table_of(killed) == table_of(whole)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    code, out = run(*program[1:], str(killed), "--seed", "1")
    assert code == 2
    assert "seed is 0 there and 1 here" in out.replace("\n", " ")


class OtherPath(SmallModel):
    """Answers with a shortest path that is not the label's."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__(VarietyCodec("maze", 3, 3))
        self.register_buffer("answer", answer)

    def read(self, state: State) -> Readout:
        out = super().read(state)
        logits = torch.nn.functional.one_hot(self.answer, self.codec.vocab_size).float()
        return Readout(logits.expand_as(out.logits), out.q, out.halt)


def test_a_maze_counts_by_the_rules_whatever_the_label_says() -> None:
    maze = parse("S..\n...\n..G")
    label, other = (maze.parse_answer(text) for text in ("Soo ..o ..G", "S.. o.. ooG"))
    tokens, labels = (torch.from_numpy(rows)[None] for rows in (maze.tokens(), maze.answer_tokens(label)))
    model = OtherPath(torch.from_numpy(maze.answer_tokens(other)))
    for data in (Dataset("a", KnownBoards("a", (maze,), (label,))), Dataset("b", tokens, answers=labels)):
        for score in evaluate(Search(model, Jitter(), QSelector(), k=2, depth=1), data).scores:
            assert score.right["label"].mean == 0
            assert score.right["rules"].mean == 1


def sudokus(n: int = 5) -> Dataset:
    """Random rows, so that a small untrained model fails on them."""
    tokens = random_tokens(SMALL, n)
    return Dataset("rows", tokens, answers=tokens)


def test_where_a_rule_ends_puzzles_only_the_answer_counts() -> None:
    search = Search(SMALL, Jitter(), QSelector(), k=4, depth=2, stop=Verified())
    assert [score.name for score in evaluate(search, sudokus()).scores] == ["deterministic", "best-Q@4"]


def test_what_nobody_can_judge_is_left_out_or_refused() -> None:
    model = SmallModel(TokenCodec(4, 4, 6))
    search = Search(model, Jitter(), QSelector(), k=2, depth=1)
    tokens = random_tokens(model, 3)
    assert {who for score in evaluate(search, Dataset("x", tokens, answers=tokens)).scores for who in score.right} == {
        "label"
    }
    with pytest.raises(TTSError, match="x has no labels and the model's tokens no known rules"):
        evaluate(search, Dataset("x", tokens))
    assert set(evaluate(Search(SMALL, Jitter(), QSelector(), k=2, depth=1), Dataset("x", tokens)).scores[0].right) == {
        "rules"
    }


def test_ignored_cells_may_hold_anything() -> None:
    search = Search(SMALL, Identity(), QSelector(), k=1, depth=2)
    tokens = random_tokens(SMALL, 4)
    answers = search(tokens).answers
    labels = answers.clone()
    for row in (0, 1):
        labels[row, int(answers[row].argmax())] = 0
    labels[3, 5] = answers[3, 5] % 5 + 1

    def share(ignore: int | None) -> float:
        data = Dataset("x", tokens, answers=labels, ignore=ignore)
        return evaluate(search, data, baseline=False).scores[0].right["label"].mean

    assert share(0) == 3 / 4
    assert share(None) == 1 / 4


def test_each_row_is_of_its_own_pick() -> None:
    search = Search(SMALL, Jitter(3.0), QSelector(), k=9, depth=2)
    tokens = random_tokens(SMALL, 30)
    result = search(tokens)
    mode, best = result.select(MajorityVote()).answers, result.answers
    assert (mode != best).any(dim=1).sum() > 3
    for labels, row, other in ((mode, "mode@9", "best-Q@9"), (best, "best-Q@9", "mode@9")):
        data = Dataset("x", tokens, answers=labels, ignore=None)
        right = {score.name: score.right["label"].mean for score in evaluate(search, data).scores}
        assert right["pass@9"] == right[row] == 1
        assert right[other] == float((mode == best).all(dim=1).double().mean())


def test_results_do_not_depend_on_where_they_are_kept(tmp_path: Path) -> None:
    search = Search(SMALL, Jitter(), VerifierSelector(), k=3, depth=2)

    def plain(evaluation: Evaluation) -> list[dict[str, object]]:
        return [{**record, "seconds": 0} for record in evaluation.records()]

    kept = evaluate(search, sudokus(), out=tmp_path / "a", shard=2)
    assert plain(kept) == plain(evaluate(search, sudokus())) == plain(evaluate(search, sudokus(), out=tmp_path / "a"))
    with pytest.raises(StoreError, match="another run"):
        evaluate(search, sudokus(4), out=tmp_path / "a")


def test_bundled_sets_have_names() -> None:
    assert len(named_dataset("bundled:tdoku")) == 9
    with pytest.raises(PuzzleError, match=r"no bundled puzzles of the name 'x'; there are .*top95"):
        named_dataset("bundled:x")
    with pytest.raises(PuzzleError, match="no data at hard; the bundled puzzles are bundled:hard"):
        named_dataset("hard")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing", "bundled:tdoku"), "no checkpoint at nothing"),
        (("sudoku-9x9", "nothing"), "no data at nothing"),
        (("sudoku-9x9", "bundled:tdoku", "--strategy", "GausianNoise(1)"), "did you mean GaussianNoise?"),
        (("sudoku-9x9", "bundled:tdoku", "--selector", "Identity()"), "is not a selector; choose among"),
        (("sudoku-9x9", "bundled:tdoku", "--stop", "Budget(0)"), "Budget: lane_steps must be 1 or more"),
        (("sudoku-9x9", "ppbench:chess"), "golden 'chess' is not known here"),
        (("sudoku-9x9", "ppbench:sudoku:big"), "'big' is not a size"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], sentence: str) -> None:
    code, out = run("evaluate", *arguments)
    assert code == 2, out
    assert sentence in out.replace("\n", " ")
    assert "Traceback" not in out
