"""Tapa."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations
from typing import ClassVar

import attrs
import torch
from torch import Tensor

from tts.verifiers.grid import GridVerifier, anywhere, illegal, joins, squares
from tts.verifiers.regions import components, severed
from tts.verifiers.tokens import PAD, TAPA_CLUE, TAPA_CLUES, TAPA_OPEN, TAPA_SHADED, TAPA_WHITE, UNKNOWN

_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))  # (down, right), in cyclic order


@attrs.frozen
class TapaVerifier(GridVerifier):
    """One shaded area without a 2x2; a clue lists the lengths of the shaded runs around it, in any order."""

    names: ClassVar[tuple[str, ...]] = ("brNoShade", "cs2x2", "ceTapaNe", "csDivide", "illegalCell")

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return the board where nothing is shaded, shaded squares, clues, shaded areas cut off, illegal cells: bool
        [H, W, N] each.
        """
        board, cells = tokens != PAD, tokens == TAPA_OPEN
        shaded = cells & (answers == TAPA_SHADED)
        clues = (tokens >= TAPA_CLUE) & (tokens < TAPA_CLUE + len(TAPA_CLUES))
        clue = (tokens - TAPA_CLUE).clamp(0, len(TAPA_CLUES) - 1)
        met = _met(tokens.device)[(clue * 256 + _rings(shaded)).view(-1)].view_as(shaded)
        return [
            board & ~anywhere(shaded),
            squares(shaded),
            clues & ~met,
            severed(components(*joins(shaded)), shaded),
            illegal(tokens, answers, fillable=cells, filled=shaded | (answers == TAPA_WHITE), clues=clues),
        ]


def _rings(shaded: Tensor) -> Tensor:
    """Return the eight neighbours of each cell as bits in the order of the ring: bool [H, W, N] -> int32 [H, W, N]."""
    height, width, n = shaded.shape
    framed = torch.zeros((height + 2, width + 2, n), dtype=torch.int32, device=shaded.device)
    framed[1:-1, 1:-1] = shaded
    out = torch.zeros((height, width, n), dtype=torch.int32, device=shaded.device)
    for bit, (down, right) in enumerate(_RING):
        out += framed[1 + down : 1 + down + height, 1 + right : 1 + right + width] << bit
    return out


@cache
def _met(device: torch.device) -> Tensor:
    """Return bool [clues * 256]: ring r meets clue c at c * 256 + r."""
    runs = [_runs([(ring >> bit) & 1 == 1 for bit in range(8)]) for ring in range(256)]
    return torch.tensor([_matches(clue, lengths) for clue in TAPA_CLUES for lengths in runs], device=device)


def _runs(ring: Sequence[bool]) -> tuple[int, ...]:
    """Return lengths of the shaded runs of a ring of 8; (0,) where nothing is shaded."""
    if all(ring):
        return (8,)
    start = ring.index(False)
    turned = "".join("#" if ring[(start + i) % 8] else " " for i in range(8))
    return tuple(len(run) for run in turned.split()) or (0,)


def _matches(clue: tuple[int, ...], lengths: tuple[int, ...]) -> bool:
    """Return whether some pairing gives each entry its own run, ``?`` any."""
    return len(clue) == len(lengths) and any(
        all(entry in (UNKNOWN, length) for entry, length in zip(clue, order, strict=True))
        for order in permutations(lengths)
    )
