"""The rules of a puzzle, checked exactly and in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
from torch import Tensor

from tts.errors import ShapeError


@attrs.frozen(eq=False)
class Violations:
    """What N answers break.

    Attributes:
        names: the R rules, in the order in which the reference engine (pzpr) declares them; ``illegalCell`` last.
        rules: bool [N, R], True where the answer breaks the rule.
        cells: bool [N, L], True on every cell that takes part in a broken rule.
    """

    names: tuple[str, ...]
    rules: Tensor
    cells: Tensor

    @property
    def valid(self) -> Tensor:
        """bool [N]: no rule is broken."""
        return ~self.rules.any(dim=1)

    def of(self, row: int) -> tuple[str, ...]:
        """Names of the rules that answer ``row`` breaks."""
        return tuple(name for name, broken in zip(self.names, self.rules[row].tolist(), strict=True) if broken)


class Verifier(ABC):
    """Exact rules over the tokens of one codec.

    *Verified* means that no rule is broken on the board's cells and the clues are kept; pad cells are not looked at.
    """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The R rules."""

    @abstractmethod
    def violations(self, tokens: Tensor, answers: Tensor) -> Violations:
        """Check N answers against N puzzles.

        Args:
            tokens: integer [N, L], the puzzles as the codec encodes them.
            answers: integer [N, L], the answers; a clue cell repeats its clue's token.
        """

    def valid(self, tokens: Tensor, answers: Tensor) -> Tensor:
        """bool [N]: the answer passes every rule."""
        found = self.violations(tokens, answers)
        if found.rules.shape != (answers.shape[0], len(self.names)):
            raise ShapeError(
                f"{type(self).__name__}.violations returned rules of shape {tuple(found.rules.shape)}; "
                f"expected [{answers.shape[0]}, {len(self.names)}], one column a name in .names"
            )
        return found.valid
