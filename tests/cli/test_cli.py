"""The tts command, as a process and in one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tts.cli import app
from tts.datasets import sudokus

EASY = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
SOLVED = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def digits(text: str) -> str:
    return "".join(re.findall(r"\d", "\n".join(line for line in text.splitlines() if line.startswith("┃"))))


def test_solve_prints_the_grid_who_picked_it_and_its_q() -> None:
    code, out = run("solve", EASY, "--k", "2", "--device", "cpu")
    assert code == 0
    assert digits(out) == SOLVED
    assert re.search(r"picked by the rules: rollout \d+ of \d+ run \(at most 2\), Q [+-]\d+\.\d\d after \d+ steps", out)


def test_solve_says_plainly_when_no_rollout_passed_the_rules() -> None:
    unsolvable = "11" + "." * 79
    code, out = run("solve", unsolvable, "--k", "1", "--depth", "1", "--device", "cpu")
    assert code == 1
    assert "not solved" in out
    assert "nmDupRow: a digit stands twice in a row or column" in out


def test_solve_takes_a_file_and_an_address(tmp_path: Path) -> None:
    from tts.puzzles import parse

    path = tmp_path / "puzzles.txt"
    path.write_text(f"# two\n{EASY}\n\n{parse(EASY).to_url()}\n")
    code, out = run("solve", str(path), "--k", "1", "--device", "cpu")
    assert code == 0
    assert digits(out) == SOLVED * 2
    path.write_text(f"{EASY}\n12x\n")
    code, out = run("solve", str(path))
    assert code == 2
    assert "line 2" in out


def test_verify_names_the_broken_rules_and_marks_the_cells() -> None:
    assert run("verify", EASY, SOLVED)[0] == 0
    code, out = run("verify", EASY, SOLVED[:72] + "4" + SOLVED[73:])
    assert code == 1
    assert "nmDupRow" in out
    assert "bkDupNum" in out
    assert "!" in out


def test_verify_takes_every_variety_and_answers_that_begin_with_dashes() -> None:
    address = "https://puzz.link/p?heyawake/6/6/2aaqrju06f6t12i00g11g01"
    solution = "---#-#-#----#--#-#--#----#--#-#----#"
    code, out = run("verify", address, solution)
    assert code == 0, out
    assert "solved" in out
    code, out = run("verify", address, "-" * 36)
    assert code == 1
    assert "brNoShade: no cell is shaded" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("solve", EASY, "--model", "nothing"), "no checkpoint at nothing"),
        (("solve", EASY, "--dtype", "int4"), "--dtype int4"),
        (("solve", EASY, "--device", "abacus"), "--device abacus"),
        (("solve", "12"), "tts: "),
        (("solve", "https://puzz.link/p?lightup/2/2/a"), "lightup"),
        (("solve", EASY, "--latents", "w"), "'w'"),
        (("verify", EASY, "123"), "3 characters"),
        (("generate", "sudoku", "--out", "x", "--size", "nine"), "'nine' is not a size"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], sentence: str) -> None:
    code, out = run(*arguments)
    assert code == 2, out
    assert sentence in out.replace("\n", " ")
    assert "Traceback" not in out


def test_the_command_is_installed() -> None:
    program = Path(sys.executable).with_name("tts")
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    for command in ("solve", "verify", "demo", "generate"):
        assert command in shown.stdout


def test_the_bundled_puzzles_are_solved_by_their_labels() -> None:
    data = sudokus()
    assert {name: len(dataset) for name, dataset in data.items()} == {
        "heldout": 200,
        "guessing": 100,
        "top95": 47,
        "euler96": 25,
        "tdoku": 9,
        "tune": 100,
        "minimal": 500,
        "hard": 500,
    }
    every = [board for dataset in data.values() for board in dataset.puzzles]
    assert len(set(every)) == len(every)
    for dataset in data.values():
        for board, label in zip(dataset.puzzles[:20], dataset.labels().numpy(), strict=False):
            assert board.violations(board.grid(label)) == ()
