"""What TRM and HRM share around their networks: configuration, embedding, recursion, heads."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal, TypeAlias, get_args

import attrs
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from tts.errors import ShapeError
from tts.interfaces import Codec, Readout, RecursiveModel, State, TokenCodec
from tts.models import cpu_kernels
from tts.models.layers import (
    AttentionBlock,
    Embedding,
    Level,
    Linear,
    PuzzleEmbedding,
    QHead,
    Rotary,
    rotary_tables,
    truncated_normal_,
)

PosEncodings: TypeAlias = Literal["none", "rope", "learned"]

POSITION_SCALE = math.sqrt(0.5)  # keeps the variance when learned positions are added


@attrs.frozen(kw_only=True)
class RecursionConfig:
    """What TRM and HRM have in common; the field names are those of the official ``all_config.yaml``.

    Attributes:
        vocab_size: V.
        seq_len: L.
        num_puzzle_identifiers: rows of the identifier embedding.
        hidden_size: D.
        H_cycles, L_cycles: T and n of the papers: updates of y a step, and updates of z before each of them.
        L_layers: blocks of the network (HRM: of the low-level one).
        expansion: of SwiGLU; its inner width is 2/3 * expansion * width, rounded up to a multiple of 256.
        num_heads: attention heads.
        pos_encodings: "none", "rope" or "learned".
        puzzle_emb_ndim: width of the identifier embedding, 0 = none.
        puzzle_emb_len: positions it takes before the cells, 0 = ceil(puzzle_emb_ndim / hidden_size).
        rms_norm_eps, rope_theta: constants.
    """

    vocab_size: int
    seq_len: int
    num_puzzle_identifiers: int
    hidden_size: int
    H_cycles: int
    L_cycles: int
    L_layers: int
    expansion: float
    num_heads: int
    pos_encodings: PosEncodings
    puzzle_emb_ndim: int
    puzzle_emb_len: int = 0
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def __attrs_post_init__(self) -> None:
        for name in ("vocab_size", "seq_len", "hidden_size", "H_cycles", "L_cycles", "L_layers", "num_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.pos_encodings not in get_args(PosEncodings):
            raise ValueError(f"pos_encodings is {self.pos_encodings!r}; known are none, rope and learned")
        if self.puzzle_emb_ndim > self.prefix * self.hidden_size:
            raise ValueError(
                f"puzzle_emb_ndim {self.puzzle_emb_ndim} does not fit into {self.puzzle_emb_len} positions "
                f"of hidden_size {self.hidden_size}; set puzzle_emb_len to 0 to have it computed"
            )
        if self.puzzle_emb_ndim == 0 and self.prefix:
            raise ValueError(f"puzzle_emb_len is {self.prefix} but puzzle_emb_ndim is 0; set puzzle_emb_len to 0")

    @property
    def prefix(self) -> int:
        """Positions before the cells."""
        return self.puzzle_emb_len or -(self.puzzle_emb_ndim // -self.hidden_size)

    @property
    def positions(self) -> int:
        """S = prefix + L."""
        return self.prefix + self.seq_len


def attention_block(config: RecursionConfig) -> AttentionBlock:
    """Return a block of the configured sizes.

    Raises:
        ValueError: the heads do not fit.
    """
    width, heads = config.hidden_size, config.num_heads
    if width % heads:
        raise ValueError(f"hidden_size {width} is not a multiple of num_heads {heads}")
    if config.pos_encodings == "rope" and width // heads % 2:
        raise ValueError(
            f"rope needs heads of even width, but hidden_size {width} / num_heads {heads} is {width // heads}"
        )
    return AttentionBlock(width, heads, config.expansion, config.rms_norm_eps)


def plain_codec(config: RecursionConfig) -> TokenCodec:
    """Return the codec of a model whose tokens stand for no known variety: a square board where L is a square."""
    side = math.isqrt(config.seq_len)
    height = side if side * side == config.seq_len else 1
    return TokenCodec(height, config.seq_len // height, config.vocab_size)


class TwoLatentModel(RecursiveModel):
    """The model around the network: state {"y", "z"}, the official ``z_H`` and ``z_L``.

    One supervision step runs H_cycles times: L_cycles times z <- low(z, y + encoded), then y <- high(y, z).

    Args:
        config: sizes and constants.
        codec: what the tokens mean; plain tokens unless given, see ``plain_codec``.
    """

    supervised_updates: int
    """How many of the last updates of a step carry gradients in official training."""

    def __init__(self, config: RecursionConfig, codec: Codec | None) -> None:
        super().__init__()
        width = config.hidden_size
        self.config = config
        self.codec = codec or plain_codec(config)
        self.embed_tokens = Embedding(config.vocab_size, width)
        self.lm_head = Linear(width, config.vocab_size)
        self.q_head = QHead(width)
        if config.puzzle_emb_ndim:
            self.puzzle_emb = PuzzleEmbedding(config.num_puzzle_identifiers, config.puzzle_emb_ndim)
        if config.pos_encodings == "learned":
            self.embed_pos = Embedding(config.positions, width)
        self.H_init: Tensor
        self.L_init: Tensor
        self.register_buffer("H_init", torch.empty(width))
        self.register_buffer("L_init", torch.empty(width))
        # not buffers: the tables stay float32 whatever the model is cast to
        self._rotary: dict[torch.device, Rotary] = {}

    def reset(self, seed: int) -> None:
        """Draw the parameters and the initial latents again; no other random state is touched."""
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, Linear | Embedding):
                module.reset(generator)
        for latent in (self.H_init, self.L_init):
            truncated_normal_(latent, 1.0, generator)

    @property
    @abstractmethod
    def levels(self) -> tuple[Level, Level]:
        """The networks that update z and y."""

    def encode(self, tokens: Int64[Tensor, "B L"], ids: Int64[Tensor, " B"]) -> Float[Tensor, "B S D"]:
        """Embed puzzles, given as tokens and identifiers.

        Raises:
            ShapeError: not B rows of L tokens and B identifiers.
        """
        config = self.config
        if tokens.ndim != 2 or tokens.shape[1] != config.seq_len or ids.shape != tokens.shape[:1]:
            raise ShapeError(
                f"encode was given tokens {list(tokens.shape)} and ids {list(ids.shape)}; this model takes "
                f"tokens [B, {config.seq_len}] and ids [B]"
            )
        x = F.embedding(tokens, self.embed_tokens.embedding_weight)
        if config.prefix:
            prefix = self.puzzle_emb(ids).to(x)
            prefix = F.pad(prefix, (0, config.prefix * config.hidden_size - prefix.shape[-1]))
            x = torch.cat((prefix.view(-1, config.prefix, config.hidden_size), x), dim=1)
        if config.pos_encodings == "learned":
            x = POSITION_SCALE * (x + self.embed_pos.embedding_weight)
        return math.sqrt(config.hidden_size) * x

    def start(self, n: int) -> State:
        """Return the initial latents {"y", "z"} of n lanes: one vector for all positions."""
        shape = (n, self.config.positions, -1)
        return {"y": self.H_init.expand(shape).contiguous(), "z": self.L_init.expand(shape).contiguous()}

    def step(self, state: State, encoded: Float[Tensor, "N S D"]) -> State:
        """Take one supervision step, differentiable throughout. Does not change its arguments."""
        return self._update(state, encoded, 0, self._updates)

    def supervised_step(self, state: State, encoded: Float[Tensor, "N S D"]) -> State:
        """Take one supervision step with gradients through the last updates alone, as in official training."""
        free = self._updates - self.supervised_updates
        with torch.no_grad():
            state = self._update(state, encoded, 0, free)
        return self._update(state, encoded, free, self._updates)

    def last_recursion(self, state: State, encoded: Float[Tensor, "N S D"]) -> State:
        """Run the last latent recursion of a step alone, differentiable: L_cycles updates of z, then one of y."""
        return self._update(state, encoded, self._updates - self.config.L_cycles - 1, self._updates)

    def read(self, state: State) -> Readout:
        """Run the heads: logits, the halt logit q, and halt = q > 0."""
        q = self.q_logits(state)[:, 0]
        return Readout(self.lm_head(state["y"][:, self.config.prefix :]).float(), q, q > 0)

    def q_logits(self, state: State) -> Float32[Tensor, "N 2"]:
        """Return the logits of halt and continue."""
        return self.q_head(state["y"][:, 0])  # type: ignore[no-any-return]

    @property
    def block(self) -> int:
        """Lanes stepped together: on CPU a cache's worth, elsewhere 256."""
        return cpu_kernels.piece_lanes(self.levels, self.config.positions) if self.parallel_blocks else 256

    @property
    def parallel_blocks(self) -> bool:
        """Whether blocks are stepped at the same time: on CPU, where a block fits the cache of a core."""
        return self.H_init.device.type == "cpu"

    def step_flops(self) -> int:
        """Return the operations of the matrix products of one lane-step, 2 a multiply-add."""
        low, high = (sum(block.flops(self.config.positions) for block in level.blocks) for level in self.levels)
        return self.config.H_cycles * (self.config.L_cycles * low + high)

    @property
    def _updates(self) -> int:
        return self.config.H_cycles * (self.config.L_cycles + 1)

    def _update(self, state: State, encoded: Float[Tensor, "N S D"], first: int, last: int) -> State:
        """Run updates ``first`` to ``last`` of a step."""
        y, z = state["y"], state["z"]
        low, high = self.levels
        rotary = self._rotary_on(encoded.device)
        updates = [index % (self.config.L_cycles + 1) == self.config.L_cycles for index in range(first, last)]
        if cpu_kernels.available(encoded):
            y, z = cpu_kernels.recurse((low, high), rotary, y, z, encoded, updates)
            return {"y": y, "z": z}
        for updates_y in updates:
            if updates_y:
                y = high(y, z, rotary)
            else:
                z = low(z, y + encoded, rotary)
        return {"y": y, "z": z}

    def _rotary_on(self, device: torch.device) -> Rotary | None:
        config = self.config
        if config.pos_encodings != "rope":
            return None
        if device not in self._rotary:
            width = config.hidden_size // config.num_heads
            self._rotary[device] = rotary_tables(config.positions, width, config.rope_theta, device)
        return self._rotary[device]
