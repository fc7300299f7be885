"""Solved boards made backwards: the answer is drawn first, then the clues are read off it. Not unique in general."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from support.reference_rules import areas_of, beside
from tts.verifiers import tokens as t

Grid: TypeAlias = NDArray[np.int64]
Pair: TypeAlias = tuple[Grid, Grid]
Cell: TypeAlias = tuple[int, int]

ANSWERS: dict[str, tuple[int, ...]] = {
    "lightup": (t.LIGHTUP_EMPTY, t.LIGHTUP_BULB),
    "nurikabe": (t.NURIKABE_WHITE, t.NURIKABE_SHADED),
    "heyawake": (t.HEYAWAKE_WHITE, t.HEYAWAKE_SHADED),
    "tapa": (t.TAPA_WHITE, t.TAPA_SHADED),
    "shakashaka": tuple(range(t.SHAKASHAKA_EMPTY, t.SHAKASHAKA_EMPTY + 5)),
}
"""The answer tokens of the shading varieties, the empty one first."""


def solved(variety: str, height: int, width: int, rng: np.random.Generator) -> Pair:
    """Tokens and a valid answer, int64 [H, W] each. Shakashaka needs 2x2 cells or more, sudoku a square board."""
    return _MAKERS[variety](height, width, rng)


def mutated(variety: str, tokens: Grid, answers: Grid, changes: int, rng: np.random.Generator) -> Grid:
    """The answer with ``changes`` cells that take an answer drawn anew."""
    free = np.argwhere(fillable(variety, tokens))
    out = answers.copy()
    for y, x in free[rng.permutation(len(free))[:changes]]:
        out[y, x] = rng.choice(ANSWERS[variety] if variety in ANSWERS else np.arange(1, len(tokens) + 2))
    return out


def fillable(variety: str, tokens: Grid) -> NDArray[np.bool_]:
    """The cells that take an answer, bool [H, W]."""
    return tokens >= t.HEYAWAKE_CELL if variety == "heyawake" else tokens == 1


def grown(height: int, width: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """One area without a 2x2, grown at random until nothing can be added or chance ends it: bool [H, W]."""
    shaded = np.zeros((height, width), bool)
    edge = [(int(rng.integers(height)), int(rng.integers(width)))]
    while edge and (rng.random() > 0.01 or not shaded.any()):
        y, x = edge.pop(int(rng.integers(max(0, len(edge) - 4), len(edge))))  # late ones first: long arms
        shaded[y, x] = True
        around = shaded[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        if (around[1:, 1:] & around[:-1, 1:] & around[1:, :-1] & around[:-1, :-1]).any():
            shaded[y, x] = False
            continue
        inside = [c for c in beside((y, x)) if 0 <= c[0] < height and 0 <= c[1] < width and not shaded[c]]
        edge += [inside[i] for i in rng.permutation(len(inside))]
    return shaded


def _sudoku(height: int, width: int, rng: np.random.Generator) -> Pair:
    high = max(d for d in range(1, height + 1) if height % d == 0 and d * d <= height)
    wide = height // high
    y, x = np.mgrid[:height, :height]
    digits = rng.permutation(height)[(wide * (y % high) + y // high + x) % height]
    rows = np.concatenate([high * band + rng.permutation(high) for band in rng.permutation(wide)])
    answers = t.SUDOKU_BLANK + 1 + digits[rows]
    return np.where(rng.random((height, height)) < rng.random(), answers, t.SUDOKU_BLANK), answers


def _lightup(height: int, width: int, rng: np.random.Generator) -> Pair:
    walls = rng.random((height, width)) < rng.random() / 2
    bulbs, lit = np.zeros((2, height, width), bool)
    for cell in rng.permutation(height * width):
        y, x = divmod(int(cell), width)
        if walls[y, x] or lit[y, x]:
            continue
        bulbs[y, x] = lit[y, x] = True
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            v, u = y + dy, x + dx
            while 0 <= v < height and 0 <= u < width and not walls[v, u]:
                lit[v, u] = True
                v, u = v + dy, u + dx
    return _walled(walls, bulbs, np.where(bulbs, t.LIGHTUP_BULB, t.LIGHTUP_EMPTY), rng)


def _walled(walls: NDArray[np.bool_], marked: NDArray[np.bool_], filled: Grid, rng: np.random.Generator) -> Pair:
    """Walls that may say how many neighbours are marked; lightup and shakashaka share these tokens."""
    frame = np.pad(marked, 1).astype(np.int64)
    around = frame[:-2, 1:-1] + frame[2:, 1:-1] + frame[1:-1, :-2] + frame[1:-1, 2:]
    numbered = rng.random(walls.shape) < 0.7
    tokens = np.where(walls, np.where(numbered, t.LIGHTUP_NUMBER + around, t.LIGHTUP_WALL), t.LIGHTUP_OPEN)
    return tokens, np.where(walls, tokens, filled)


def _nurikabe(height: int, width: int, rng: np.random.Generator) -> Pair:
    shaded = grown(height, width, rng)
    answers = np.where(shaded, t.NURIKABE_SHADED, t.NURIKABE_WHITE)
    tokens = np.full((height, width), t.NURIKABE_OPEN)
    for area in areas_of({(int(y), int(x)) for y, x in np.argwhere(~shaded)}):
        cell = sorted(area)[int(rng.integers(len(area)))]
        tokens[cell] = t.NURIKABE_UNKNOWN if rng.random() < 0.2 else t.NURIKABE_NUMBER + len(area)
        answers[cell] = tokens[cell]
    return tokens, answers


def _tapa(height: int, width: int, rng: np.random.Generator) -> Pair:
    shaded = grown(height, width, rng)
    frame = np.pad(shaded, 1)
    tokens = np.full((height, width), t.TAPA_OPEN)
    for y, x in np.argwhere(~shaded & (rng.random(shaded.shape) < rng.random())):
        ring = [*frame[y, x : x + 3], frame[y + 1, x + 2], *frame[y + 2, x : x + 3][::-1], frame[y + 1, x]]
        start = ring.index(False) if False in ring else 0
        runs = "".join(".#"[int(v)] for v in ring[start:] + ring[:start]).replace(".", " ").split()
        clue = sorted(t.UNKNOWN if rng.random() < 0.2 else len(run) for run in runs) or [0]
        tokens[y, x] = t.TAPA_CLUE + t.TAPA_CLUES.index(tuple(clue))
    answers = np.where(shaded, t.TAPA_SHADED, t.TAPA_WHITE)
    return tokens, np.where(tokens == t.TAPA_OPEN, answers, tokens)


def _heyawake(height: int, width: int, rng: np.random.Generator) -> Pair:
    cells = {(y, x) for y in range(height) for x in range(width)}
    shaded: set[Cell] = set()
    for cell in rng.permutation(height * width):
        added = shaded | {divmod(int(cell), width)}
        apart = not any(near in shaded for near in beside(divmod(int(cell), width)))
        if apart and len(areas_of(cells - added)) <= 1 and (rng.random() < 0.7 or not shaded):
            shaded = added
    walls = np.zeros((2, height, width), bool)  # right, below
    _split(walls, 0, 0, height, width, rng)
    for lines, answer in ((walls[0], shaded), (walls[1].T, {(x, y) for y, x in shaded})):
        _thin(lines, answer)

    def joined(a: Cell, b: Cell) -> bool:
        return not walls[0 if a[0] == b[0] else 1][min(a, b)]

    tokens = t.HEYAWAKE_CELL + walls[0] + 2 * walls[1]
    for room in areas_of(cells, joined):
        tokens[min(room)] += 4 * int(rng.choice((0, 1, 2 + len(room & shaded))))
    answers = np.full((height, width), t.HEYAWAKE_WHITE)
    for cell in shaded:
        answers[cell] = t.HEYAWAKE_SHADED
    return tokens, answers


def _split(walls: NDArray[np.bool_], y: int, x: int, height: int, width: int, rng: np.random.Generator) -> None:
    """Cut a rectangle in two by a wall, and so on, until the rooms are small."""
    if height * width <= rng.integers(1, 12):
        return
    if (rng.random() * (height + width) < height and height > 1) or width == 1:
        cut = int(rng.integers(1, height))
        walls[1, y + cut - 1, x : x + width] = True
        _split(walls, y, x, cut, width, rng)
        _split(walls, y + cut, x, height - cut, width, rng)
    else:
        cut = int(rng.integers(1, width))
        walls[0, y : y + height, x + cut - 1] = True
        _split(walls, y, x, height, cut, rng)
        _split(walls, y, x + cut, height, width - cut, rng)


def _thin(walls: NDArray[np.bool_], shaded: set[Cell]) -> None:
    """Take away the second wall of every white run along the rows."""
    for y, row in enumerate(walls):
        crossed = 0
        for x in range(len(row) - 1):
            if (y, x) in shaded or (y, x + 1) in shaded:
                crossed = 0
            elif row[x]:
                row[x] = crossed == 0
                crossed = 1


def _shakashaka(height: int, width: int, rng: np.random.Generator) -> Pair:
    values = np.full((height, width), -1)  # -1 undecided, -2 wall, else pzpr's value
    for attempt in range(height * width):
        a, b = (1, 1) if attempt == 0 else (int(n) for n in rng.integers(1, 4, 2))
        if a + b <= min(height, width):
            y, x = int(rng.integers(height - a - b + 1)), int(rng.integers(width - a - b + 1))
            _tilted(values[y : y + a + b, x : x + a + b], a, b)
    for cell in rng.permutation(height * width):
        y, x = divmod(int(cell), width)
        if values[y, x] == -1:
            low, wide = (int(n) for n in rng.integers(1, 4, 2))
            patch = values[y : y + low, x : x + wide]
            if (patch == -1).all() and rng.random() < 0.6:
                patch[:] = 0
                rim = [(y + i, x + j) for i in range(-1, patch.shape[0] + 1) for j in range(-1, patch.shape[1] + 1)]
                for v, u in rim:
                    if 0 <= v < height and 0 <= u < width and values[v, u] == -1:
                        values[v, u] = -2
            else:
                values[y, x] = -2
    filled = np.where(values > 0, t.SHAKASHAKA_EMPTY + values - 1, t.SHAKASHAKA_EMPTY)
    return _walled(values == -2, values > 0, filled, rng)


def _tilted(patch: Grid, a: int, b: int) -> None:
    """Draw a rectangle at 45 degrees, a cells down to the right and b down to the left, if its place is free."""
    rows = range(a + b)
    left = [(b - 1 - r, 5) if r < b else (r - b, 2) for r in rows]
    right = [(b + r, 4) if r < a else (b + 2 * a - 1 - r, 3) for r in rows]
    if all((patch[r, left[r][0] : right[r][0] + 1] == -1).all() for r in rows):
        for r in rows:
            patch[r, left[r][0] : right[r][0] + 1] = 0
            patch[r, left[r][0]], patch[r, right[r][0]] = left[r][1], right[r][1]


_MAKERS: dict[str, Callable[[int, int, np.random.Generator], Pair]] = {
    "sudoku": _sudoku,
    "lightup": _lightup,
    "nurikabe": _nurikabe,
    "heyawake": _heyawake,
    "tapa": _tapa,
    "shakashaka": _shakashaka,
}
