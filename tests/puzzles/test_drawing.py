"""Drawings are read back: board, answer and marks must come out of the characters or shapes alone."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.boards import VARIETIES, boards, boards_and_grids, grids
from support.drawings import Drawing, cells_of, clues, columns_with_lines, shown_clues, svg_answer, text_answer

from tts.errors import PuzzleError
from tts.interfaces import Grid
from tts.puzzles import Board, Heyawake, Lightup, Nurikabe, Shakashaka, Sudoku, Tapa
from tts.puzzles import drawing as render
from tts.puzzles.drawing import SIDE

ANY = boards_and_grids()
ILLEGAL = boards_and_grids(illegal=True)


@st.composite
def marked(draw: st.DrawFn) -> tuple[Board, Grid, Grid]:
    """A board, an answer, cells to mark."""
    board = draw(boards())
    size = board.height * board.width
    marks = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    return board, draw(grids(board)), marks.reshape(board.height, board.width)


@given(ANY)
def test_text_has_the_rows_and_columns_of_the_board(pair: tuple[Board, Grid]) -> None:
    board, answer = pair
    lines = render.text(board, answer).splitlines()
    bands = {"sudoku": board.height // getattr(board, "box_height", 1), "heyawake": board.height}
    assert len(lines) == board.height + 1 + bands.get(board.variety, 1)
    (width,) = {cell_len(line) for line in lines}  # in a terminal's columns: no wide character, no ragged line
    assert (width - len(columns_with_lines(board))) % board.width == 0
    assert all(len(line) == width for line in lines)


@given(ANY)
def test_text_shows_every_clue(pair: tuple[Board, Grid]) -> None:
    board, answer = pair
    for cell, clue in zip(cells_of(board, render.text(board, answer)), shown_clues(board, answer), strict=True):
        if clue:
            assert cell.strip(" █") == "".join(clue)


@given(marked())
def test_text_tells_the_answer_and_the_marked_cells(drawn: tuple[Board, Grid, Grid]) -> None:
    board, answer, marks = drawn
    cells = cells_of(board, render.text(board, answer, marks))
    assert np.array_equal(text_answer(board, cells), answer)
    assert [cell.endswith("!") for cell in cells] == marks.ravel().tolist()
    assert "!" not in render.text(board, answer)


@given(boards("heyawake"))
def test_text_draws_the_walls_of_rooms_and_no_others(board: Heyawake) -> None:
    lines = render.text(board).splitlines()
    span = (len(lines[0]) - 1) // board.width
    right = [line[span * (x + 1)] == "┃" for line in lines[1::2] for x in range(board.width)]
    below = [line[span * x + 1] == "━" for line in lines[2::2] for x in range(board.width)]
    shape = (board.height, board.width)
    assert np.array_equal(np.reshape(right, shape)[:, :-1], np.reshape(board.right, shape)[:, :-1])
    assert np.array_equal(np.reshape(below, shape)[:-1], np.reshape(board.below, shape)[:-1])


@given(boards("heyawake"))
def test_lines_of_text_meet(board: Heyawake) -> None:
    """An arm of a junction points at a line, and every line ends in an arm."""
    arms = dict(zip(" ╹╻┃╸┛┓┫╺┗┏┣━┻┳╋", range(16), strict=True))
    lines = [[arms.get(character, 0) for character in line] for line in render.text(board).splitlines()]
    for line in lines:
        assert all(bool(left & 8) == bool(right & 4) for left, right in pairwise(line))
    for upper, lower in pairwise(lines):
        assert all(bool(up & 2) == bool(down & 1) for up, down in zip(upper, lower, strict=True))


@given(marked())
def test_rich_text_has_the_same_characters_with_marked_cells_red(drawn: tuple[Board, Grid, Grid]) -> None:
    board, answer, marks = drawn
    rich = render.rich_text(board, answer, marks)
    assert rich.plain == render.text(board, answer, marks)
    assert sum("red" in str(span.style) for span in rich.spans) == marks.sum()


@given(boards())
def test_rich_text_has_the_givens_bold(board: Board) -> None:
    rich = render.rich_text(board)
    bold = [rich.plain[span.start : span.end] for span in rich.spans if span.style == "bold"]
    assert bold == ["".join(clue) for clue in clues(board) if clue]


@given(ANY)
def test_svg_is_one_picture_that_needs_nothing_and_touches_nothing(pair: tuple[Board, Grid]) -> None:
    board, answer = pair
    root = Drawing(render.svg(board, answer)).root
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    left, top, width, height = map(int, root.get("viewBox", "").split())
    assert width + 2 * left == board.width * SIDE
    assert height + 2 * top == board.height * SIDE
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == root.get("aria-label")
    assert board.variety in (title.text or "")
    background = root[1]
    assert [background.get(name) for name in ("x", "y", "width", "height")] == [
        str(n) for n in (left, top, width, height)
    ]
    assert background.get("fill") == "#ffffff"
    assert not {"id", "href", "style"} & {name for shape in root.iter() for name in shape.attrib}
    assert not any(shape.tag.endswith(("style", "script", "image", "use")) for shape in root.iter())


@given(ANY)
def test_svg_shows_every_clue(pair: tuple[Board, Grid]) -> None:
    board, answer = pair
    shown: dict[tuple[int, int], tuple[str, ...]] = {}
    for place, shape in Drawing(render.svg(board, answer)).places("given"):
        shown[place] = (*shown.get(place, ()), shape.text or "")
    expected = zip(np.ndindex(board.height, board.width), shown_clues(board, answer), strict=True)
    assert shown == {place: clue for place, clue in expected if clue}


@given(marked())
def test_svg_tells_the_answer_and_the_marked_cells(drawn: tuple[Board, Grid, Grid]) -> None:
    board, answer, marks = drawn
    drawing = Drawing(render.svg(board, answer, marks))
    assert np.array_equal(svg_answer(board, drawing), answer)
    assert np.array_equal(drawing.grid("violated", board), marks)
    assert "violated" not in render.svg(board, answer)


def test_a_sudoku_answer_may_repeat_a_given_but_not_change_it() -> None:
    board = Sudoku([1, 2, *[0] * 14], 2, 2)
    answer = np.zeros((4, 4), np.int64)
    answer[0] = [1, 3, 3, 4]
    assert [cell.strip() for cell in cells_of(board, render.text(board, answer))[:4]] == ["1", "×2", "3", "4"]
    drawing = Drawing(render.svg(board, answer))
    assert [shape.text for _, shape in drawing.places("given")] == ["1", "2"]
    assert [(place, shape.text) for place, shape in drawing.places("answer")] == [
        ((0, 1), "×"),
        ((0, 2), "3"),
        ((0, 3), "4"),
    ]


def thick_strokes(board: Board) -> list[str]:
    """The strokes inside the frame, a cell's side each."""
    (path,) = (shape for shape in Drawing(render.svg(board)).root.iter() if shape.get("stroke-width") == "3")
    return path.get("d", "").split("M")[2:]


@given(boards("heyawake"))
def test_svg_draws_the_walls_of_rooms_and_no_others(board: Heyawake) -> None:
    strokes = thick_strokes(board)
    cells = list(np.ndindex(board.height, board.width))
    right = {f"{(x + 1) * SIDE} {y * SIDE}v{SIDE}" for (y, x), wall in zip(cells, board.right, strict=True) if wall}
    below = {f"{x * SIDE} {(y + 1) * SIDE}h{SIDE}" for (y, x), wall in zip(cells, board.below, strict=True) if wall}
    assert sorted(strokes) == sorted(right | below)


def test_svg_draws_the_boxes_of_a_sudoku() -> None:
    strokes = thick_strokes(Sudoku([0] * 36, 2, 3))
    right = {f"{3 * SIDE} {y * SIDE}v{SIDE}" for y in range(6)}
    below = {f"{x * SIDE} {y * SIDE}h{SIDE}" for x in range(6) for y in (2, 4)}
    assert sorted(strokes) == sorted(right | below)


@given(st.sampled_from(("lightup", "shakashaka")).flatmap(boards))
def test_walls_are_black(board: Lightup | Shakashaka) -> None:
    walls = np.reshape(board.clues, (board.height, board.width)) != -1
    assert np.array_equal(Drawing(render.svg(board)).grid("wall", board), walls)
    assert ["█" in cell for cell in cells_of(board, render.text(board))] == walls.ravel().tolist()


@given(boards_and_grids("lightup"))
def test_lit_cells_are_those_that_see_a_bulb(pair: tuple[Lightup, Grid]) -> None:
    board, answer = pair
    walls = np.reshape(board.clues, answer.shape) != -1
    lit = np.zeros(answer.shape, np.bool_)
    for y, x in np.argwhere(answer == 1):
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            v, u = y, x
            while 0 <= v < board.height and 0 <= u < board.width and not walls[v, u]:
                lit[v, u] = True
                v, u = v + dy, u + dx
    assert np.array_equal(Drawing(render.svg(board, answer)).grid("lit", board), lit)
    assert ["░" in cell for cell in cells_of(board, render.text(board, answer))] == lit.ravel().tolist()


@given(ILLEGAL)
def test_answers_that_break_every_convention_are_drawn_too(pair: tuple[Board, Grid]) -> None:
    board, answer = pair
    crosses = [shape.text for _, shape in Drawing(render.svg(board, answer)).places("answer")].count("×")
    assert render.text(board, answer).count("×") == crosses
    assert crosses >= (answer < 0).sum()


@pytest.mark.parametrize(
    "board",
    [
        Sudoku([0] * 256, 4, 4),
        Lightup(40, 40, [-1] * 1600),
        Shakashaka(1, 40, [-1] * 40),
        Nurikabe(40, 1, [-1] * 40),
        Heyawake(40, 40, [False] * 1600, [False] * 1600, [-1] * 1600),
        Tapa(1, 1, [()]),
    ],
    ids=lambda board: board.variety,
)
def test_the_largest_and_the_slimmest_boards_are_drawn(board: Board) -> None:
    lines = render.text(board).splitlines()
    assert sum(line.count("·") for line in lines) == board.height * board.width
    ElementTree.fromstring(render.svg(board))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_numbers_of_a_tapa_clue_stand_apart(count: int) -> None:
    drawing = Drawing(render.svg(Tapa(1, 1, [(1,) * count])))
    places = [(float(shape.get("x", "")), float(shape.get("y", ""))) for _, shape in drawing.places("given")]
    gaps = [max(abs(a[0] - b[0]), abs(a[1] - b[1])) for i, a in enumerate(places) for b in places[:i]]
    assert len(places) == count
    assert all(gap > SIDE / 4 for gap in gaps)


@pytest.mark.parametrize("draw", [render.text, render.svg, render.rich_text])
@pytest.mark.parametrize("name", ["answer", "violations"])
def test_a_grid_of_another_shape_is_refused(draw, name: str) -> None:
    message = rf"^{name} has shape \[3, 2\], but the nurikabe board is \[2, 3\]; give a grid"
    with pytest.raises(PuzzleError, match=message):
        draw(Nurikabe(2, 3, [-1] * 6), **{name: np.zeros((3, 2))})


def test_a_variety_without_a_drawing_is_refused() -> None:
    class Slither(Nurikabe):
        variety = "slither"

    with pytest.raises(PuzzleError, match=r"no drawing for the variety 'slither'; there is one for sudoku, "):
        render.text(Slither(1, 1, [-1]))


@pytest.mark.parametrize("variety", VARIETIES)
def test_a_board_draws_itself(variety: str) -> None:
    board = {
        "sudoku": Sudoku([1, *[0] * 15], 2, 2),
        "lightup": Lightup(1, 2, [-1, 4]),
        "nurikabe": Nurikabe(1, 2, [-1, 4]),
        "heyawake": Heyawake(1, 2, [True, False], [False, False], [-1, 1]),
        "tapa": Tapa(1, 2, [(), (1, 1)]),
        "shakashaka": Shakashaka(1, 2, [-1, -2]),
    }[variety]
    answer = np.zeros((board.height, board.width), np.int64)
    answer[0, -1 if variety == "sudoku" else 0] = 2 if variety in ("sudoku", "shakashaka") else 1
    assert board.text(answer) == render.text(board, answer) != board.text()
    assert board.svg(answer, answer > 0) == render.svg(board, answer, answer > 0) != board.svg(answer)
    assert board._repr_svg_() == render.svg(board)
