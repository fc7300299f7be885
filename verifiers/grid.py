"""What the verifiers of all varieties share: the layout, the cutting into chunks, and looks at neighbouring cells.

Inside, boards lie in [H, W, N], the board axis last and contiguous.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

import attrs
import torch
from jaxtyping import Bool, Int8, Int16, Int32, Integer
from torch import Tensor

from tts.errors import PuzzleError, ShapeError
from tts.interfaces import Verifier, Violations
from tts.verifiers.tokens import PAD

Boards: TypeAlias = Int32[Tensor, "H W N"]
"""The tokens of N boards."""

Cells: TypeAlias = Bool[Tensor, "H W N"]
"""A set of cells on each of N boards."""

_CHUNK_CELLS = {"cpu": 1 << 18, "cuda": 1 << 24}  # the working set of a chunk then stays near the cache
_TOKEN_LIMIT = 1 << 30  # beyond every token; clamped there, whatever a caller sends fits int32


def _positive(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise PuzzleError(f"{type(instance).__name__}: {attribute.name} is {value}; give a number of cells, 1 or more")


@attrs.frozen
class GridVerifier(Verifier):
    """Rules over boards of ``height`` x ``width`` = L cells; cells whose puzzle token is 0 are off the board.

    Subclasses say which cells break each rule; a rule is broken where it marks a cell.
    """

    height: int = attrs.field(validator=_positive)
    width: int = attrs.field(validator=_positive)

    @abstractmethod
    def marks(self, tokens: Boards, answers: Boards) -> Sequence[Cells]:
        """Return the cells that break each of the R rules."""

    def violations(self, tokens: Integer[Tensor, "N L"], answers: Integer[Tensor, "N L"]) -> Violations:
        """Check N answers against N puzzles, on their device.

        Raises:
            ShapeError: the two are not integer [N, height * width] alike.
        """
        self._validate(tokens, answers)
        n, length = answers.shape
        rules = torch.empty((n, len(self.names)), dtype=torch.bool, device=answers.device)
        cells = torch.empty((n, length), dtype=torch.bool, device=answers.device)
        chunk = max(1, _CHUNK_CELLS.get(answers.device.type, 1 << 24) // length)
        most = _TOKEN_LIMIT  # clamped apart, so that beyond the tokens nothing equals its clue
        for first in range(0, n, chunk):
            rows = slice(first, first + chunk)
            marks = self.marks(self._boards(tokens[rows], most), self._boards(answers[rows], most + 1))
            flat = [mark.view(length, -1) for mark in marks]
            rules[rows] = torch.stack([anywhere(mark) for mark in flat], dim=1)
            cells[rows] = union(flat).t()
        return Violations(self.names, rules, cells)

    def _boards(self, tokens: Integer[Tensor, "N L"], most: int) -> Boards:
        """Return the boards with tokens clamped to -1 to ``most``."""
        clamped = tokens.long().clamp(-1, most)
        out = torch.empty(clamped.t().shape, dtype=torch.int32, device=tokens.device)
        return out.copy_(clamped.t()).view(self.height, self.width, -1)

    def _validate(self, tokens: Tensor, answers: Tensor) -> None:
        length = self.height * self.width
        for name, value in (("tokens", tokens), ("answers", answers)):
            if value.ndim != 2 or value.shape[1] != length:
                raise ShapeError(
                    f"{type(self).__name__}: {name} has shape {tuple(value.shape)}; "
                    f"expected [N, {length}] for boards of {self.height} rows by {self.width} columns"
                )
            if value.is_floating_point() or value.is_complex():
                raise ShapeError(f"{type(self).__name__}: {name} is {value.dtype}; give integer tokens")
        if tokens.shape != answers.shape:
            raise ShapeError(
                f"{type(self).__name__}: {len(tokens)} puzzles but {len(answers)} answers; give one puzzle a row"
            )


def anywhere(mask: Bool[Tensor, "... N"]) -> Bool[Tensor, " N"]:
    """Return whether each board has a cell in ``mask``."""
    # On CPU the greatest byte is found some twenty times faster than the disjunction.
    return mask.reshape(-1, mask.shape[-1]).view(torch.uint8).amax(dim=0).bool()


def union(masks: Sequence[Bool[Tensor, "*shape"]]) -> Bool[Tensor, "*shape"]:
    """Return the cells in any of the masks."""
    out = masks[0].clone()
    for mask in masks[1:]:
        out |= mask
    return out


def illegal(tokens: Boards, answers: Boards, fillable: Cells, filled: Cells, clues: Cells) -> Cells:
    """Return the cells of the board that hold no answer they may hold.

    Args:
        tokens: the puzzles.
        answers: the answers.
        fillable: cells left to the solver.
        filled: cells whose answer is one that a cell left to the solver may hold.
        clues: cells with a clue of the variety; their answer repeats it.
    """
    return (tokens != PAD) & ~((fillable & filled) | (~fillable & clues & (answers == tokens)))


def neighbours(mask: Cells) -> Int8[Tensor, "H W N"]:
    """Return how many of the up to four neighbours of each cell are in ``mask``."""
    values = mask.to(torch.int8)
    out = torch.zeros_like(values)
    out[1:] += values[:-1]
    out[:-1] += values[1:]
    out[:, 1:] += values[:, :-1]
    out[:, :-1] += values[:, 1:]
    return out


def squares(mask: Cells) -> Cells:
    """Return the cells of ``mask`` in a 2x2 square of it."""
    pairs = mask[:-1] & mask[1:]
    whole = pairs[:, :-1] & pairs[:, 1:]
    out = torch.zeros_like(mask)
    out[:-1, :-1] |= whole
    out[:-1, 1:] |= whole
    out[1:, :-1] |= whole
    out[1:, 1:] |= whole
    return out


def joins(mask: Cells) -> tuple[Bool[Tensor, "H W-1 N"], Bool[Tensor, "H-1 W N"]]:
    """Return where a cell and its neighbour, to the right and below, are both in ``mask``."""
    return mask[:, :-1] & mask[:, 1:], mask[:-1] & mask[1:]


def row_totals(values: Cells, joined: Bool[Tensor, "H W-1 N"]) -> Int16[Tensor, "H W N"]:
    """Return the sum of ``values`` over the horizontal run of each cell.

    Args:
        values: the cells that count 1.
        joined: whether cell (y, x) is in the run of (y, x + 1).
    """
    out, links = values.to(torch.int16), joined.to(torch.int16)
    for x in range(links.shape[1]):
        out[:, x + 1] += out[:, x] * links[:, x]
    for x in reversed(range(links.shape[1])):  # sums only grow along a run: the last one is the greatest
        out[:, x] = torch.maximum(out[:, x], out[:, x + 1] * links[:, x])
    return out


def column_totals(values: Cells, joined: Bool[Tensor, "H-1 W N"]) -> Int16[Tensor, "H W N"]:
    """Return the sum of ``values`` over the vertical run of each cell, see ``row_totals``."""
    return row_totals(values.transpose(0, 1), joined.transpose(0, 1)).transpose(0, 1)
