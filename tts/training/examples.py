"""Puzzles to train on: groups of them, mixed in fixed shares, each drawn through a random symmetry."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from tts.errors import TTSError

Draws = torch.Generator


@attrs.frozen(kw_only=True, eq=False)
class Group:
    """n puzzles of one variety in a model's tokens.

    Attributes:
        name: for tables.
        tokens, labels: integer [n, L].
        identifier: the puzzle identifier.
        box: of sudokus to train on, height and width of their boxes: these are shuffled when drawn, by all
            symmetries of their variety. Others come with their mirrors and turns among the n.
        blank: the token of an open cell of those sudokus; the digits follow it.
        cells: of sudokus that do not fill the board, the cells they take, int64 [side * side]; the others are pads.
        hints: what may be shown of the answers, [n, L], where that is not the labels: those may hide what a clue says
            (heyawake's walls).
        share: of the lanes, beside the shares of other groups.

    Raises:
        TTSError: ``share`` is below 1.
    """

    name: str
    tokens: Tensor
    labels: Tensor
    identifier: int = 0
    box: tuple[int, int] | None = None
    blank: int = 1
    cells: Tensor | None = None
    hints: Tensor | None = None
    share: int = 1

    def __attrs_post_init__(self) -> None:
        if self.share < 1:
            raise TTSError(f"{self.name} has {self.share} for its share of the lanes; it must be 1 or more")

    def __len__(self) -> int:
        return len(self.tokens)

    def first(self, n: int) -> Group:
        """Return the group of its first n puzzles, or of all."""
        hints = None if self.hints is None else self.hints[:n]
        return attrs.evolve(self, tokens=self.tokens[:n], labels=self.labels[:n], hints=hints)

    def draw(self, n: int, reveal: float, draws: Draws) -> tuple[Tensor, Tensor]:
        """Draw n examples, with replacement: tokens and labels int64 [n, L]; see ``revealed`` for ``reveal``."""
        rows = torch.randint(len(self), (n,), generator=draws)
        tokens, labels = self.tokens[rows].long(), self.labels[rows].long()
        if self.box is not None:
            cells = slice(None) if self.cells is None else self.cells
            pair = shuffled(tokens[:, cells], labels[:, cells], self.box, self.blank, draws)
            tokens[:, cells], labels[:, cells] = pair
        hints = labels if self.hints is None else self.hints[rows].long()
        return revealed(tokens, hints, reveal, draws), labels


@attrs.frozen
class Mixture:
    """Groups, each with its share of the lanes: lane i is for group i modulo their number where shares are equal.

    A group that is not learnt yet keeps its puzzles in flight for long, and would fill the lanes if groups were drawn.
    """

    groups: Sequence[Group]

    def draw(self, lanes: Tensor, reveal: float, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
        """Draw examples for lanes int64 [n], on the CPU: tokens and labels int64 [n, L], identifiers int64 [n]."""
        turns = torch.tensor([place for place, group in enumerate(self.groups) for _ in range(group.share)])
        which = turns[lanes % len(turns)]
        ids = torch.tensor([group.identifier for group in self.groups])[which]
        length = self.groups[0].tokens.shape[1]
        tokens = torch.empty(len(lanes), length, dtype=torch.int64)
        labels = torch.empty_like(tokens)
        for place, group in enumerate(self.groups):
            rows = (which == place).nonzero().squeeze(1)
            tokens[rows], labels[rows] = group.draw(len(rows), reveal, draws)
        return tokens, labels, ids


def revealed(tokens: Tensor, hints: Tensor, reveal: float, draws: Draws) -> Tensor:
    """Return tokens [n, L] where a share ``reveal`` of the rows shows a random share of its hints.

    Hints are mostly the cells of the answer: these rows are states on the way to a solution, after PTRM
    (arXiv 2605.19943), which trains on states of solution paths.
    """
    chosen = torch.rand(len(tokens), 1, generator=draws) < reveal
    shares = torch.rand(len(tokens), 1, generator=draws)
    shown = torch.rand(tokens.shape, generator=draws) < shares
    return torch.where(chosen & shown, hints, tokens)


def shuffled(tokens: Tensor, labels: Tensor, box: tuple[int, int], blank: int, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return sudokus [n, L] with their digits renamed, and their rows, columns, bands and stacks put in another order.

    Those with square boxes are transposed half the time, too.
    """
    n = len(tokens)
    high, wide = box
    side = high * wide
    rows, columns = _order(n, wide, high, draws), _order(n, high, wide, draws)
    cells = rows[:, :, None] * side + columns[:, None, :]
    if high == wide:
        turned = torch.rand(n, 1, 1, generator=draws) < 0.5
        cells = torch.where(turned, cells.transpose(1, 2), cells)
    digits = blank + 1 + torch.rand(n, side, generator=draws).argsort(dim=1)
    return tuple(_renamed(x.gather(1, cells.flatten(1)), digits, blank) for x in (tokens, labels))  # type: ignore[return-value]


def _renamed(values: Tensor, digits: Tensor, blank: int) -> Tensor:
    new = digits.gather(1, (values - blank - 1).clamp(min=0))
    return torch.where(values > blank, new, values)


def _order(n: int, runs: int, length: int, draws: Draws) -> Tensor:
    """Return n orders of the numbers below runs * length, shuffled within runs of ``length``, and the runs shuffled."""
    outer = torch.rand(n, runs, generator=draws).argsort(dim=1)
    inner = torch.rand(n, runs, length, generator=draws).argsort(dim=2)
    return (outer[:, :, None] * length + inner).flatten(1)
