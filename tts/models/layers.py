"""The layers that TRM and HRM are made of: embeddings, attention, SwiGLU, rms-norm, heads.

Parameters carry the names of the official code, so that its state dicts load as they are once the prefix is stripped.
Weights are used in the dtype that they have: ``model.to(torch.bfloat16)`` casts them once, and all is computed in
bfloat16 save the insides of rms-norm and of the rotary embedding, which are float32, as in the official code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Self, TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Rotary: TypeAlias = tuple[Tensor, Tensor]
"""cos and sin, each float32 [S, D / heads]."""


def truncated_normal_(x: Tensor, std: float, generator: torch.Generator) -> None:
    """Fill x with normals cut at two deviations and rescaled to deviation ``std``, as officially; drawn on the CPU."""
    if x.is_meta:  # a model that waits for the weights of a file
        return
    uncut = std / 0.8796256610342398  # the deviation of a standard normal cut at +-2
    drawn = torch.empty(x.shape, device="cpu")
    nn.init.trunc_normal_(drawn, std=uncut, a=-2 * uncut, b=2 * uncut, generator=generator)
    with torch.no_grad():
        x.copy_(drawn)


class Linear(nn.Module):
    """y = x W^T, weight [out, in]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def reset(self, generator: torch.Generator) -> None:
        """Draw from LeCun's normal."""
        truncated_normal_(self.weight, self.weight.shape[1] ** -0.5, generator)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


def widen(x: Tensor) -> Tensor:
    """Return x in float32, or as it is where it is wider."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class QHead(nn.Module):
    """Logits of halt and continue [N, 2] from position 0 of y; starts at -5, so that nothing halts at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, width))
        self.bias = nn.Parameter(torch.full((2,), -5.0))

    def forward(self, x: Tensor) -> Tensor:
        # float32 products summed a row: a two-column matmul may sum in an order that depends on the batch
        return ((widen(x).unsqueeze(-2) * self.weight).sum(dim=-1) + self.bias).float()


class Embedding(nn.Module):
    """Token or position vectors [rows, D]."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.embedding_weight = nn.Parameter(torch.empty(rows, width))

    def reset(self, generator: torch.Generator) -> None:
        """Draw with deviation 1 / sqrt(D): the model scales by sqrt(D)."""
        truncated_normal_(self.embedding_weight, self.embedding_weight.shape[1] ** -0.5, generator)


class PuzzleEmbedding(nn.Module):
    """Identifier vectors [identifiers, puzzle_emb_ndim]; zero at first.

    A table of gigabytes is better left where it is: once ``mapped`` is set, ``.to`` and its kin leave the table alone,
    and callers move and cast the rows that they look up.
    """

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(rows, width))
        self.mapped = False

    def forward(self, ids: Tensor) -> Tensor:
        """Return rows [N, puzzle_emb_ndim] for identifiers int64 [N], on the device and in the dtype of the table."""
        return self.weights[ids.to(self.weights.device)]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return self if self.mapped else super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


def rms_norm(x: Tensor, eps: float) -> Tensor:
    """Divide x by its root mean square over the last dimension, in float32 inside; no gain."""
    wide = widen(x)
    return (wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + eps)).to(x.dtype)


class SwiGLU(nn.Module):
    """down(silu(gate x) * up x); gate and up share one matrix, gate first."""

    def __init__(self, width: int, expansion: float) -> None:
        super().__init__()
        inner = -(round(expansion * width * 2 / 3) // -256) * 256
        self.gate_up_proj = Linear(width, 2 * inner)
        self.down_proj = Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)  # type: ignore[no-any-return]

    @property
    def hidden(self) -> int:
        """Width of gate and up together."""
        return self.gate_up_proj.weight.shape[0]

    def flops(self, rows: int) -> int:
        """Return the operations of the matrix products over so many rows, 2 a multiply-add."""
        return 2 * rows * (self.gate_up_proj.weight.numel() + self.down_proj.weight.numel())


def rotary_tables(positions: int, width: int, theta: float, device: torch.device) -> Rotary:
    """Return cos and sin, each float32 [positions, width] (RoFormer, arXiv 2104.09864, in the half-split layout)."""
    frequency = 1.0 / theta ** (torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    angle = torch.outer(torch.arange(positions, dtype=torch.float32, device=device), frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, rotary: Rotary) -> Tensor:
    """Turn x [..., S, D / heads] by its position's angles, in float32 inside."""
    cos, sin = rotary
    wide = widen(x)
    left, right = wide.chunk(2, dim=-1)
    return (wide * cos + torch.cat((-right, left), dim=-1) * sin).to(x.dtype)


class Attention(nn.Module):
    """Self-attention over all positions, no mask."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv_proj = Linear(width, 3 * width)
        self.o_proj = Linear(width, width)

    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        qkv = self.qkv_proj(x).view(*x.shape[:2], 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [N, heads, S, D / heads]
        if rotary is not None:
            query, key = rotate(query, rotary), rotate(key, rotary)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.o_proj(mixed.transpose(1, 2).flatten(-2))  # type: ignore[no-any-return]


class Block(nn.Module, ABC):
    """A residual block over [N, S, D]."""

    @abstractmethod
    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        """Map x [N, S, D] to [N, S, D]."""

    @abstractmethod
    def flops(self, positions: int) -> int:
        """Return the operations of the matrix products of one lane, 2 a multiply-add."""

    @abstractmethod
    def widest(self, positions: int) -> int:
        """Return the elements of the widest hidden layer of one lane."""


class AttentionBlock(Block):
    """Post-norm block: attention, then SwiGLU."""

    def __init__(self, width: int, heads: int, expansion: float, eps: float) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.mlp = SwiGLU(width, expansion)
        self.eps = eps

    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        x = rms_norm(x + self.self_attn(x, rotary), self.eps)
        return rms_norm(x + self.mlp(x), self.eps)

    def flops(self, positions: int) -> int:
        attention = self.self_attn
        width = attention.o_proj.weight.shape[0]
        projections = attention.qkv_proj.weight.numel() + attention.o_proj.weight.numel()
        return 2 * positions * projections + 4 * positions**2 * width + self.mlp.flops(positions)

    def widest(self, positions: int) -> int:
        return positions * self.mlp.hidden


class MixerBlock(Block):
    """Post-norm block: SwiGLU across positions (and its rms-norm over positions), then SwiGLU across channels."""

    def __init__(self, positions: int, width: int, expansion: float, eps: float) -> None:
        super().__init__()
        self.mlp_t = SwiGLU(positions, expansion)
        self.mlp = SwiGLU(width, expansion)
        self.eps = eps

    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        x = x.transpose(1, 2)
        x = rms_norm(x + self.mlp_t(x), self.eps).transpose(1, 2)
        return rms_norm(x + self.mlp(x), self.eps)

    def flops(self, positions: int) -> int:
        return self.mlp_t.flops(self.mlp.down_proj.weight.shape[0]) + self.mlp.flops(positions)

    def widest(self, positions: int) -> int:
        return max(positions * self.mlp.hidden, self.mlp.down_proj.weight.shape[0] * self.mlp_t.hidden)


class Level(nn.Module):
    """A stack of blocks over hidden + injection."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks)

    def forward(self, hidden: Tensor, injection: Tensor, rotary: Rotary | None) -> Tensor:
        hidden = hidden + injection
        for block in self.blocks:
            hidden = block(hidden, rotary)
        return hidden

    @property
    def blocks(self) -> list[Block]:
        """The layers, typed."""
        return [cast(Block, layer) for layer in self.layers]
