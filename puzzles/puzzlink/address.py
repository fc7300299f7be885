"""puzz.link addresses: the parts of one. The codes of their bodies are in codes.py.

An address is ``https://puzz.link/p?VARIETY/[v:VARIANT/][FLAGS/]WIDTH/HEIGHT/BODY``. Reading follows pzpr, the engine of
puzz.link: a body may be shorter than the board (no clue on the rest), what comes after the last cell is ignored, flags
mean nothing to these varieties. It is stricter where pzpr would guess: broken hexadecimal numbers, characters that no
code knows and variants of the rules raise PuzzleError. Writing gives what pzpr's own encoder gives.

Source: pzpr (https://github.com/robx/pzprjs) and https://puzz.link.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from tts.errors import PuzzleError

MAX_SIDE = 40
"""The longest side of a board."""
ALIASES = {"akari": "lightup", "bijutsukan": "lightup", "heyawacky": "heyawake"}
_PUBLISHED = {"lightup": "akari"}
"""The names that pzpr itself writes, where they differ from the variety's."""


@attrs.frozen(kw_only=True)
class Address:
    """The parts of an address.

    Attributes:
        variety: the variety's own name, aliases resolved.
        width, height: the board.
        body: the clues, in the variety's code.
        start: where the body begins in the text, counted from 1.
    """

    variety: str
    width: int
    height: int
    body: str
    start: int

    @property
    def cells(self) -> int:
        """Cells of the board."""
        return self.width * self.height

    def error(self, position: int, what: str) -> PuzzleError:
        """Return the error to raise for character ``position`` of the body, counted from 0."""
        return PuzzleError(f"puzz.link address, character {self.start + position}: {what}")

    def after(self, count: int) -> Address:
        """Return the same address with the first ``count`` characters of its body read."""
        return attrs.evolve(self, body=self.body[count:], start=self.start + count)


def read_address(text: str) -> Address:
    """Split an address; the part up to and including the ``?`` may be anything, or absent.

    Raises:
        PuzzleError: a part is missing or malformed.
    """
    start = text.find("?") + 1
    fields: list[tuple[int, str]] = []
    for field in text[start:].split("/"):
        fields.append((start + 1, field))
        start += len(field) + 1
    name = fields[0][1].removesuffix("_edit").removesuffix("_play")
    rest = fields[1:]
    if rest and rest[0][1].startswith("v:"):
        if rest[0][1] != "v:":
            raise PuzzleError(
                f"puzz.link address, character {rest[0][0]}: {short(rest[0][1])} asks for a variant of the rules, "
                "and only the plain rules of a variety are known here"
            )
        rest = rest[1:]
    if rest and re.fullmatch("[A-Za-z]+", rest[0][1]):
        rest = rest[1:]
    width, height = (_side(rest, place, side, len(text)) for place, side in enumerate(("width", "height")))
    if len(rest) > 2 and not rest[-1][1]:
        rest = rest[:-1]
    body = "/".join(field for _, field in rest[2:])
    return Address(
        variety=ALIASES.get(name, name),
        width=width,
        height=height,
        body=body,
        start=rest[2][0] if len(rest) > 2 else len(text) + 1,
    )


def short(text: str) -> str:
    """Return text quoted for an error, cut when long."""
    return repr(text if len(text) <= 20 else text[:20] + "...")


def _side(fields: Sequence[tuple[int, str]], place: int, side: str, end: int) -> int:
    """Read the width or height in field number ``place``."""
    position, field = fields[place] if place < len(fields) else (end + 1, "")
    if not re.fullmatch("[0-9]+", field):
        raise PuzzleError(
            f"puzz.link address, character {position}: expected the board's {side}, got {short(field)}; "
            "an address reads https://puzz.link/p?VARIETY/WIDTH/HEIGHT/CLUES"
        )
    digits = field.lstrip("0")
    if not digits or len(digits) > 2 or int(digits) > MAX_SIDE:
        raise PuzzleError(
            f"puzz.link address, character {position}: a {side} of {field[:12]}; "
            f"boards have 1 to {MAX_SIDE} cells a side"
        )
    return int(digits)


def write_address(variety: str, width: int, height: int, body: str) -> str:
    """Write the address of a board. As in pzpr it does not end in a full stop, which readers of plain text drop."""
    end = "/" if body.endswith(".") else ""
    return f"https://puzz.link/p?{_PUBLISHED.get(variety, variety)}/{width}/{height}/{body}{end}"
