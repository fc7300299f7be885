"""The codes in which pzpr writes the clues of an address, read and written.

What is read leniently and what is refused: see address.py. Source: pzpr (https://github.com/robx/pzprjs).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tts.puzzles.puzzlink.address import Address
from tts.verifiers.tokens import UNKNOWN

T = TypeVar("T")

NONE = -1
MAX_NUMBER = 77776 + 0xFFFFF
"""The largest clue that an address can express."""

_SKIPS = "ghijklmnopqrstuvwxyz"  # 1 to 20 cells without a clue
_BASE32 = "0123456789abcdefghijklmnopqrstuv"
_LONG = {"-": (2, 0), "+": (3, 0), "=": (3, 4096), "%": (3, 8192), "@": (3, 8192), "*": (4, 12240), "$": (5, 77776)}


def decode_four(address: Address) -> list[int]:
    """Read the code of lightup and shakashaka: per cell -1 none, -2 unnumbered, 0 to 4."""
    clues = [NONE] * address.cells
    cell = 0
    for position, char in enumerate(address.body):
        if cell >= address.cells:
            break
        if char in _SKIPS:
            cell += _SKIPS.index(char) + 1
        elif char in "f/":
            cell += 1
        elif char == ".":
            clues[cell] = UNKNOWN
            cell += 1
        elif char in "0123456789abcde":
            blanks, clues[cell] = divmod(int(char, 16), 5)
            cell += 1 + blanks
        else:
            raise address.error(position, f"{char!r} is not a clue; expected 0-9, a-z or a full stop")
    return clues


def encode_four(clues: Sequence[int]) -> str:
    """Invert decode_four; a number carries one or two blanks that follow it, as in pzpr."""
    codes: list[str] = []
    cell = 0
    while cell < len(clues):
        blanks = 0
        if clues[cell] >= 0:
            following = clues[cell + 1 : cell + 3]
            blanks = next((n for n, clue in enumerate(following) if clue != NONE), 2)
            codes.append(f"{5 * blanks + clues[cell]:x}")
        else:
            codes.append("." if clues[cell] == UNKNOWN else "")
        cell += 1 + blanks
    return _with_skips(codes)


def decode_numbers(address: Address, count: int) -> list[int]:
    """Read the code of sudoku, nurikabe and heyawake's rooms (pzpr's number16): -1 none, -2 ``?``, or a number."""

    def item(position: int) -> tuple[int, int] | None:
        char = address.body[position]
        if char == "/":
            return None
        if char in "0123456789abcdef":
            return int(char, 16), 1
        if char not in _LONG:
            raise address.error(
                position, f"{char!r} is not a clue; expected 0-9, a-z, a full stop or one of {''.join(_LONG)}"
            )
        digits, offset = _LONG[char]
        number = address.body[position + 1 : position + 1 + digits]
        if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", number):
            raise address.error(position, f"{char!r} needs {digits} hexadecimal digits after it, got {number!r}")
        return int(number, 16) + offset, 1 + digits

    return _decode_items(address, count, NONE, UNKNOWN, item)


def encode_numbers(numbers: Iterable[int]) -> str:
    """Invert decode_numbers."""

    def code(number: int) -> str:
        if number < 0:
            return "." if number == UNKNOWN else ""
        if number < 16:
            return f"{number:x}"
        # %, an older sign for the range of @, is read but never written: browsers decode it
        sign = next(
            s for s, end in zip("-+=@*$", (256, 4096, 8192, 12240, 77776, MAX_NUMBER + 1), strict=True) if number < end
        )
        digits, offset = _LONG[sign]
        return f"{sign}{number - offset:0{digits}x}"

    return _with_skips(code(number) for number in numbers)


def decode_tapa(address: Address) -> list[tuple[int, ...]]:
    """Read the code of tapa: per cell () none, else the clue's entries in the order written, ``?`` as -2."""

    def entries(*digits: int) -> tuple[int, ...]:
        return tuple(digit or UNKNOWN for digit in digits)

    def item(position: int) -> tuple[tuple[int, ...], int]:
        char = address.body[position]
        if char == "/":
            return (), 1
        if char in "012345678":
            return (int(char),), 1
        if char == "9":
            return (1, 1, 1, 1), 1
        pair = address.body[position : position + 2]
        if not re.fullmatch("[a-f][0-9a-z]", pair):
            raise address.error(
                position, f"{pair!r} is not a clue; expected 0-9, g-z, a full stop, or a-f with a character after"
            )
        value = int(pair, 36)
        if 360 <= value < 396:
            return entries((value - 360) // 6, (value - 360) % 6), 2
        if 396 <= value < 460:
            return entries((value - 396) // 16, (value - 396) // 4 % 4, (value - 396) % 4), 2
        if 460 <= value < 476:
            return entries(*(int(bit) for bit in f"{value - 460:04b}")), 2
        return (), 2

    return _decode_items(address, address.cells, (), (UNKNOWN,), item)


def encode_tapa(clues: Iterable[tuple[int, ...]]) -> str:
    """Invert decode_tapa."""

    def code(clue: tuple[int, ...]) -> str:
        if len(clue) < 2:
            return "".join("." if entry == UNKNOWN else str(entry) for entry in clue)
        if clue == (1, 1, 1, 1):
            return "9"
        base, first = {2: (6, 360), 3: (4, 396), 4: (2, 460)}[len(clue)]
        value = 0
        for entry in clue:
            value = value * base + max(entry, 0)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"
        return digits[(first + value) // 36] + digits[(first + value) % 36]

    return _with_skips(code(clue) for clue in clues)


def decode_walls(address: Address) -> tuple[list[bool], list[bool], Address]:
    """Read heyawake's walls: per cell one at its right, one below it; and the address with the walls read."""
    width, height = address.width, address.height
    inner, used = _decode_bits(address, (width - 1) * height)
    right = [x + 1 < width and inner[y * (width - 1) + x] for y in range(height) for x in range(width)]
    address = address.after(used)
    below, used = _decode_bits(address, width * (height - 1))
    return right, below + [False] * width, address.after(used)


def encode_walls(right: Sequence[bool], below: Sequence[bool], width: int) -> str:
    """Invert decode_walls."""
    inner = [wall for cell, wall in enumerate(right) if (cell + 1) % width]
    return _encode_bits(inner) + _encode_bits(below[: len(below) - width])


def _decode_bits(address: Address, count: int) -> tuple[list[bool], int]:
    """Read ``count`` bits, five a character, absent ones as zeros; and how many characters they took."""
    chars = address.body[: -(-count // 5)]
    bits: list[bool] = []
    for position, char in enumerate(chars):
        if char not in _BASE32:
            raise address.error(position, f"{char!r} is not a code for walls; expected 0-9 or a-v")
        bits += [bool(_BASE32.index(char) >> shift & 1) for shift in (4, 3, 2, 1, 0)]
    return (bits + [False] * count)[:count], len(chars)


def _encode_bits(bits: Sequence[bool]) -> str:
    """Invert _decode_bits, in full."""
    padded = [*bits, *[False] * (-len(bits) % 5)]
    return "".join(
        _BASE32[sum(bit << (4 - place) for place, bit in enumerate(padded[start : start + 5]))]
        for start in range(0, len(padded), 5)
    )


def _decode_items(
    address: Address, count: int, none: T, unknown: T, item: Callable[[int], tuple[T, int] | None]
) -> list[T]:
    """Read ``count`` clues: skips and ``?`` here, other codes by ``item``: clue and length, or None to ignore."""
    clues = [none] * count
    position = 0
    place = 0
    while position < len(address.body) and place < count:
        char = address.body[position]
        if char in _SKIPS:
            place += _SKIPS.index(char) + 1
            position += 1
        elif char == ".":
            clues[place] = unknown
            place += 1
            position += 1
        elif (clue := item(position)) is None:
            position += 1
        else:
            clues[place], used = clue
            place += 1
            position += used
    return clues


def _with_skips(codes: Iterable[str]) -> str:
    """Join codes; runs of empty ones become skips of up to 20."""
    out: list[str] = []
    blanks = 0
    for code in [*codes, "end"]:
        if code:
            out.append("z" * (blanks // 20) + (_SKIPS[blanks % 20 - 1] if blanks % 20 else ""))
            out.append(code)
            blanks = 0
        else:
            blanks += 1
    return "".join(out[:-1])
