"""MixedVerifier: the rules of several varieties over one vocabulary, lanes of all of them in one batch."""

from __future__ import annotations

from itertools import accumulate, pairwise

import attrs
import torch
from torch import Tensor

from tts.errors import PuzzleError
from tts.interfaces import Verifier, Violations
from tts.verifiers.tokens import PAD


def token_starts(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return where the tokens of each variety begin in a vocabulary of several, and where the last ones end.

    Args:
        sizes: V of each variety alone, pad included. The pad is shared; each variety's other tokens follow those of the
            one before: its token t > 0 becomes ``start + t - 1``.
    """
    return tuple(accumulate((size - 1 for size in sizes), initial=1))


@attrs.frozen
class MixedVerifier(Verifier):
    """A board's variety is that of its first token that is not a pad; its rules are that variety's alone.

    Attributes:
        parts: the rules of each variety, over boards of one size.
        sizes: V of each variety alone, pad included.

    Raises:
        PuzzleError: not a size for each part.
    """

    parts: tuple[Verifier, ...]
    sizes: tuple[int, ...]

    def __attrs_post_init__(self) -> None:
        if not self.parts or len(self.parts) != len(self.sizes):
            raise PuzzleError(f"MixedVerifier: {len(self.parts)} parts and {len(self.sizes)} sizes; give one for each")

    @property
    def names(self) -> tuple[str, ...]:
        """The rules of all varieties, each name once, those of the first variety first; ``illegalCell`` last."""
        names = dict.fromkeys(name for part in self.parts for name in part.names)
        return tuple(sorted(names, key=lambda name: name == "illegalCell"))

    def violations(self, tokens: Tensor, answers: Tensor) -> Violations:
        """Check N answers [N, L] against N puzzles [N, L]; a board of pads alone breaks nothing."""
        names = self.names
        rules = torch.zeros((len(answers), len(names)), dtype=torch.bool, device=answers.device)
        cells = torch.zeros(answers.shape, dtype=torch.bool, device=answers.device)
        on_board = tokens != PAD
        first = tokens.gather(1, on_board.to(torch.uint8).argmax(dim=1, keepdim=True)).squeeze(1)
        for part, (start, end) in zip(self.parts, pairwise(token_starts(self.sizes)), strict=True):
            rows = ((first >= start) & (first < end)).nonzero().squeeze(1)
            if len(rows) == 0:
                continue
            violations = part.violations(own_tokens(tokens[rows], start, end), own_tokens(answers[rows], start, end))
            columns = torch.tensor([names.index(name) for name in violations.names], device=answers.device)
            rules[rows[:, None], columns] = violations.rules
            cells[rows] = violations.cells
        return Violations(names, rules, cells)


def own_tokens(tokens: Tensor, start: int, end: int) -> Tensor:
    """Return tokens [...] in the vocabulary of one variety alone; those of others become -1, pads stay."""
    own = (tokens >= start) & (tokens < end)
    return torch.where(own, tokens - start + 1, torch.where(tokens == PAD, PAD, -1))
