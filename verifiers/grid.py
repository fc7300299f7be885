"""What the verifiers of all varieties share: the layout, the cutting into chunks, and looks at neighbouring cells.

Inside, boards lie in [H, W, N], the board axis last and contiguous.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from tts.errors import PuzzleError, ShapeError
from tts.interfaces import Verifier, Violations
from tts.verifiers.tokens import PAD

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
    def marks(self, tokens: Tensor, answers: Tensor) -> Sequence[Tensor]:
        """The cells that break each of the R rules, each bool [H, W, N], from int32 [H, W, N]."""

    def violations(self, tokens: Tensor, answers: Tensor) -> Violations:
        """Check N answers [N, L] against N puzzles [N, L], any integer dtype, on their device.

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

    def _boards(self, tokens: Tensor, most: int) -> Tensor:
        """Integer [n, L] to int32 [H, W, n], -1 to ``most``."""
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


def anywhere(mask: Tensor) -> Tensor:
    """Whether each board has a cell in ``mask``: bool [..., N] -> bool [N]."""
    # On CPU the greatest byte is found some twenty times faster than the disjunction.
    return mask.reshape(-1, mask.shape[-1]).view(torch.uint8).amax(dim=0).bool()


def union(masks: Sequence[Tensor]) -> Tensor:
    """The cells in any of the masks, bool."""
    out = masks[0].clone()
    for mask in masks[1:]:
        out |= mask
    return out


def illegal(tokens: Tensor, answers: Tensor, fillable: Tensor, filled: Tensor, clues: Tensor) -> Tensor:
    """Cells of the board that hold no answer they may hold, bool [H, W, N].

    Args:
        tokens: int32 [H, W, N].
        answers: int32 [H, W, N].
        fillable: bool, cells left to the solver.
        filled: bool, cells whose answer is one that a cell left to the solver may hold.
        clues: bool, cells with a clue of the variety; their answer repeats it.
    """
    return (tokens != PAD) & ~((fillable & filled) | (~fillable & clues & (answers == tokens)))


def neighbours(mask: Tensor) -> Tensor:
    """How many of the up to four neighbours of each cell are in ``mask``: bool [H, W, N] -> int8 [H, W, N]."""
    values = mask.to(torch.int8)
    out = torch.zeros_like(values)
    out[1:] += values[:-1]
    out[:-1] += values[1:]
    out[:, 1:] += values[:, :-1]
    out[:, :-1] += values[:, 1:]
    return out


def squares(mask: Tensor) -> Tensor:
    """The cells of ``mask`` in a 2x2 square of it: bool [H, W, N] -> bool [H, W, N]."""
    pairs = mask[:-1] & mask[1:]
    whole = pairs[:, :-1] & pairs[:, 1:]
    out = torch.zeros_like(mask)
    out[:-1, :-1] |= whole
    out[:-1, 1:] |= whole
    out[1:, :-1] |= whole
    out[1:, 1:] |= whole
    return out


def joins(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbouring cells that are both in ``mask``: [H, W, N] -> right [H, W - 1, N], below [H - 1, W, N]."""
    return mask[:, :-1] & mask[:, 1:], mask[:-1] & mask[1:]


def row_totals(values: Tensor, joined: Tensor) -> Tensor:
    """The sum of ``values`` over the horizontal run of each cell.

    Args:
        values: bool [H, W, N].
        joined: bool [H, W - 1, N], cell (y, x) is in the run of (y, x + 1).

    Returns:
        int16 [H, W, N].
    """
    out, links = values.to(torch.int16), joined.to(torch.int16)
    for x in range(links.shape[1]):
        out[:, x + 1] += out[:, x] * links[:, x]
    for x in reversed(range(links.shape[1])):  # sums only grow along a run: the last one is the greatest
        out[:, x] = torch.maximum(out[:, x], out[:, x + 1] * links[:, x])
    return out


def column_totals(values: Tensor, joined: Tensor) -> Tensor:
    """As ``row_totals``, over vertical runs; joined bool [H - 1, W, N]."""
    return row_totals(values.transpose(0, 1), joined.transpose(0, 1)).transpose(0, 1)
