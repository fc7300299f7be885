"""The embedded puzzles of all open slots."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tts._util.arrays import Ints
from tts.interfaces import RecursiveModel, blame, name_of
from tts.interfaces.checks import check_encoded
from tts.search.queue import Batch


class Embeddings:
    """The embedded puzzles of all slots, [slots, S, D]; equal puzzles that are open together are embedded once."""

    def __init__(self, model: RecursiveModel, slots: int, device: torch.device):
        self.model, self.device, self.block = model, device, model.block
        self.content = np.zeros(slots, np.int64)
        self.rows: Tensor | None = None
        self.embedded = 0

    def fill(self, slots: Ints, batch: Batch, held: Ints) -> None:
        """Embed puzzles for ``slots``, copying from the ``held`` slots what they have already.

        Blocks of fixed shape, as for steps.
        """
        _, first = np.unique(batch.content, return_index=True)
        fresh = first[~np.isin(batch.content[first], self.content[held])]
        for begin in range(0, len(fresh), self.block):
            part = fresh[begin : begin + self.block]
            encoded = self._encode(batch, part)
            self.embedded += len(part)
            if self.rows is None:
                self.rows = encoded.new_zeros(len(self.content), *encoded.shape[1:])
            self.rows[self._index(slots[part])] = encoded[: len(part)]
        rest = np.setdiff1d(np.arange(len(slots)), fresh)
        if len(rest) and self.rows is not None:
            holders = np.concatenate((held, slots[fresh]))
            content = np.concatenate((self.content[held], batch.content[fresh]))
            order = np.argsort(content)
            origin = holders[order][np.searchsorted(content[order], batch.content[rest])]
            self.rows[self._index(slots[rest])] = self.rows[self._index(origin)]
        self.content[slots] = batch.content

    def _encode(self, batch: Batch, part: Ints) -> Tensor:
        """Return a block of embedded puzzles, [block, S, D]; ``part`` is repeated to fill it."""
        rows = torch.from_numpy(np.resize(part, self.block))
        with blame(f"{name_of(self.model)}.encode", lambda: batch.keys[rows]):
            encoded = self.model.encode(batch.tokens[rows].to(self.device), batch.ids[rows].to(self.device))
            check_encoded(encoded, self.block, self.rows)
        return encoded

    def _index(self, values: Ints) -> Tensor:
        return torch.from_numpy(values).to(self.device)
