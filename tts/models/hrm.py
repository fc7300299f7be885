"""HRM, the Hierarchical Reasoning Model (arXiv 2506.21734): a network for each latent."""

from __future__ import annotations

import attrs

from tts.interfaces import Codec, Readout, State
from tts.models.layers import Level
from tts.models.recursion import RecursionConfig, TwoLatentModel, attention_block


@attrs.frozen(kw_only=True)
class HRMConfig(RecursionConfig):
    """Sizes and constants of an HRM, by their official names.

    Attributes:
        H_layers: blocks of the high-level network.
    """

    H_layers: int


class HRM(TwoLatentModel):
    """L_cycles times z <- low(z + y + encoded), then y <- high(y + z); that H_cycles times.

    Args:
        config: sizes and constants.
        codec: what the tokens mean; plain tokens unless given.
        seed: of the initial parameters.
    """

    supervised_updates = 2

    def __init__(self, config: HRMConfig, codec: Codec | None = None, *, seed: int = 0) -> None:
        super().__init__(config, codec)
        self.H_level = Level([attention_block(config) for _ in range(config.H_layers)])
        self.L_level = Level([attention_block(config) for _ in range(config.L_layers)])
        self.reset(seed)

    @property
    def levels(self) -> tuple[Level, Level]:
        """The low-level and the high-level network."""
        return self.L_level, self.H_level

    def read(self, state: State) -> Readout:
        """Run the heads as in TRM, but halt when the halt logit exceeds the continue logit: HRM trains both."""
        readout = super().read(state)
        logits = self.q_logits(state)
        return Readout(readout.logits, readout.q, logits[:, 0] > logits[:, 1])
