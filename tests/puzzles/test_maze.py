"""Mazes: every shortest path is right and nothing else is, whatever the label says."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import small_config

import tts
from tts.errors import PuzzleError
from tts.puzzles import Maze, VarietyCodec, parse
from tts.verifiers import MazeVerifier
from tts.verifiers.maze import distances
from tts.verifiers.tokens import MAZE_GOAL, MAZE_OPEN, MAZE_PATH, MAZE_START, MAZE_WALL

Cell = tuple[int, int]
WIDE = "S..\n...\n..G"


@st.composite
def mazes(draw: st.DrawFn, max_side: int = 5) -> Maze:
    """Walls at random, so that the goal is often out of reach."""
    height, width = draw(st.integers(1, max_side)), draw(st.integers(2, max_side))
    cells = draw(
        st.lists(st.sampled_from((MAZE_OPEN, MAZE_OPEN, MAZE_WALL)), min_size=height * width, max_size=height * width)
    )
    start, goal = draw(st.permutations(range(height * width)))[:2]
    cells[start], cells[goal] = MAZE_START, MAZE_GOAL
    return Maze(height, width, cells)


def size(maze: Maze) -> tuple[int, int]:
    return maze.height, maze.width


def beside(size: tuple[int, int], cell: Cell) -> list[Cell]:
    y, x = cell
    near = [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return [(v, u) for v, u in near if 0 <= v < size[0] and 0 <= u < size[1]]


def where(maze: Maze, *tokens: int) -> set[Cell]:
    grid = maze.tokens().reshape(maze.height, maze.width)
    return {(int(y), int(x)) for y, x in np.argwhere(np.isin(grid, tokens))}


def steps_from(size: tuple[int, int], start: Cell, passable: set[Cell]) -> dict[Cell, int]:
    """Breadth-first search, a cell at a time."""
    found, queue = {start: 0}, deque([start])
    while queue:
        cell = queue.popleft()
        for near in beside(size, cell):
            if near in passable and near not in found:
                found[near] = found[cell] + 1
                queue.append(near)
    return found


def shortest_paths(maze: Maze) -> list[set[Cell]]:
    """The marked cells of every shortest path, by walking back from the goal in all ways."""
    (start,), (goal,) = where(maze, MAZE_START), where(maze, MAZE_GOAL)
    far = steps_from(size(maze), start, where(maze, MAZE_OPEN, MAZE_GOAL))
    paths = [[goal]] if goal in far else []
    while paths and far[paths[0][-1]] > 0:
        paths = [
            [*path, near]
            for path in paths
            for near in beside(size(maze), path[-1])
            if far.get(near) == far[path[-1]] - 1
        ]
    return [set(path[1:-1]) for path in paths]


def drawn(maze: Maze, marked: set[Cell]) -> np.ndarray:
    grid = np.zeros((maze.height, maze.width), np.int64)
    for cell in marked:
        grid[cell] = 1
    return grid


@given(mazes(), st.data())
@settings(max_examples=150)
def test_just_the_shortest_paths_pass(maze: Maze, data: st.DataObject) -> None:
    paths = shortest_paths(maze)
    for path in paths[:5]:
        assert maze.violations(drawn(maze, path)) == ()
        assert not maze.violated(drawn(maze, path)).any()
    some = data.draw(st.sets(st.sampled_from(sorted(where(maze, MAZE_OPEN))))) if where(maze, MAZE_OPEN) else set()
    near = some ^ data.draw(st.sampled_from(paths)) if paths else some
    for marked in (some, near, set()):
        assert (maze.violations(drawn(maze, marked)) == ()) == (marked in paths)


@given(mazes(), st.data())
@settings(max_examples=100)
def test_each_rule_is_broken_where_a_plain_search_says_so(maze: Maze, data: st.DataObject) -> None:
    open_cells = sorted(where(maze, MAZE_OPEN))
    marked = data.draw(st.sets(st.sampled_from(open_cells))) if open_cells else set()
    (start,), (goal,) = where(maze, MAZE_START), where(maze, MAZE_GOAL)
    reached = steps_from(size(maze), start, marked | {goal})
    passable = where(maze, MAZE_OPEN, MAZE_START, MAZE_GOAL)
    there, back = steps_from(size(maze), start, passable), steps_from(size(maze), goal, passable)
    layers = [there[cell] for cell in marked if cell in there]
    off = [cell for cell in marked if cell not in back or there.get(cell, 0) + back[cell] != there.get(goal)]
    doubled = len(set(layers)) < len(layers)
    names = maze.violations(drawn(maze, marked))
    assert ("pathBroken" in names) == (not marked | {goal} <= set(reached))
    assert ("pathLong" in names) == bool(off or doubled)
    assert "illegalCell" not in names


@given(st.integers(0, 10**6))
@settings(max_examples=15)
def test_distances_are_those_of_a_plain_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, n = (int(side) for side in rng.integers(1, 16, 3))
    passable = rng.random((height, width, n)) < 0.7
    sources = passable & (rng.random((height, width, n)) < 0.03)
    found = distances(torch.from_numpy(sources), torch.from_numpy(passable)).numpy()
    for board in range(n):
        free = {(int(y), int(x)) for y, x in np.argwhere(passable[:, :, board])}
        best: dict[Cell, int] = {}
        for y, x in np.argwhere(sources[:, :, board]):
            for cell, steps in steps_from((height, width), (int(y), int(x)), free).items():
                best[cell] = min(steps, best.get(cell, steps))
        expected = np.full((height, width), torch.iinfo(torch.int16).max)
        for cell, steps in best.items():
            expected[cell] = steps
        assert (found[:, :, board] == expected).all()


def test_boards_in_a_batch_do_not_know_of_each_other(device: str) -> None:
    rng = np.random.default_rng(0)
    tokens = np.where(rng.random((40, 30 * 30)) < 0.25, MAZE_WALL, MAZE_OPEN)
    tokens[:, 0], tokens[:, 899] = MAZE_START, MAZE_GOAL
    tokens = np.repeat(tokens, rng.integers(1, 5, 40), axis=0)[:64]  # equal ones side by side, as rollouts are
    answers = np.where((tokens == MAZE_OPEN) & (rng.random(tokens.shape) < 0.5), MAZE_PATH, tokens)
    verifier = MazeVerifier(30, 30)
    given_tokens, given_answers = torch.from_numpy(tokens).to(device), torch.from_numpy(answers).to(device)
    found = verifier.violations(given_tokens, given_answers)
    for row in range(64):
        alone = verifier.violations(given_tokens[row : row + 1], given_answers[row : row + 1])
        assert torch.equal(alone.rules[0], found.rules[row])
        assert torch.equal(alone.cells[0], found.cells[row])


def test_another_shortest_path_than_the_label_counts() -> None:
    maze = parse(WIDE)
    label = maze.answer_tokens(maze.parse_answer("Soo ..o ..G"))
    other = maze.answer_tokens(maze.parse_answer("S.. o.. ooG"))
    assert (label != other).any()
    assert maze.violations(maze.grid(other)) == ()
    assert len(shortest_paths(maze)) == 6
    assert maze.violations(maze.parse_answer("Soo o.o ooG")) == ("pathLong",)
    assert maze.violations(maze.parse_answer("So. .o. .oG")) == ()


def test_walls_start_and_goal_are_kept() -> None:
    maze = parse("S#.\n...\n..G")
    tokens = torch.from_numpy(maze.tokens())[None]
    right = torch.from_numpy(maze.answer_tokens(maze.parse_answer("S#. oo. .oG")))[None]
    assert MazeVerifier(3, 3).valid(tokens, right).all()
    for cell, token in ((1, MAZE_PATH), (0, MAZE_PATH), (8, MAZE_OPEN), (2, MAZE_WALL), (2, 0), (2, MAZE_GOAL)):
        wrong = right.clone()
        wrong[0, cell] = token
        assert MazeVerifier(3, 3).violations(tokens, wrong).of(0) == ("illegalCell",)


@pytest.mark.parametrize("ends", ["SS", "GG", "..", "S.", ".G"])
def test_a_puzzle_without_one_start_and_one_goal_has_no_answer(ends: str) -> None:
    codes = {"S": MAZE_START, "G": MAZE_GOAL, ".": MAZE_OPEN}
    tokens = torch.tensor([[codes[ends[0]], MAZE_OPEN, codes[ends[1]]]])
    for middle in (MAZE_OPEN, MAZE_PATH):
        answers = tokens.clone()
        answers[0, 1] = middle
        assert "pathBroken" in MazeVerifier(1, 3).violations(tokens, answers).of(0)


def test_start_beside_goal_needs_no_mark() -> None:
    maze = parse("SG..")
    assert maze.violations(maze.parse_answer("SG..")) == ()
    assert maze.violations(maze.parse_answer("SGo.")) != ()


@given(mazes(), st.data())
@settings(max_examples=40)
def test_verdicts_survive_the_eight_views(maze: Maze, data: st.DataObject) -> None:
    open_cells = sorted(where(maze, MAZE_OPEN))
    paths = [*shortest_paths(maze), set()]
    marked = data.draw(st.sampled_from(paths))
    if open_cells and data.draw(st.booleans()):
        marked = marked ^ {data.draw(st.sampled_from(open_cells))}
    answers = maze.answer_tokens(drawn(maze, marked))
    names = maze.violations(maze.grid(answers))
    seen = list(maze.symmetries(1))
    assert len(seen) == 8
    assert seen[0].puzzle == maze
    for one in seen:
        there = one.apply(answers)
        assert one.puzzle.violations(one.puzzle.grid(there)) == names
        assert (one.invert(there) == answers).all()


@given(mazes())
@settings(max_examples=40)
def test_text_and_tokens_convert_back(maze: Maze) -> None:
    assert Maze.from_tokens(maze.tokens(), maze.height, maze.width) == maze
    path = next(iter(shortest_paths(maze)), set())
    grid = drawn(maze, path)
    assert (maze.parse_answer(maze.format_answer(grid)) == grid).all()
    assert (maze.grid(maze.answer_tokens(grid)) == grid).all()
    if maze.height > 1:
        assert parse(maze.to_text()) == maze
        assert Maze.from_text(maze.to_text().replace(".", " ")) == maze
    if maze.height == maze.width:
        assert parse(maze.to_text().replace("\n", "")) == maze


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("S.G", "a maze of 3 cells in one line; expected a square"),
        ("S.\n..G", "row 2 has 3 cells and row 1 has 2"),
        ("S.\nSG", "2 cells are S"),
        ("SG\nG#", "2 cells are G"),
    ],
)
def test_mazes_that_cannot_be_read(text: str, sentence: str) -> None:
    with pytest.raises(PuzzleError, match=sentence.replace("(", r"\(")):
        parse(text)


def test_mazes_without_ends_and_with_strange_cells_are_refused() -> None:
    with pytest.raises(PuzzleError, match="0 cells are G"):
        Maze.from_text("S.\n..")
    with pytest.raises(PuzzleError, match="'x' in row 2"):
        Maze.from_text("SG\nx.")
    with pytest.raises(PuzzleError, match="a cell of 5 at row 1, column 2"):
        Maze(1, 3, (MAZE_START, MAZE_PATH, MAZE_GOAL))
    with pytest.raises(PuzzleError, match=r"puzz\.link has no mazes"):
        parse(WIDE).to_url()


def test_a_sixteen_by_sixteen_sudoku_with_a_G_is_no_maze() -> None:
    assert parse("G" + "." * 255).variety == "sudoku"


def test_drawings_show_walls_ends_and_the_path() -> None:
    maze = parse("S.#\n..G")
    grid = maze.parse_answer("S.# ooG")
    text, svg = maze.text(grid), maze.svg(grid)
    assert text.splitlines()[1:3] == ["┃ S  · ███┃", "┃░•░░•░ G ┃"]
    assert svg.count('class="wall"') == 1
    assert svg.count('class="lit"') == 2
    assert ">S</text>" in svg
    assert "×" in maze.text(np.ones((2, 3), np.int64))


def test_the_codec_has_the_official_sizes_and_pads_smaller_mazes() -> None:
    codec = VarietyCodec("maze", 30, 30)
    assert (codec.vocab_size, codec.pad) == (6, 0)
    maze = parse(WIDE)
    tokens, identifier = codec.encode(maze)
    assert identifier == 0
    padded = tokens.reshape(30, 30)
    assert (padded[:3, :3].ravel() == maze.tokens()).all()
    assert (padded[3:] == 0).all()
    assert (padded[:, 3:] == 0).all()
    answers = tokens.copy().reshape(30, 30)
    answers[0, 1:3] = answers[1, 2] = MAZE_PATH
    assert codec.decode(maze, answers.ravel()).tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert codec.verifier is not None
    assert codec.verifier.valid(torch.from_numpy(tokens)[None], torch.from_numpy(answers.ravel())[None]).all()
    assert (
        len({view.tokens.tobytes() for view in codec.views(tokens, 0)}) == 4
    )  # one for each corner that the start can be in


def test_a_model_of_the_sizes_of_maze_hard_knows_its_rules(tmp_path: Path) -> None:
    config = small_config(tts.TokenCodec(30, 30, 6), hidden_size=8, puzzle_emb_len=1)
    tts.save(tts.TRM(config), tmp_path / "maze.safetensors")
    model = tts.load(tmp_path / "maze.safetensors")
    assert model.codec == VarietyCodec("maze", 30, 30)
    assert model.codec.verifier == MazeVerifier(30, 30)
