"""puzz.link addresses: round trips, codes by hand, malformed input, and agreement with pzpr's own reader and writer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import boards

from tts.errors import PuzzleError
from tts.puzzles import PUZZLINK, Board, Heyawake, Lightup, Nurikabe, Shakashaka, Sudoku, Tapa, parse
from tts.puzzles.puzzlink.codes import MAX_NUMBER
from tts.verifiers.tokens import TAPA_CLUES, UNKNOWN

SQUARE = ((1, 1), (2, 2), (2, 3), (3, 3), (4, 4))
BODY = "0123456789abcdefghijklmnopqrstuvwxyz.-+=%@*$/"
PPBENCH = Path(next(iter(find_spec("ppbench").submodule_search_locations)))


def addressed(variety: str) -> st.SearchStrategy:
    """Boards that puzz.link can express."""
    return boards.sudokus(SQUARE) if variety == "sudoku" else boards.boards(variety)


def attempt(text: str) -> Board | PuzzleError:
    """What parse makes of the text."""
    try:
        return parse(text)
    except PuzzleError as error:
        return error


def golden() -> list[str]:
    """The addresses of ppbench's 90 published puzzles of the six varieties."""
    lines = (PPBENCH / "bundled" / "golden_300.jsonl").read_text().splitlines()
    urls = [json.loads(line)["puzzlink_url"] for line in lines]
    return [url for url in urls if re.search(r"\?(sudoku|akari|nurikabe|heyawake|tapa|shakashaka)/", url)]


@pytest.mark.parametrize("variety", PUZZLINK)
@given(data=st.data())
def test_an_address_reads_back_as_the_board_it_was_written_from(variety: str, data: st.DataObject) -> None:
    board = data.draw(addressed(variety))
    assert parse(board.to_url()) == board
    assert hash(parse(board.to_url())) == hash(board)


@pytest.mark.parametrize("variety", PUZZLINK)
@given(width=st.integers(1, 9), height=st.integers(1, 9), data=st.data())
@settings(max_examples=300)
def test_any_body_is_an_error_or_a_board_that_reads_back(
    variety: str, width: int, height: int, data: st.DataObject
) -> None:
    if variety == "sudoku":
        width = height = data.draw(st.sampled_from((4, 6, 9)))
    body = data.draw(st.text(BODY, max_size=60) | st.text(max_size=20))
    found = attempt(f"https://puzz.link/p?{variety}/{width}/{height}/{body}")
    if isinstance(found, PuzzleError):
        assert re.search(r"character \d+|row \d+, column \d+", str(found))
        assert "\n" not in str(found)
    else:
        assert (found.variety, found.height, found.width) == (variety, height, width)
        assert parse(found.to_url()) == found


@given(st.text(max_size=60) | st.text("sudokulighpnewy/v:_?0123456789. ", max_size=60))
@settings(max_examples=300)
def test_any_text_is_an_error_or_a_board(text: str) -> None:
    found = attempt(text)
    if isinstance(found, PuzzleError):
        assert len(str(found)) < 400
    else:
        assert found.variety in PUZZLINK


@pytest.mark.parametrize("url", golden())
def test_golden_puzzles_are_written_as_they_were_published(url: str) -> None:
    board = parse(url)
    assert parse(board.to_url()) == board
    ours, theirs = (address.rstrip("/").split("?")[1].split("/") for address in (board.to_url(), url))
    if board.variety == "tapa":  # the order of a clue's entries is not kept
        ours, theirs = ([*parts[:3], len(parts[3])] for parts in (ours, theirs))
    assert ours == theirs


def test_there_are_ninety_golden_puzzles() -> None:
    assert len(golden()) == 90


@pytest.mark.parametrize(
    ("body", "clues"),
    [
        ("01234.", (0, 1, 2, 3, 4, -2)),
        ("5o", (0, -1, -1, -1, -1, -1)),
        ("96", (4, -1, 1, -1, -1, -1)),
        ("a.e", (0, -1, -1, -2, 4, -1)),
        ("g0h1", (-1, 0, -1, -1, 1, -1)),
        ("f0/1", (-1, 0, -1, 1, -1, -1)),
        ("z9", (-1,) * 6),
        ("00000012?", (0,) * 6),
        ("k9", (-1, -1, -1, -1, -1, 4)),
    ],
)
def test_lightup_and_shakashaka_code(body: str, clues: tuple[int, ...]) -> None:
    assert parse(f"puzz.link/p?lightup/3/2/{body}") == Lightup(2, 3, clues)
    assert parse(f"puzz.link/p?shakashaka/3/2/{body}") == Shakashaka(2, 3, clues)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0, "0"),
        (15, "f"),
        (16, "-10"),
        (255, "-ff"),
        (256, "+100"),
        (4095, "+fff"),
        (4096, "=000"),
        (8191, "=fff"),
        (8192, "@000"),
        (12239, "@fcf"),
        (12240, "*0000"),
        (77775, "*ffff"),
        (77776, "$00000"),
        (MAX_NUMBER, "$fffff"),
        (UNKNOWN, "."),
        (-1, "g"),
    ],
)
def test_number_code(number: int, code: str) -> None:
    board = Nurikabe(1, 2, (number, 7))
    assert board.to_url() == f"https://puzz.link/p?nurikabe/2/1/{code}7"
    assert parse(board.to_url()) == board


def test_the_old_sign_of_large_numbers_is_read() -> None:
    assert parse("nurikabe/2/1/%fcf") == Nurikabe(1, 2, (12239, -1))


def test_tapa_code_expresses_every_clue_in_every_order() -> None:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    codes = [*"012345678.9", *(digits[v // 36] + digits[v % 36] for v in range(360, 476))]
    assert {parse(f"tapa/1/1/{code}").clues[0] for code in codes} == set(TAPA_CLUES)
    assert parse("tapa/4/1/a7b5d70").clues == ((1, 1), (-2, 1, 1), (1, 1, 1, 1), (0,))
    assert parse("tapa/2/1/bc1").clues == ((-2, -2, 3), (1,)) == parse("tapa/2/1/b31").clues
    assert parse("tapa/3/1/fz1").clues == ((), (1,), ())


@pytest.mark.parametrize("clue", TAPA_CLUES)
def test_each_tapa_clue_has_an_address(clue: tuple[int, ...]) -> None:
    board = Tapa(2, 1, ((), clue))
    assert parse(board.to_url()) == board


def test_heyawake_code() -> None:
    # a wall right of the second cell, walls below the second and the third: the third is a room of its own
    board = parse("heyawake/3/2/8c3.")
    assert board.right == (False, True, False, False, False, False)
    assert board.below == (False, True, True, False, False, False)
    assert board.clues == (3, -1, UNKNOWN, -1, -1, -1)


def test_heyawake_walls_that_close_no_room_are_kept() -> None:
    url = "https://puzz.link/p?heyawake/8/8/022gkf3gc2007o00o01s01v07"
    board = parse(url)
    assert set(board.rooms()) == {0}
    assert sum(board.right) + sum(board.below) == 32
    assert board.clues[0] == 7
    assert board.to_url() == url


@pytest.mark.parametrize(
    "form",
    [
        "https://puzz.link/p?lightup/3/1/g1g",
        "http://pzv.jp/p.html?akari/3/1/g1g/",
        "puzz.link/p?bijutsukan/3/1/g1g",
        "lightup_edit/3/1/g1g",
        "https://puzz.link/p?akari_play/3/1/g1",
        "https://puzz.link/p?lightup/v:/3/1/g1g",
        "https://puzz.link/p?lightup/df/3/1/g1g",
        "  https://puzz.link/p?lightup/03/1/g1ggggg\n",
        "https://puzz.link/p?lightup/3/1/gc",
        "https://puzz.link/p?lightup/3/1/f1/",
    ],
)
def test_forms_of_an_address(form: str) -> None:
    assert parse(form) == Lightup(1, 3, (-1, 1, -1) if "gc" not in form else (-1, 2, -1))


def test_heyawacky_is_heyawake_and_no_body_is_an_empty_board() -> None:
    assert parse("https://puzz.link/p?heyawacky/2/1/") == Heyawake(1, 2, (False,) * 2, (False,) * 2, (-1, -1))
    assert parse("https://puzz.link/p?heyawake/3/3/0/") == parse("https://puzz.link/p?heyawake/3/3/0000")
    assert parse("https://puzz.link/p?nurikabe/2/1") == Nurikabe(1, 2, (-1, -1))


def test_sudoku_addresses_know_the_boxes_that_pzpr_draws() -> None:
    assert parse("sudoku/6/6/1").box == (2, 3)
    assert parse("sudoku/16/16/-10").clues[0] == 16
    for box in ((1, 3), (3, 2), (2, 4), (3, 4), (2, 5), (1, 4)):
        side = box[0] * box[1]
        with pytest.raises(PuzzleError, match=f"no sudoku of side {side} with boxes {box[0]} high and {box[1]} wide"):
            Sudoku((0,) * side**2, *box).to_url()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://puzz.link/p?slither/5/5/z", "variety 'slither' is not known here; known are sudoku, lightup"),
        ("https://puzz.link/p?sudoku/v:anti/9/9/1", "character 28: 'v:anti' asks for a variant of the rules"),
        ("https://puzz.link/p?lightup/3", "character 30: expected the board's height, got ''"),
        ("https://puzz.link/p?lightup", "character 28: expected the board's width, got ''"),
        ("https://puzz.link/p?lightup/3/x/1", "character 31: expected the board's height, got 'x'"),
        ("https://puzz.link/p?lightup/-3/4/1", "character 29: expected the board's width, got '-3'"),
        ("https://puzz.link/p?lightup/3/0/1", "character 31: a height of 0; boards have 1 to 40"),
        ("https://puzz.link/p?lightup/41/1/1", "character 29: a width of 41; boards have 1 to 40"),
        (f"https://puzz.link/p?lightup/{'9' * 5000}/1/1", "character 29: a width of 999999999999; boards"),
        ("https://puzz.link/p?lightup/³/1/1", "character 29: expected the board's width, got '³'"),
        ("https://puzz.link/p?lightup/3/1/g?", "character 34: '\\?' is not a clue"),
        ("https://puzz.link/p?nurikabe/3/1/g-1", "character 35: '-' needs 2 hexadecimal digits after it, got '1'"),
        ("https://puzz.link/p?nurikabe/3/1/g+1_0", "character 35: '\\+' needs 3 hexadecimal digits after it"),
        ("https://puzz.link/p?nurikabe/3/1/!", "character 34: '!' is not a clue"),
        ("https://puzz.link/p?heyawake/3/3/w", "character 34: 'w' is not a code for walls"),
        ("https://puzz.link/p?heyawake/3/3/0000-z", "character 38: '-' needs 2"),
        ("https://puzz.link/p?tapa/3/3/a", "character 30: 'a' is not a clue"),
        ("https://puzz.link/p?sudoku/9/9/ga", "a clue of 10 at row 1, column 2; expected 1 to 9"),
        ("https://puzz.link/p?sudoku/9/9/0", "a clue of 0 at row 1, column 1; expected 1 to 9"),
        ("https://puzz.link/p?sudoku/9/4/1", "9 wide and 4 high: its boxes do not tile"),
        ("https://puzz.link/p?sudoku/12/12/1", "12 wide and 12 high: its boxes do not tile"),
        ("https://puzz.link/p?sudoku/25/25/1", "25 wide and 25 high"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(PuzzleError, match=message):
        parse(text)


def test_boxes_that_an_address_does_not_have_are_refused() -> None:
    assert parse("sudoku/9/9/1", box=(3, 3)).box == (3, 3)
    with pytest.raises(PuzzleError, match="does not fit this address"):
        parse("sudoku/6/6/1", box=(3, 2))


PZPR = """
const pzpr = require(process.argv[1]);
for (const url of require("fs").readFileSync(0, "utf8").split("\\n")) {
  const puzzle = new pzpr.Puzzle();
  puzzle.open(url);
  console.log(puzzle.getURL());
}
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="pzpr runs in node")
@given(data=st.data())
@settings(max_examples=5, deadline=None)
def test_pzpr_writes_what_it_reads_from_our_addresses_just_as_we_do(data: st.DataObject) -> None:
    boards = [data.draw(addressed(variety)) for variety in PUZZLINK for _ in range(4)]
    urls = [board.to_url() for board in boards]
    script = PPBENCH / "vendor" / "pzprjs" / "dist" / "js" / "pzpr.js"
    run = subprocess.run(
        ["node", "-e", PZPR, script], input="\n".join(urls), text=True, capture_output=True, check=True
    )
    assert [url.split("?")[1] for url in run.stdout.split()] == [url.split("?")[1] for url in urls]
