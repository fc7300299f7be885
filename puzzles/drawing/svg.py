"""A board as an SVG picture, in the manner of puzz.link.

Self-contained and quiet on a page: no style sheet, no ids, nothing that could touch another picture beside it. The
background is opaque, so the picture reads the same on dark and light pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import ArrayLike

from tts.interfaces import Puzzle
from tts.puzzles.cells import BULB, Cell
from tts.puzzles.drawing.picture import Mask, Picture

SIDE = 36
"""Side of a cell in user units."""
MARGIN = 8
INK, PAPER, THIN = "#111111", "#ffffff", "#b5b5b5"
ANSWER, LIT, BULB_FILL, VIOLATED = "#1f5fa8", "#fff3a6", "#f2a900", "#d81e1e"
FILLS = {"lit": LIT, "shaded": "#465870", "wall": INK}
PLACES = {
    1: ((0.5, 0.5),),
    2: ((0.32, 0.33), (0.68, 0.69)),
    3: ((0.32, 0.33), (0.68, 0.33), (0.5, 0.71)),
    4: ((0.32, 0.33), (0.68, 0.33), (0.32, 0.71), (0.68, 0.71)),
}
"""Where the entries of a clue stand in the unit cell, by how many there are (tapa has up to four)."""
CORNERS = {"◣": "0,0 0,1 1,1", "◢": "1,0 1,1 0,1", "◥": "0,0 1,0 1,1", "◤": "0,0 1,0 0,1"}


def svg(puzzle: Puzzle, answer: ArrayLike | None = None, violations: ArrayLike | None = None) -> str:
    """Draw the board as one SVG element.

    Args:
        puzzle: a board of any variety.
        answer: int [height, width] in puzz.link's values; a value that a cell cannot hold is drawn as ``×``.
        violations: bool [height, width]; a marked cell gets a red frame with a filled corner.

    Raises:
        PuzzleError: a grid of another shape than the board's.
    """
    picture = Picture.of(puzzle, answer, violations)
    height, width = picture.violated.shape
    size = (width * SIDE + 2 * MARGIN, height * SIDE + 2 * MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-MARGIN} {-MARGIN} {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}" role="img" aria-label={quoteattr(picture.title)}>',
        f"<title>{escape(picture.title)}</title>",
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{size[0]}" height="{size[1]}" fill="{PAPER}"/>',
        *_each(picture, _fill),
        _thin_lines(height, width),
        *_each(picture, _answer),
        _thick_lines(picture),
        *_each(picture, _clue),
        *(_violated(x, y) for x, y in _cells_of(picture.violated)),
        "</svg>",
    ]
    return "\n".join(parts)


def cell_svg(cell: Cell) -> tuple[str, str]:
    """Draw one cell at the origin: what lies under the lines of the board, and its clue, which lies over them."""
    return _fill(cell, 0, 0) + _answer(cell, 0, 0), _clue(cell, 0, 0)


def lines_svg(picture: Picture) -> str:
    """Draw the lines of the board, thin and thick."""
    height, width = picture.violated.shape
    return _thin_lines(height, width) + _thick_lines(picture)


def mark_svg() -> str:
    """Draw the mark of a cell that breaks a rule, at the origin."""
    return _violated(0, 0)


def _each(picture: Picture, draw: Callable[[Cell, int, int], str]) -> Iterator[str]:
    for y, row in enumerate(picture.cells):
        for x, cell in enumerate(row):
            if drawn := draw(cell, x, y):
                yield drawn


def _fill(cell: Cell, x: int, y: int) -> str:
    if cell.fill == "open":
        return ""
    place = f'x="{x * SIDE}" y="{y * SIDE}" width="{SIDE}" height="{SIDE}"'
    return f'<rect class="{cell.fill}" {place} fill="{FILLS[cell.fill]}"/>'


def _answer(cell: Cell, x: int, y: int) -> str:
    if cell.answer == BULB:
        place = f'cx="{(x + 0.5) * SIDE:g}" cy="{(y + 0.5) * SIDE:g}" r="{0.3 * SIDE:g}"'
        return f'<circle class="bulb" {place} fill="{BULB_FILL}" stroke="{INK}" stroke-width="1.5"/>'
    if cell.answer in CORNERS:
        corners = (map(float, corner.split(",")) for corner in CORNERS[cell.answer].split())
        points = " ".join(f"{(x + u) * SIDE:g},{(y + v) * SIDE:g}" for u, v in corners)
        return f'<polygon class="triangle" points="{points}" fill="{FILLS["shaded"]}"/>'
    if not cell.answer:
        return ""
    (u, v), size = ((0.27, 0.75), 0.36) if cell.is_given else ((0.5, 0.5), 0.6)
    return _writing("answer", cell.answer, (x + u, y + v), size, ANSWER)


def _clue(cell: Cell, x: int, y: int) -> str:
    if not cell.is_given:
        return ""
    colour = PAPER if cell.fill in ("wall", "shaded") else INK
    places = PLACES[len(cell.clue)]
    size = 0.62 if len(places) == 1 else 0.44
    return "\n".join(
        _writing("given", number, (x + u, y + v), size, colour)
        for number, (u, v) in zip(cell.clue, places, strict=True)
    )


def _writing(kind: str, words: str, centre: tuple[float, float], size: float, colour: str) -> str:
    """Draw centred text; ``size`` is a share of the cell's side, less where there are more than two characters."""
    pixels = SIDE * size * min(1.0, 2.4 / (1 + len(words)) if len(words) > 1 else 1.0)
    weight = "bold" if kind == "given" else "normal"
    # a third of the size below the centre: renderers disagree on dominant-baseline
    place = f'x="{centre[0] * SIDE:g}" y="{centre[1] * SIDE + 0.35 * pixels:g}"'
    font = f'font-family="Helvetica, Arial, sans-serif" font-size="{pixels:g}" font-weight="{weight}"'
    return f'<text class="{kind}" {place} {font} fill="{colour}" text-anchor="middle">{escape(words)}</text>'


def _thin_lines(height: int, width: int) -> str:
    across = (f"M0 {y * SIDE}h{width * SIDE}" for y in range(1, height))
    down = (f"M{x * SIDE} 0v{height * SIDE}" for x in range(1, width))
    return f'<path d="{"".join((*across, *down))}" stroke="{THIN}" fill="none"/>'


def _thick_lines(picture: Picture) -> str:
    height, width = picture.violated.shape
    frame = f"M0 0h{width * SIDE}v{height * SIDE}h{-width * SIDE}z"
    down = (f"M{(x + 1) * SIDE} {y * SIDE}v{SIDE}" for x, y in _cells_of(picture.right))
    across = (f"M{x * SIDE} {(y + 1) * SIDE}h{SIDE}" for x, y in _cells_of(picture.below))
    path = "".join((frame, *down, *across))
    return f'<path d="{path}" stroke="{INK}" stroke-width="3" stroke-linecap="square" fill="none"/>'


def _cells_of(mask: Mask) -> Iterator[tuple[int, int]]:
    return ((x, y) for y, x in np.argwhere(mask).tolist())


def _violated(x: int, y: int) -> str:
    """Draw a frame inside the cell and a filled corner, which are seen without telling red from black, too."""
    inner, corner = SIDE - 4, SIDE // 5
    outline = f"M{x * SIDE + 2} {y * SIDE + 2}h{inner}v{inner}h{-inner}zm3 3v{inner - 6}h{inner - 6}v{6 - inner}z"
    flag = f"M{(x + 1) * SIDE - 5} {y * SIDE + 5}v{corner}l{-corner} {-corner}z"
    return f'<path class="violated" d="{outline}{flag}" fill="{VIOLATED}" fill-rule="evenodd"/>'
