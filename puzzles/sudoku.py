"""Sudoku: the board in any shape of box, its text forms, its symmetry group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import factorial, isqrt
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from tts.errors import PuzzleError
from tts.interfaces import Grid, Symmetry, Verifier
from tts.puzzles.board import BASE36, Board, Box, flat_tokens, ints
from tts.puzzles.puzzlink import NONE, Address, decode_numbers, encode_numbers
from tts.verifiers import GridVerifier, SudokuVerifier
from tts.verifiers.tokens import SUDOKU_BLANK, UNKNOWN

MAX_SIDE = 16
_BOXES = {
    1: (1, 1),
    4: (2, 2),
    6: (2, 3),
    8: (2, 4),
    9: (3, 3),
    10: (2, 5),
    12: (3, 4),
    14: (2, 7),
    15: (3, 5),
    16: (4, 4),
}


@attrs.frozen
class Sudoku(Board):
    """A sudoku of side N = box_height * box_width: every digit once in each row, column and box.

    An answer repeats the givens; a 0 on a given counts as the given.

    Attributes:
        clues: per cell 0 none, -2 ``?`` (filled, equal to nothing), or a digit from 1 to N.
        box_height, box_width: the boxes; 3 and 3 unless given.

    Source of the rules: pzpr (https://puzz.link/rules.html?sudoku).

    Raises:
        PuzzleError: a side above 16, or a clue out of range.
    """

    variety: ClassVar[str] = "sudoku"
    letters: ClassVar[Mapping[int, str]] = {0: "."} | {digit: BASE36[digit] for digit in range(1, MAX_SIDE + 1)}
    rules: ClassVar[type[GridVerifier]] = SudokuVerifier
    boxed: ClassVar[bool] = True

    clues: tuple[int, ...] = attrs.field(converter=ints)
    box_height: int = 3
    box_width: int = 3

    def __attrs_post_init__(self) -> None:
        side = self.side
        if self.box_height < 1 or self.box_width < 1 or side > MAX_SIDE:
            raise PuzzleError(
                f"sudoku: boxes {self.box_height} high and {self.box_width} wide; "
                f"their product is the side, 1 to {MAX_SIDE}"
            )
        if len(self.clues) != side * side:
            raise PuzzleError(
                f"sudoku: {len(self.clues)} clues for boxes {self.box_height} high and {self.box_width} wide; "
                f"expected {side} x {side} = {side * side}"
            )
        for cell, clue in enumerate(self.clues):
            if clue != UNKNOWN and not 0 <= clue <= side:
                raise PuzzleError(
                    f"sudoku: a clue of {clue} at {self.place(cell)}; "
                    f"expected 0 (none), -2 (a question mark) or 1 to {side}"
                )

    @property
    def side(self) -> int:
        """N."""
        return self.box_height * self.box_width

    @property
    def height(self) -> int:
        """Rows, N."""
        return self.side

    @property
    def width(self) -> int:
        """Columns, N."""
        return self.side

    @property
    def box(self) -> tuple[int, int]:
        """Height and width of the boxes."""
        return self.box_height, self.box_width

    @classmethod
    def usual_box(cls, height: int, width: int) -> Box:
        """See Board.usual_box: the usual ones of the lesser side."""
        return default_box(min(height, width))

    @classmethod
    def rules_for(cls, height: int, width: int, box: Box | None = None) -> Verifier:
        """See Board.rules_for."""
        return SudokuVerifier(height, width, *(box or cls.usual_box(height, width)))

    @classmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """See Board.vocabulary: pad, blank and the digits, as in the official data sets; ``?`` has no place in it."""
        return max(height, width) + 2

    @classmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int, box: tuple[int, int] | None = None) -> Self:
        """See Board.from_tokens; ``box`` is the usual one for the side unless given."""
        flat = flat_tokens(tokens, height, width)
        box = box or default_box(height)
        if height != width or box[0] * box[1] != height:
            raise PuzzleError(f"sudoku: boxes {box[0]} high and {box[1]} wide on a board of {height} x {width}")
        unknown = height + 2
        strange = flat[(flat < SUDOKU_BLANK) | (flat > unknown)]
        if len(strange):
            raise PuzzleError(f"sudoku: token {strange[0]} is not a cell of a puzzle of side {height}")
        return cls(np.where(flat == unknown, UNKNOWN, flat - SUDOKU_BLANK), *box)

    @classmethod
    def from_tokens_and_box(cls, tokens: ArrayLike, height: int, width: int, box: Box | None) -> Self:
        """See Board.from_tokens_and_box."""
        return cls.from_tokens(tokens, height, width, box)

    @classmethod
    def from_address(cls, address: Address) -> Self:
        """See Board.from_address. pzpr takes the boxes from the width; shapes that it cuts at the edge are refused."""
        side = address.width
        box = _pzpr_box(side)
        if address.height != side or side > MAX_SIDE or box is None:
            raise PuzzleError(
                f"puzz.link sudoku {address.width} wide and {address.height} high: its boxes do not tile the board; "
                "addresses are read for sides 1, 4, 6, 9 and 16, other shapes from text"
            )
        clues = decode_numbers(address, address.cells)
        for cell, clue in enumerate(clues):
            if clue == 0 or clue > side:
                raise PuzzleError(
                    f"puzz.link sudoku: a clue of {clue} at row {cell // side + 1}, column {cell % side + 1}; "
                    f"expected 1 to {side}"
                )
        return cls((0 if clue == NONE else clue for clue in clues), *box)

    @classmethod
    def from_text(cls, text: str, box: tuple[int, int] | None = None) -> Self:
        """Read a grid in row-major order: digits, ``A`` to ``G`` for 10 to 16, ``.`` ``0`` or ``_`` for no clue, ``?``.

        White space and drawn lines (``|``, ``-``, ``+`` and box-drawing characters) are ignored. The boxes are the
        usual ones for the side unless ``box`` (height, width) says otherwise.

        Raises:
            PuzzleError: the cells are not a square, or a character is not a clue.
        """
        chars = re.sub("[\\s|+─-╿-]", "", text)
        side = isqrt(len(chars))
        if not chars or side * side != len(chars) or side > MAX_SIDE:
            raise PuzzleError(
                f"a sudoku of {len(chars)} cells; expected a square such as 81 = 9 x 9, at most {MAX_SIDE} x {MAX_SIDE}"
            )
        codes = {"_": 0, "0": 0, "?": UNKNOWN} | {
            letter: digit for digit, letter in cls.letters.items() if digit <= side
        }
        clues = []
        for cell, char in enumerate(chars):
            if char.upper() not in codes:
                raise PuzzleError(
                    f"sudoku: {char!r} at row {cell // side + 1}, column {cell % side + 1}; expected "
                    f"1 to {BASE36[side]}, or a full stop, 0 or _ for an empty cell"
                )
            clues.append(codes[char.upper()])
        return cls(clues, *(box or default_box(side)))

    def body(self) -> str:
        """See Board.body.

        Raises:
            PuzzleError: boxes that puzz.link cannot express.
        """
        if self.box != _pzpr_box(self.side):
            raise PuzzleError(
                f"puzz.link has no sudoku of side {self.side} with boxes {self.box_height} high and {self.box_width} "
                "wide: it draws 1x1, 2x2, 3x3 and 4x4 boxes, and 2 high and 3 wide for side 6"
            )
        return encode_numbers(NONE if clue == 0 else clue for clue in self.clues)

    def tokens(self) -> Grid:
        """Return int64 [L]: digit + 1, as in the official data sets; ``?`` is N + 2."""
        clues = np.array(self.clues)
        return np.where(clues == UNKNOWN, self.side + 2, clues + SUDOKU_BLANK)

    def values(self) -> Mapping[int, int]:
        """Return the tokens of the answer values: 0 empty, and the digits."""
        return {digit: SUDOKU_BLANK + digit for digit in range(self.side + 1)}

    def symbols(self) -> list[str]:
        """Return the givens."""
        return ["?" if clue == UNKNOWN else self.letters[clue] if clue else "" for clue in self.clues]

    def symmetries(self, seed: int = 0) -> Iterator[Symmetry]:
        """Yield distinct members of the group, drawn from ``seed``: the identity first, until the group is exhausted.

        Digits, bands, rows within bands, stacks, columns within stacks and the transpose, which turns the boxes.
        """
        rng = np.random.default_rng(seed)
        high, wide, side = self.box_height, self.box_width, self.side
        order = factorial(side) * factorial(wide) * factorial(high) ** wide * factorial(high) * factorial(wide) ** high
        order *= 2 if side > 1 else 1
        still = np.arange(side)
        member = (still, still, still, False)
        seen: set[tuple[bytes, bool]] = set()
        while len(seen) < order:
            rows, columns, digits, transposed = member
            key = (np.stack((rows, columns, digits)).astype(np.uint8).tobytes(), transposed)
            if key not in seen:
                seen.add(key)
                yield self._seen(rows, columns, digits, transposed)
            rows, columns = _shuffled(rng, wide, high), _shuffled(rng, high, wide)
            member = (rows, columns, rng.permutation(side), side > 1 and bool(rng.integers(2)))

    def _seen(self, rows: Grid, columns: Grid, digits: Grid, transposed: bool) -> Symmetry:
        """Return this board with rows and columns reordered, digit d + 1 renamed to digits[d] + 1, then transposed."""
        cells = np.arange(self.side**2).reshape(self.side, self.side)[np.ix_(rows, columns)]
        cells = (cells.T if transposed else cells).ravel()
        values = np.arange(self.side + 3)
        values[SUDOKU_BLANK + 1 : -1] = SUDOKU_BLANK + 1 + digits
        box = self.box[::-1] if transposed else self.box
        return Symmetry(type(self).from_tokens(values[self.tokens()[cells]], self.side, self.side, box), cells, values)


def _shuffled(rng: np.random.Generator, groups: int, size: int) -> Grid:
    """Return the numbers 0 to groups * size - 1, shuffled within runs of ``size``, and the runs shuffled."""
    runs = [size * run + rng.permutation(size) for run in rng.permutation(groups)]
    return np.concatenate(runs)


def default_box(side: int) -> tuple[int, int]:
    """Return height and width of the usual boxes of a side.

    Raises:
        PuzzleError: there are none; say which with ``box``.
    """
    if side not in _BOXES:
        raise PuzzleError(f"sudoku: a side of {side} has no usual boxes; give box=(height, width)")
    return _BOXES[side]


def _pzpr_box(side: int) -> tuple[int, int] | None:
    """Return the boxes that pzpr draws, None where it would cut them at the edge."""
    if side == 6:
        return 2, 3
    root = isqrt(side)
    return (root, root) if root * root == side else None
