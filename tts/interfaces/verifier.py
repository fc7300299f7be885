"""Verifiers: the rules of a puzzle, checked exactly and in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
from jaxtyping import Bool, Integer
from torch import Tensor

from tts.errors import ShapeError


@attrs.frozen(eq=False)
class Violations:
    """The rules that N answers break.

    Attributes:
        names: the R rules, in the order in which the reference engine (pzpr) declares them; ``illegalCell`` last.
        rules: True where the answer breaks the rule.
        cells: True on every cell that takes part in a broken rule.
    """

    names: tuple[str, ...]
    rules: Bool[Tensor, "N R"]
    cells: Bool[Tensor, "N L"]

    @property
    def valid(self) -> Bool[Tensor, " N"]:
        """Whether the answer breaks no rule."""
        return ~self.rules.any(dim=1)

    def of(self, row: int) -> tuple[str, ...]:
        """Return the names of the rules that answer ``row`` breaks."""
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
    def violations(self, tokens: Integer[Tensor, "N L"], answers: Integer[Tensor, "N L"]) -> Violations:
        """Check N answers against N puzzles.

        Args:
            tokens: the puzzles as the codec encodes them.
            answers: the answers; a clue cell repeats its clue's token.
        """

    def valid(self, tokens: Integer[Tensor, "N L"], answers: Integer[Tensor, "N L"]) -> Bool[Tensor, " N"]:
        """Return whether each answer passes every rule.

        Raises:
            ShapeError: the verifier did not return one column of rules for each of its names.
        """
        violations = self.violations(tokens, answers)
        if violations.rules.shape != (answers.shape[0], len(self.names)):
            raise ShapeError(
                f"{type(self).__name__}.violations returned rules of shape {tuple(violations.rules.shape)}; "
                f"expected [{answers.shape[0]}, {len(self.names)}], one column a name in .names"
            )
        return violations.valid
