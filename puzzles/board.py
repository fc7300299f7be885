"""Board: what every variety's board shares. Answers as tokens and as text, verdicts, addresses, mirrors and turns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from tts.errors import PuzzleError
from tts.interfaces import Grid, Puzzle, Symmetry, Verifier, Violations
from tts.puzzles.puzzlink import MAX_SIDE, Address, write_address
from tts.verifiers import GridVerifier
from tts.verifiers.tokens import PAD

Box = tuple[int, int]
"""Height and width of a sudoku's boxes."""

ILLEGAL = -1
"""What a grid holds where an answer token means nothing. As a token it is PAD, which no rule accepts on the board."""
ILLEGAL_LETTER = "!"
BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def ints(values: Iterable[int]) -> tuple[int, ...]:
    """Return a tuple of plain integers, from an array or a tensor too."""
    return tuple(int(value) for value in values)


def flags(values: Iterable[bool]) -> tuple[bool, ...]:
    """Return a tuple of plain booleans."""
    return tuple(bool(value) for value in values)


def read_size(size: int | str | tuple[int, int]) -> tuple[int, int]:
    """Return height and width: of a side, of a pair, or of text such as ``10`` or ``8x10``.

    Raises:
        PuzzleError: the text is not a size.
    """
    if not isinstance(size, str):
        return (size, size) if isinstance(size, int) else size
    sides = [side.strip() for side in size.lower().split("x")]
    if len(sides) > 2 or not all(side.isdecimal() and len(side) < 4 for side in sides):
        raise PuzzleError(f"{size!r} is not a size; give a side such as 10, or height and width such as 8x10")
    return int(sides[0]), int(sides[-1])


def check_size(name: str, height: int, width: int, **cells: Sequence[object]) -> None:
    """Raise PuzzleError unless the sides are 1 to 40 and every field named has a value a cell."""
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise PuzzleError(f"{name}: a board of {height} x {width}; boards have 1 to {MAX_SIDE} cells a side")
    for field, values in cells.items():
        if len(values) != height * width:
            raise PuzzleError(f"{name}: {len(values)} {field} for {height} x {width} = {height * width} cells")


class Board(Puzzle):
    """A puzzle whose answer is one value a cell.

    Subclasses say which token and which letter each answer value has on an open cell, and which cells are held by a
    clue. On those, value 0 means that nothing is written; any other value breaks ``illegalCell``.
    """

    letters: ClassVar[Mapping[int, str]]
    """The character of each answer value, for parse_answer and format_answer."""
    rules: ClassVar[type[GridVerifier]]
    """The class of its verifier."""
    boxed: ClassVar[bool] = False
    """Its boards have boxes, as sudokus have."""

    @property
    def box(self) -> Box | None:
        """Height and width of a sudoku's boxes; None in other varieties."""
        return None

    @classmethod
    def usual_box(cls, height: int, width: int) -> Box | None:
        """Return the boxes of boards padded to height x width unless others are asked for; None without boxes.

        Raises:
            PuzzleError: there are none for this size.
        """
        return None

    @classmethod
    def rules_for(cls, height: int, width: int, box: Box | None = None) -> Verifier:
        """Return the rules over boards padded to height x width; ``box`` as in ``usual_box``."""
        return cls.rules(height, width)

    @classmethod
    @abstractmethod
    def vocabulary(cls, height: int, width: int) -> int:
        """Return V: how many tokens boards of this size need, pad included."""

    @classmethod
    @abstractmethod
    def from_tokens(cls, tokens: ArrayLike, height: int, width: int) -> Self:
        """Return the board that tokens [height * width] stand for; the inverse of ``tokens()``.

        Raises:
            PuzzleError: a token that is not a cell of a puzzle, or a board that its class refuses.
        """

    @classmethod
    def from_tokens_and_box(cls, tokens: ArrayLike, height: int, width: int, box: Box | None) -> Self:
        """Return the board that tokens [height * width] stand for, its boxes ``box``; see ``from_tokens``."""
        return cls.from_tokens(tokens, height, width)

    @classmethod
    @abstractmethod
    def from_address(cls, address: Address) -> Self:
        """Return the board of a puzz.link address."""

    @abstractmethod
    def body(self) -> str:
        """Return the clues in the variety's puzz.link code, as pzpr writes them."""

    @abstractmethod
    def values(self) -> Mapping[int, int]:
        """Return the answer values and their tokens on an open cell."""

    @abstractmethod
    def symbols(self) -> Sequence[str]:
        """Return the character of each cell's clue, empty on cells that take an answer."""

    def held(self) -> NDArray[np.bool_]:
        """Return bool [L]: the cells held by a clue."""
        return np.array([bool(symbol) for symbol in self.symbols()])

    def to_url(self) -> str:
        """Return the puzz.link address of this board, as pzpr would write it."""
        return write_address(self.variety, self.width, self.height, self.body())

    def answer_tokens(self, grid: ArrayLike) -> Grid:
        """Return the tokens of an answer grid, int64 [L]; clue cells repeat their clue. Values of no meaning become
        PAD.

        Raises:
            PuzzleError: the grid has another shape, or holds no integers.
        """
        values = self._flat(grid)
        tokens = np.full(values.shape, PAD, np.int64)
        for value, token in self.values().items():
            tokens[values == value] = token
        return np.where(self.held() & (values == 0), self.tokens(), tokens)

    def grid(self, answers: ArrayLike) -> Grid:
        """Return the answer grid [height, width] of answer tokens [L]; tokens that are not an answer become -1."""
        tokens = flat_tokens(answers, self.height, self.width)
        values = np.full(tokens.shape, ILLEGAL, np.int64)
        for value, token in self.values().items():
            values[tokens == token] = value
        held = self.held()
        repeated = tokens == self.tokens()
        values[held & repeated & (values == ILLEGAL)] = 0
        values[held & ~repeated & (values == 0)] = ILLEGAL
        return values.reshape(self.height, self.width)

    def parse_answer(self, text: str) -> Grid:
        """Read the answer grid [height, width] written in ``text``: a character a cell, white space ignored.

        A clue cell repeats its clue's character. Answers where they do not belong are read as they are, so that
        ``violations`` can say what is wrong.

        Raises:
            PuzzleError: too few or too many characters, or one of another alphabet.
        """
        chars = "".join(text.split())
        if len(chars) != self.height * self.width:
            raise PuzzleError(
                f"{self.variety}: an answer of {len(chars)} characters for a board of "
                f"{self.height} x {self.width} = {self.height * self.width} cells"
            )
        letters = self._letters()
        known = {letter: value for value, letter in letters.items()} | {ILLEGAL_LETTER: ILLEGAL}
        values = np.zeros(len(chars), np.int64)
        for cell, (char, symbol) in enumerate(zip(chars, self.symbols(), strict=True)):
            if char in known:
                values[cell] = known[char]
            elif char != symbol:
                raise PuzzleError(
                    f"{self.variety}: {char!r} in the answer at {self.place(cell)}; expected "
                    f"{' '.join(letters.values())}, and on a clue its own character"
                )
        return values.reshape(self.height, self.width)

    def format_answer(self, grid: ArrayLike) -> str:
        """Write an answer grid as text, a character a cell in row-major order; ``!`` for values of no meaning."""
        letters = self._letters()
        pairs = zip(self._flat(grid).tolist(), self.symbols(), strict=True)
        return "".join(
            symbol if symbol and value == 0 else letters.get(value, ILLEGAL_LETTER) for value, symbol in pairs
        )

    def check(self, grid: ArrayLike) -> Violations:
        """Check one answer grid by the verifier: rules [1, R] and cells [1, L]."""
        tokens, answers = torch.from_numpy(self.tokens()), torch.from_numpy(self.answer_tokens(grid))
        return self.verifier().violations(tokens[None], answers[None])

    def verifier(self) -> Verifier:
        """Return the rules for boards of this size."""
        return self.rules_for(self.height, self.width, self.box)

    def violations(self, grid: ArrayLike) -> tuple[str, ...]:
        """Return the failcodes of an answer, in pzpr's declared order, then ``illegalCell``; none when it is solved."""
        return self.check(grid).of(0)

    def violated(self, grid: ArrayLike) -> NDArray[np.bool_]:
        """Return bool [height, width]: the cells that take part in a broken rule."""
        cells: NDArray[np.bool_] = self.check(grid).cells[0].numpy()
        return cells.reshape(self.height, self.width)

    def text(self, answer: Grid | None = None) -> str:
        """Draw the board in unicode for a terminal."""

        from tts.puzzles.drawing import text  # it draws the board classes, so it imports them

        return text(self, answer)

    def svg(self, answer: Grid | None = None, violations: NDArray[np.bool_] | None = None) -> str:
        """Draw the board as an SVG picture; ``violations`` bool [height, width] marks cells."""

        from tts.puzzles.drawing import svg

        return svg(self, answer, violations)

    def _repr_svg_(self) -> str:
        return self.svg()

    def place(self, cell: int) -> str:
        """Return where a cell is, in words, rows and columns from 1."""
        return f"row {cell // self.width + 1}, column {cell % self.width + 1}"

    def _letters(self) -> dict[int, str]:
        return {value: self.letters[value] for value in self.values()}

    def _flat(self, grid: ArrayLike) -> Grid:
        values = np.asarray(grid)
        if values.shape != (self.height, self.width) or values.dtype.kind not in "iub":
            raise PuzzleError(
                f"{self.variety}: an answer grid of {values.dtype} {list(values.shape)}; "
                f"expected integers [{self.height}, {self.width}]"
            )
        return values.astype(np.int64).ravel()


def flat_tokens(tokens: ArrayLike, height: int, width: int) -> Grid:
    """Return tokens as int64 [L], or raise PuzzleError."""
    flat = np.asarray(tokens)
    if flat.shape != (height * width,) or flat.dtype.kind not in "iu":
        raise PuzzleError(
            f"tokens of {flat.dtype} {list(flat.shape)} for a board of {height} x {width}; "
            f"expected integers [{height * width}]"
        )
    return flat.astype(np.int64)


class PencilBoard(Board):
    """A board whose rules look alike from all sides: its symmetries are the eight mirrors and turns of the square."""

    @abstractmethod
    def moved(self, cells: Grid) -> Self:
        """Return the board whose cell [y, x] is this board's cell ``cells[y, x]``, cells being a mirror or turn."""

    def symmetries(self, seed: int = 0) -> Iterator[Symmetry]:
        """Yield the eight mirrors and turns: the identity first, the rest in an order drawn from ``seed``."""
        cells = np.arange(self.height * self.width).reshape(self.height, self.width)
        for which in (0, *(1 + np.random.default_rng(seed).permutation(7)).tolist()):
            seen = turned(cells, which)
            yield Symmetry(self.moved(seen), seen.ravel(), self.turned_values(which))

    def turned_values(self, which: int) -> Grid:
        """Return what each answer token becomes under mirror or turn ``which``, int64 [V]: itself, unless overridden.

        V covers the tokens of every board up to the largest, so that a model's stray tokens pass through.
        """
        size = max(self.vocabulary(MAX_SIDE, MAX_SIDE), int(self.tokens().max()) + 1)
        return np.arange(size)


def turned(array: Grid, which: int) -> Grid:
    """Return mirror or turn ``which`` (0 to 7) of an array [H, W]. 0 is the identity; 4 to 7 mirror it first."""
    return np.ascontiguousarray(np.rot90(array.T if which >= 4 else array, which % 4))
