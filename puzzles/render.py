"""Drawing boards: unicode for a terminal, the same with rich's styles, and SVG."""

from tts.puzzles.render_svg import svg
from tts.puzzles.render_text import rich_text, text

__all__ = ["rich_text", "svg", "text"]
