"""Draw boards: in unicode for a terminal, the same with rich's styles, and as SVG.

What every drawing shows is decided in ``picture``; the other modules turn a Picture into characters or shapes. What one
cell of a variety shows is in ``tts.puzzles.cells``.
"""

from tts.puzzles.cells import BULB, Cell
from tts.puzzles.drawing.picture import Mask, Picture
from tts.puzzles.drawing.svg import MARGIN, SIDE, cell_svg, lines_svg, mark_svg, svg
from tts.puzzles.drawing.text import rich_text, text

__all__ = [
    "BULB",
    "MARGIN",
    "SIDE",
    "Cell",
    "Mask",
    "Picture",
    "cell_svg",
    "lines_svg",
    "mark_svg",
    "rich_text",
    "svg",
    "text",
]
