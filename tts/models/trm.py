"""TRM, the Tiny Recursive Model (arXiv 2510.04871): one small network updates both latents."""

from __future__ import annotations

import attrs

from tts.interfaces import Codec
from tts.models.layers import Level, MixerBlock
from tts.models.recursion import RecursionConfig, TwoLatentModel, attention_block


@attrs.frozen(kw_only=True)
class TRMConfig(RecursionConfig):
    """Sizes and constants of a TRM, by their official names.

    Attributes:
        mlp_t: mix positions by an MLP instead of attention.
    """

    mlp_t: bool = False


class TRM(TwoLatentModel):
    """L_cycles times z <- f(z + y + encoded), then y <- f(y + z); that H_cycles times. Halts when q > 0.

    Args:
        config: sizes and constants.
        codec: what the tokens mean; None where only tensors are used.
        seed: of the initial parameters.
    """

    def __init__(self, config: TRMConfig, codec: Codec | None = None, *, seed: int = 0) -> None:
        super().__init__(config, codec)
        if config.mlp_t:
            sizes = config.positions, config.hidden_size, config.expansion, config.rms_norm_eps
            self.L_level = Level([MixerBlock(*sizes) for _ in range(config.L_layers)])
        else:
            self.L_level = Level([attention_block(config) for _ in range(config.L_layers)])
        self.supervised_updates = config.L_cycles + 1
        self.reset(seed)

    @property
    def levels(self) -> tuple[Level, Level]:
        """The network, twice."""
        return self.L_level, self.L_level
