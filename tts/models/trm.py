"""TRM, the Tiny Recursive Model (arXiv 2510.04871): one small network updates both latents."""

from __future__ import annotations

from typing import Any

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

    @classmethod
    def for_codec(
        cls, codec: Codec, *, hidden_size: int = 512, num_puzzle_identifiers: int = 1, mlp_t: bool = False, **sizes: Any
    ) -> TRMConfig:
        """Return the official configuration over the boards of a codec.

        Args:
            codec: says V and L.
            hidden_size: D, also the width of the identifier embedding.
            num_puzzle_identifiers: rows of the identifier embedding.
            mlp_t: mix positions by an MLP (6 L_cycles, no positions) instead of attention (4 L_cycles, rope).
            sizes: any other field, in place of the official value.

        Source: the official code's ``config/arch/trm.yaml``, and its README's commands for Sudoku-Extreme
        (``mlp_t``) and Maze-Hard (attention).
        """
        official: dict[str, Any] = {
            "H_cycles": 3,
            "L_cycles": 6 if mlp_t else 4,
            "L_layers": 2,
            "expansion": 4.0,
            "num_heads": 8,
            "pos_encodings": "none" if mlp_t else "rope",
            "puzzle_emb_ndim": hidden_size,
            "puzzle_emb_len": 16,
        }
        return cls(
            vocab_size=codec.vocab_size,
            seq_len=codec.height * codec.width,
            hidden_size=hidden_size,
            num_puzzle_identifiers=num_puzzle_identifiers,
            mlp_t=mlp_t,
            **(official | sizes),
        )


class TRM(TwoLatentModel):
    """L_cycles times z <- f(z + y + encoded), then y <- f(y + z); that H_cycles times. Halts when q > 0.

    Args:
        config: sizes and constants.
        codec: what the tokens mean; plain tokens unless given.
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
