"""Drawing boards: unicode for a terminal, the same with rich's styles, and SVG."""

from tts.puzzles.drawing.picture import BULB, Cell, Mask, Picture
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
