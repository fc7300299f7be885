"""The views of their puzzles that rollouts see: all the puzzle itself, or each another view."""

from __future__ import annotations

import attrs
import numpy as np
import torch
from torch import Tensor

from tts._util.arrays import Ints
from tts.interfaces import Codec, InputStrategy, RewritingStrategy, Strategy, View, blame, name_of
from tts.interfaces.checks import check_rewritten, check_views
from tts.search.queue import Batch


class Views:
    """The view of its puzzle that each open rollout sees.

    Rollout r of slot s sees row s * V + r mod V of ``tokens`` [slots * V, L].
    """

    def __init__(self, strategy: Strategy, codec: Codec, slots: int, k: int, device: torch.device):
        self.codec, self.strategy = codec, strategy if isinstance(strategy, InputStrategy) else None
        self.count = min(self.strategy.n_views, k) if self.strategy else 1
        rows, cells = slots * self.count, codec.height * codec.width
        self.tokens = torch.zeros(rows, cells, dtype=torch.int64, device=device)
        if self.strategy:
            self.places = torch.zeros_like(self.tokens)
            self.values = torch.zeros(rows, codec.vocab_size, dtype=torch.int64, device=device)

    def rows(self, slots: Ints) -> Ints:
        """Return all rows of some slots."""
        return (slots[:, None] * self.count + np.arange(self.count)).ravel()

    def row(self, slot: Ints, rollout: Ints) -> Ints:
        """Return the rows that rollouts see."""
        return slot * self.count + rollout % self.count

    def open(self, slots: Ints, batch: Batch) -> Batch:
        """Give slots to the puzzles of a batch; return the batch to embed for the rows of the slots."""
        rows = torch.from_numpy(self.rows(slots)).to(self.tokens.device)
        if self.strategy:
            batch = self._viewed(self.strategy, batch, rows)
        self.tokens[rows] = batch.tokens.to(rows.device)
        return batch

    def rewrite(self, strategy: RewritingStrategy, slots: Ints, batch: Batch, answers: Tensor, q: Tensor) -> Batch:
        """Show slots what the strategy makes of the puzzles of a batch; return the batch to embed."""
        with blame(f"{name_of(strategy)}.rewrite", lambda: batch.keys):
            shown = strategy.rewrite(batch.tokens, answers, q)
            check_rewritten(shown, batch.tokens, self.codec.vocab_size)
        self.tokens[torch.from_numpy(slots).to(self.tokens.device)] = shown.to(self.tokens.device)
        return attrs.evolve(batch, tokens=shown)

    def back(self, row: Tensor, answers: Tensor) -> Tensor:
        """Turn answers int64 [N, L] to what rows [N] show into answers to the puzzles themselves."""
        if not self.strategy:
            return answers
        return self.values[row].gather(1, answers).gather(1, self.places[row])

    def _viewed(self, strategy: InputStrategy, batch: Batch, rows: Tensor) -> Batch:
        views: list[View] = []
        for place in range(len(batch.position)):
            tokens, identifier = batch.tokens[place].numpy(), int(batch.ids[place])
            with blame(f"{name_of(strategy)}.views_of", lambda: batch.keys[place : place + 1]):  # noqa: B023  # called at once
                distinct = list(strategy.views_of(self.codec, tokens, identifier))
                check_views(distinct, len(tokens), self.codec.vocab_size)
            views += [distinct[number % strategy.n_views % len(distinct)] for number in range(self.count)]
        self.places[rows] = torch.from_numpy(np.stack([np.argsort(view.cells) for view in views])).to(rows.device)
        self.values[rows] = torch.from_numpy(np.stack([np.argsort(view.values) for view in views])).to(rows.device)
        shown = torch.from_numpy(np.stack([view.tokens for view in views]))
        ids = torch.tensor([view.identifier for view in views])
        position, keys = batch.position.repeat(self.count), batch.keys.repeat_interleave(self.count)
        return attrs.evolve(batch, position=position, tokens=shown, ids=ids, keys=keys)
