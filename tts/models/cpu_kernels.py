"""The supervision step on CPU without gradients: the arithmetic of ``tts.models.layers``, arranged for speed.

- Lanes go in pieces that fit the cache, each finished before the next; where there are threads, each takes whole pieces
  and runs them alone, so that no thread waits for another inside a step.
- A mixer's latents lie as [S, N, D]: both of its MLPs are plain matrix products then, and nothing is transposed.
- Products are MKL's on Intel, oneDNN's with fused pointwise operations elsewhere, if those do not depend on the place.
- bfloat16 is computed in float32 where the processor's bfloat16 products are slower; latents are rounded once a step.

Nothing derived from the weights outlives a call, so that nothing can go stale.
"""

from __future__ import annotations

import functools
import math
import platform
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor

from tts._util.threads import run_in_threads
from tts.models.layers import AttentionBlock, Block, Level, MixerBlock, Rotary, SwiGLU, widen

CONTIGUOUS = torch.contiguous_format
PIECE_BYTES = 4 << 20  # of the widest hidden layer of a piece: about the second-level cache of a core
PIECE_ROWS = 256  # fewer make the products slow


@functools.cache
def is_intel() -> bool:
    """Return whether the processor is Intel's: MKL is at its best there, and bfloat16 pays with AMX only."""
    cpuinfo = Path("/proc/cpuinfo")
    return "GenuineIntel" in (cpuinfo.read_text() if cpuinfo.exists() else platform.processor())


@functools.cache
def bfloat16_pays() -> bool:
    """Return whether the CPU multiplies bfloat16 faster than float32.

    AVX512_BF16 doubles the rate on AMD. On Intel it halves it (one port instead of two), unless AMX is there.
    """
    if not (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    ):
        return False  # ONEDNN_MAX_CPU_ISA may hold oneDNN to less than the processor has
    amx = bool(torch.cpu._is_amx_tile_supported())
    return amx or (bool(torch.cpu._is_avx512_bf16_supported()) and not is_intel())


def available(x: Tensor) -> bool:
    """Return whether these kernels serve x: on CPU, float32 or bfloat16, no gradients, no compiler, no autocast."""
    return (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.bfloat16)
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype to compute latents of ``dtype`` in."""
    return dtype if bfloat16_pays() else torch.float32


class Products(ABC):
    """Matrix products with what surrounds them. Weights [out, in]; gate_up [2I, in] with the gate first.

    A sum may overwrite x.
    """

    @abstractmethod
    def project(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return x W^T; x [M, in]."""

    @abstractmethod
    def add_project(self, x: Tensor, h: Tensor, weight: Tensor) -> Tensor:
        """Return x + h W^T; h [M, in], x [M, out]."""

    @abstractmethod
    def rows(self, x: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        """Return x + SwiGLU(x), over the rows of x [M, width]."""

    @abstractmethod
    def columns(self, x: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        """Return x + SwiGLU(x), over the columns of x [width, M]."""


class MKLProducts(Products):
    """Products by MKL, pointwise operations in place."""

    def project(self, x: Tensor, weight: Tensor) -> Tensor:
        return torch.mm(x, weight.t())

    def add_project(self, x: Tensor, h: Tensor, weight: Tensor) -> Tensor:
        return x.addmm_(h, weight.t())

    def rows(self, x: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        gate, up = torch.mm(x, gate_up.t()).chunk(2, dim=1)
        return x.addmm_(F.silu(gate, inplace=True).mul_(up), down.t())

    def columns(self, x: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        gate, up = torch.mm(gate_up, x).chunk(2, dim=0)
        return x.addmm_(down, F.silu(gate, inplace=True).mul_(up))


class OneDNNProducts(Products):
    """Products by oneDNN, with silu, the product of gate and up, and the residual as its post-operations."""

    def project(self, x: Tensor, weight: Tensor) -> Tensor:
        return _linear(x, weight, "none")

    def add_project(self, x: Tensor, h: Tensor, weight: Tensor) -> Tensor:
        return _linear_with(h, x, weight, "add")

    def rows(self, x: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        gate, up = gate_up.chunk(2, dim=0)
        hidden = _linear_with(x, _linear(x, gate, "swish"), up, "mul")
        return _linear_with(hidden, x, down, "add")

    def columns(self, x: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        # W x = (W as the input) times (x^T as the weight)^T
        gate, up = gate_up.chunk(2, dim=0)
        hidden = _linear_with(up, _linear(gate, x.t(), "swish"), x.t(), "mul")
        return _linear_with(down, x, hidden.t(), "add")


def _linear(x: Tensor, weight: Tensor, post: str) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, None, post, [], "")
    return out


def _linear_with(x: Tensor, other: Tensor, weight: Tensor, post: str) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, weight, None, post)
    return out


@functools.cache
def onednn_keeps_places() -> bool:
    """Return whether oneDNN's products give a row the same bits in any place.

    With AVX2 alone those of torch 2.13 do; those of torch 2.6 and 2.9 add up the last rows in another order. torch does
    not say which kernel oneDNN takes, so it is tried.
    """
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    weight = torch.arange(64 * 64, dtype=torch.float32, device="cpu").sin().view(64, 64)
    rows = weight[:1].repeat(33, 1)
    outs = [_linear(rows[:n], weight, "none") for n in range(2, 34)]  # which n show it depends on the threads
    return all(bool((out == out[0]).all()) for out in outs)


def products(dtype: torch.dtype) -> Products:
    """Return the faster kind on this processor among those that give a row the same bits in any place."""
    if (is_intel() and dtype == torch.float32) or not onednn_keeps_places():
        return MKLProducts()
    return OneDNNProducts()


class BlockKernel(ABC):
    """One block over a piece of n lanes, whose latents are rows of D."""

    @abstractmethod
    def __call__(self, x: Tensor, n: int) -> Tensor:
        """Return the output, rows as in the input; x [n * S, D], or [S * n, D] for mixers, may be overwritten."""


@attrs.frozen(eq=False)
class MixerKernel(BlockKernel):
    """``MixerBlock`` on [S * n, D]."""

    products: Products
    positions: tuple[Tensor, Tensor]
    channels: tuple[Tensor, Tensor]
    eps: float

    def __call__(self, x: Tensor, n: int) -> Tensor:
        rows, width = x.shape
        x = self.products.columns(x.view(rows // n, n * width), *self.positions)
        wide = widen(x)
        wide.mul_(wide.square().mean(dim=0, keepdim=True).add_(self.eps).rsqrt_())
        x = self.products.rows(wide.to(x.dtype).view(rows, width), *self.channels)
        return F.rms_norm(x, (width,), eps=self.eps)


@attrs.frozen(eq=False)
class AttentionKernel(BlockKernel):
    """``AttentionBlock`` on [n * S, D]; scores and their softmax in float32."""

    products: Products
    qkv: Tensor
    out: Tensor
    channels: tuple[Tensor, Tensor]
    heads: int
    rotary: Rotary | None
    eps: float

    def __call__(self, x: Tensor, n: int) -> Tensor:
        width = x.shape[1]
        mixed = self._attend(self.products.project(x, self.qkv).view(n, -1, 3, self.heads, width // self.heads))
        x = F.rms_norm(self.products.add_project(x, mixed.to(x.dtype), self.out), (width,), eps=self.eps)
        return F.rms_norm(self.products.rows(x, *self.channels), (width,), eps=self.eps)

    def _attend(self, qkv: Tensor) -> Tensor:
        """Map qkv [n, S, 3, heads, d] to the mixed values float32 [n * S, D]."""
        n, positions, _, heads, d = qkv.shape
        flat = torch.empty(3, n, heads, positions, d).copy_(qkv.permute(2, 0, 3, 1, 4)).view(3, n * heads, positions, d)
        query_key = flat[:2] if self.rotary is None else _rotate(flat[:2], self.rotary)
        scores = torch.bmm(query_key[0].mul_(d**-0.5), query_key[1].transpose(1, 2))
        mixed = torch.bmm(scores.softmax(dim=-1), flat[2])
        return mixed.view(n, heads, positions, d).transpose(1, 2).reshape(n * positions, heads * d)


def _rotate(x: Tensor, rotary: Rotary) -> Tensor:
    """Rotate as ``layers.rotate`` does, without the concatenation; x float32 [..., S, d]."""
    cos, sin = rotary
    half = x.shape[-1] // 2
    out = x * cos
    out[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-1)
    out[..., half:].addcmul_(x[..., :half], sin[..., half:])
    return out


def _mlp(mlp: SwiGLU, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return mlp.gate_up_proj.weight.to(dtype), mlp.down_proj.weight.to(dtype)


def _kernel(block: Block, rotary: Rotary | None, dtype: torch.dtype) -> BlockKernel:
    if isinstance(block, MixerBlock):
        return MixerKernel(products(dtype), _mlp(block.mlp_t, dtype), _mlp(block.mlp, dtype), block.eps)
    assert isinstance(block, AttentionBlock)
    attention, channels = block.self_attn, _mlp(block.mlp, dtype)
    qkv, out = attention.qkv_proj.weight.to(dtype), attention.o_proj.weight.to(dtype)
    return AttentionKernel(products(dtype), qkv, out, channels, attention.heads, rotary, block.eps)


def piece_lanes(levels: Sequence[Level], positions: int) -> int:
    """Return the lanes that a thread steps at a time: a power of two that fits the cache, PIECE_ROWS rows or more."""
    widest = max(block.widest(positions) for level in levels for block in level.blocks)
    fitting, needed = PIECE_BYTES / (4 * widest), PIECE_ROWS / positions
    return 1 << max(0, min(6, round(math.log2(fitting))), math.ceil(math.log2(needed)))


def recurse(
    levels: tuple[Level, Level], rotary: Rotary | None, y: Tensor, z: Tensor, encoded: Tensor, updates: Sequence[bool]
) -> tuple[Tensor, Tensor]:
    """Return the latents [N, S, D] after the updates: True is y <- high(y, z), False is z <- low(z, y + encoded).

    Lanes are stepped in pieces of one size, the last one padded: a lane's bits do not depend on its place.
    """
    dtype, lanes = compute_dtype(encoded.dtype), encoded.shape[0]
    low, high = ([_kernel(block, rotary, dtype) for block in level.blocks] for level in levels)
    mixes = isinstance(low[0], MixerKernel)
    size = max(1, min(piece_lanes(levels, encoded.shape[1]), -(lanes // -torch.get_num_threads())))
    new_y, new_z = torch.empty_like(y, memory_format=CONTIGUOUS), torch.empty_like(z, memory_format=CONTIGUOUS)

    def enter(x: Tensor) -> Tensor:
        """Return [at most size, S, D] as rows of D in the kernels' layout, padded to ``size`` lanes."""
        x = F.pad(x, (0, 0, 0, 0, 0, size - x.shape[0])).to(dtype)
        return (x.transpose(0, 1) if mixes else x).reshape(-1, x.shape[-1])

    def leave(x: Tensor, out: Tensor) -> None:
        shape = (encoded.shape[1], size) if mixes else (size, encoded.shape[1])
        x = x.view(*shape, -1)
        out.copy_((x.transpose(0, 1) if mixes else x)[: out.shape[0]])

    def step(piece: int) -> None:
        here = slice(piece * size, (piece + 1) * size)
        y_piece, z_piece, input_piece = enter(y[here]), enter(z[here]), enter(encoded[here])
        injection = y_piece + input_piece
        for updates_y in updates:
            if updates_y:
                y_piece = _level(high, y_piece + z_piece, size)
                injection = y_piece + input_piece
            else:
                z_piece = _level(low, z_piece + injection, size)
        leave(y_piece, new_y[here])
        leave(z_piece, new_z[here])

    pieces = -(lanes // -size)
    if pieces == 1:
        step(0)  # alone, with all of torch's threads
    else:
        run_in_threads(step, pieces)
    return new_y, new_z


def _level(kernels: Sequence[BlockKernel], x: Tensor, n: int) -> Tensor:
    for kernel in kernels:
        x = kernel(x, n)
    return x
