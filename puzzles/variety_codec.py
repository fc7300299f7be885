"""VarietyCodec: between the boards of one variety and a model's tokens."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from tts.errors import PuzzleError
from tts.interfaces import Codec, Puzzle, Verifier, View
from tts.puzzles.board import Board, Box, check_size
from tts.puzzles.varieties import variety_of
from tts.verifiers.tokens import PAD


@attrs.frozen
class VarietyCodec(Codec):
    """The default tokens of one variety, boards padded at the bottom and the right to height x width.

    Attributes:
        variety: its name.
        height, width: the largest board, L = height * width.
        box: height and width of a sudoku's boxes; unless given, the usual ones of the lesser side. None in other
            varieties.
        vocab_size: V; what boards of this size need unless given (sudoku: side + 2).
        pad: 0.
        verifier: the variety's rules on boards of this size.

    Raises:
        PuzzleError: an unknown variety, or a size that it does not have.
    """

    variety: str = attrs.field()
    height: int
    width: int
    box: tuple[int, int] | None = attrs.field()
    vocab_size: int = attrs.field()
    pad: int = attrs.field(default=PAD, init=False)
    verifier: Verifier | None = attrs.field(init=False, eq=False, repr=False)

    @box.default
    def _box(self) -> Box | None:
        return self._board.usual_box(self.height, self.width)

    @vocab_size.default
    def _vocab_size(self) -> int:
        return self._board.vocabulary(self.height, self.width)

    @verifier.default
    def _verifier(self) -> Verifier:
        check_size(self.variety, self.height, self.width)
        return self._board.rules_for(self.height, self.width, self.box)

    @box.validator
    def _check_box(self, _: object, box: tuple[int, int] | None) -> None:
        if box is not None and not self._board.boxed:
            raise PuzzleError(f"box={box} for a codec of {self.variety}; only sudoku has boxes")

    @property
    def _board(self) -> type[Board]:
        return variety_of(self.variety).board

    def encode(self, puzzle: Puzzle) -> tuple[NDArray[np.int64], int]:
        """Return tokens int64 [L] and the puzzle identifier, always 0.

        Raises:
            PuzzleError: another variety, a larger board, other boxes, or a clue outside the vocabulary.
        """
        self._check(puzzle)
        tokens = puzzle.tokens()
        if tokens.max() >= self.vocab_size:
            cell = int(tokens.argmax())
            raise PuzzleError(
                f"{self.variety}: the clue at row {cell // puzzle.width + 1}, column {cell % puzzle.width + 1} needs "
                f"token {tokens[cell]}, and this codec's vocabulary ends at {self.vocab_size - 1}"
            )
        return self._padded(tokens, puzzle), 0

    def encode_answer(self, puzzle: Puzzle, grid: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the answer tokens int64 [L] of a grid [puzzle.height, puzzle.width]; clue cells repeat their clue.

        Raises:
            PuzzleError: the puzzle is not one of this codec, or the grid has a value that is not an answer to it.
        """
        self._check(puzzle)
        tokens = puzzle.answer_tokens(grid)
        if ((tokens == PAD) | (tokens >= self.vocab_size)).any():
            raise PuzzleError("the solution has a value that is not an answer to this puzzle")
        return self._padded(tokens, puzzle)

    def decode(self, puzzle: Puzzle, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the answer grid [puzzle.height, puzzle.width] that answer tokens [L] stand for; -1 where they are
        none.
        """
        self._check(puzzle)
        board = np.asarray(answers).reshape(self.height, self.width)[: puzzle.height, : puzzle.width]
        return puzzle.grid(board.ravel())

    def board(self, tokens: NDArray[np.int64]) -> Board:
        """Return the board that tokens [L] stand for, cut from its pads.

        Raises:
            PuzzleError: the tokens are not a board of this codec.
        """
        grid = np.reshape(tokens, (self.height, self.width))
        rows, columns = np.nonzero(grid != self.pad)
        if not len(rows):
            raise PuzzleError(f"{self.variety}: a board of pad cells alone")
        height, width = int(rows.max()) + 1, int(columns.max()) + 1
        return self._board.from_tokens_and_box(grid[:height, :width].ravel(), height, width, self.box)

    def views(self, tokens: NDArray[np.int64], identifier: int, seed: int = 0) -> Iterator[View]:
        """Yield the board of tokens [L] through its symmetries, see Codec.views; those that do not fit are left out."""
        board = self.board(tokens)
        cells = np.arange(self.height * self.width).reshape(self.height, self.width)[: board.height, : board.width]
        for seen in board.symmetries(seed):
            try:
                shown, identifier = self.encode(seen.puzzle)
            except PuzzleError:
                continue
            places = self._cells(cells.ravel()[seen.cells], seen.puzzle)
            yield View(shown, identifier, places, self._values(seen.values))

    def _cells(self, shown: NDArray[np.int64], puzzle: Puzzle) -> NDArray[np.int64]:
        """Return the cells that a view shows, [puzzle.height * puzzle.width], padded by those that it does not show:
        [L].
        """
        padded = np.full((self.height, self.width), -1)
        padded[: puzzle.height, : puzzle.width] = shown.reshape(puzzle.height, puzzle.width)
        padded[padded < 0] = np.setdiff1d(np.arange(padded.size), shown)
        return padded.ravel()

    def _values(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a table of tokens cut or extended to [V]."""
        table = np.arange(self.vocab_size)
        known = values[: self.vocab_size]
        table[: len(known)] = known
        return table

    def _padded(self, tokens: NDArray[np.int64], puzzle: Puzzle) -> NDArray[np.int64]:
        """Return tokens [puzzle.height * puzzle.width] padded to [L]."""
        padded = np.full((self.height, self.width), self.pad, np.int64)
        padded[: puzzle.height, : puzzle.width] = tokens.reshape(puzzle.height, puzzle.width)
        return padded.ravel()

    def _check(self, puzzle: Puzzle) -> None:
        box = puzzle.box if isinstance(puzzle, Board) else None
        if puzzle.variety != self.variety or box != self.box:
            raise PuzzleError(
                f"{puzzle.variety} with boxes {box} for a codec of {self.variety} with boxes {self.box}"
                if box or self.box
                else f"a {puzzle.variety} board for a codec of {self.variety}"
            )
        if puzzle.height > self.height or puzzle.width > self.width:
            raise PuzzleError(
                f"{self.variety}: a board of {puzzle.height} x {puzzle.width} for a codec of "
                f"{self.height} x {self.width}"
            )
