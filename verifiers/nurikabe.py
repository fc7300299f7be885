"""Nurikabe."""

from __future__ import annotations

from typing import ClassVar

import attrs
from torch import Tensor

from tts.verifiers.grid import GridVerifier, illegal, joins, squares
from tts.verifiers.regions import components, holding, severed, total
from tts.verifiers.tokens import NURIKABE_NUMBER, NURIKABE_OPEN, NURIKABE_SHADED, NURIKABE_UNKNOWN, NURIKABE_WHITE, PAD


@attrs.frozen
class NurikabeVerifier(GridVerifier):
    """White areas of the size their one clue says, one shaded area, no shaded 2x2."""

    names: ClassVar[tuple[str, ...]] = ("cs2x2", "bkNoNum", "csDivide", "bkNumGe2", "bkSizeNe", "illegalCell")

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return shaded squares, areas without a clue, shaded areas cut off, areas with two clues, areas of another
        size than a number in them, illegal cells: bool [H, W, N] each.
        """
        cells = tokens == NURIKABE_OPEN
        clues = tokens >= NURIKABE_UNKNOWN
        shaded = cells & (answers == NURIKABE_SHADED)
        white = (tokens != PAD) & ~shaded
        # Both colours in one labelling: no component holds cells of both.
        labels = components(*(a | b for a, b in zip(joins(white), joins(shaded), strict=True)))
        sizes, clued = total(labels, white), total(labels, clues)
        wrong = (tokens >= NURIKABE_NUMBER) & (tokens - NURIKABE_NUMBER != sizes)
        return [
            squares(shaded),
            white & (clued == 0),
            severed(labels, shaded),
            white & (clued > 1),
            holding(labels, wrong),
            illegal(tokens, answers, fillable=cells, filled=shaded | (answers == NURIKABE_WHITE), clues=clues),
        ]
