"""What the rollouts see of their puzzles: all the same, or each a view of its own."""

from __future__ import annotations

import attrs
import numpy as np
import torch
from torch import Tensor

from tts._util.arrays import Ints
from tts.interfaces import Codec, InputStrategy, RewritingStrategy, Strategy, blame, name_of, puzzle_keys
from tts.interfaces.checks import check_rewritten, check_views
from tts.search.queue import Batch


class Views:
    """Of the puzzles in all slots. Rollout r of slot s sees row s * V + r mod V of ``tokens`` [slots * V, L]."""

    def __init__(self, strategy: Strategy, codec: Codec, slots: int, k: int, device: torch.device):
        self.codec, self.strategy = codec, strategy if isinstance(strategy, InputStrategy) else None
        self.count = min(self.strategy.n_views, k) if self.strategy else 1
        rows, cells = slots * self.count, codec.height * codec.width
        self.tokens = torch.zeros(rows, cells, dtype=torch.int64, device=device)
        if self.strategy:
            self.places = torch.zeros_like(self.tokens)
            self.values = torch.zeros(rows, codec.vocab_size, dtype=torch.int64, device=device)

    def rows(self, slots: Ints) -> Ints:
        """All rows of some slots."""
        return (slots[:, None] * self.count + np.arange(self.count)).ravel()

    def row(self, slot: Ints, rollout: Ints) -> Ints:
        """What rollouts see."""
        return slot * self.count + rollout % self.count

    def open(self, slots: Ints, batch: Batch) -> Batch:
        """Give slots to the puzzles of a batch; the batch to embed for the rows of the slots."""
        at = torch.from_numpy(self.rows(slots)).to(self.tokens.device)
        if self.strategy:
            batch = self._looked_at(self.strategy, batch, at)
        self.tokens[at] = batch.tokens.to(at.device)
        return batch

    def rewrite(self, strategy: RewritingStrategy, slots: Ints, batch: Batch, answers: Tensor, q: Tensor) -> Batch:
        """Show slots what the strategy makes of the puzzles of a batch; the batch to embed."""
        with blame(f"{name_of(strategy)}.rewrite", lambda: batch.keys):
            shown = strategy.rewrite(batch.tokens, answers, q)
            check_rewritten(shown, batch.tokens, self.codec.vocab_size)
        self.tokens[torch.from_numpy(slots).to(self.tokens.device)] = shown.to(self.tokens.device)
        return attrs.evolve(batch, tokens=shown, content=puzzle_keys(shown, batch.ids).numpy())

    def back(self, row: Tensor, answers: Tensor) -> Tensor:
        """Answers int64 [N, L] to what rows [N] show, as answers to the puzzles themselves."""
        if not self.strategy:
            return answers
        return self.values[row].gather(1, answers).gather(1, self.places[row])

    def _looked_at(self, strategy: InputStrategy, batch: Batch, at: Tensor) -> Batch:
        seen = []
        for place in range(len(batch.position)):
            tokens, identifier = batch.tokens[place].numpy(), int(batch.ids[place])
            with blame(f"{name_of(strategy)}.views_of", lambda: batch.keys[place : place + 1]):  # noqa: B023  # called at once
                some = list(strategy.views_of(self.codec, tokens, identifier))
                check_views(some, len(tokens), self.codec.vocab_size)
            seen += [some[view % strategy.n_views % len(some)] for view in range(self.count)]
        self.places[at] = torch.from_numpy(np.stack([np.argsort(view.cells) for view in seen])).to(at.device)
        self.values[at] = torch.from_numpy(np.stack([np.argsort(view.values) for view in seen])).to(at.device)
        shown = torch.from_numpy(np.stack([view.tokens for view in seen]))
        ids = torch.tensor([view.identifier for view in seen])
        position, keys = batch.position.repeat(self.count), batch.keys.repeat_interleave(self.count)
        return attrs.evolve(
            batch, position=position, tokens=shown, ids=ids, keys=keys, content=puzzle_keys(shown, ids).numpy()
        )
