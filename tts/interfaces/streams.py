"""Noise streams: numbers that depend on where they are used, never on what is computed beside them.

A stream is a SplitMix64 generator (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
2014, figure 17) started at a 64-bit hash of its address: seed, puzzle key, rollout, step, place and name. Its word e is
``mix64(start + (e + 1) * gamma)``, so words are drawn in any order, beside any others, on any device. (Philox4x32-10
needs the high half of 32-bit products: in eager int64 tensors it takes four to five times as long.)
"""

from __future__ import annotations

import hashlib
import math
import operator

import attrs
import torch
from jaxtyping import Float32, Int64, Integer
from torch import Tensor

from tts.errors import ShapeError

_CACHED = 1 << 16  # words drawn at once by a CPU thread: 1 MB of scratch stays in its cache
_LAUNCHED = 1 << 22  # and on a device where every operation costs a launch: 64 MB


def _int64(word: int) -> int:
    """The signed integer with the bits of a 64-bit word."""
    return word - (1 << 64) if word >> 63 else word


GAMMA = _int64(0x9E3779B97F4A7C15)
_FACTORS = (_int64(0xBF58476D1CE4E5B9), _int64(0x94D049BB133111EB))


def _xor_shifted_(
    words: Int64[Tensor, "*shape"], shift: int, scratch: Int64[Tensor, "*shape"]
) -> Int64[Tensor, "*shape"]:
    torch.bitwise_right_shift(words, shift, out=scratch)  # repeats the sign, which the mask takes off
    return words.bitwise_xor_(scratch.bitwise_and_((1 << (64 - shift)) - 1))


def mix64_(words: Int64[Tensor, "*shape"], scratch: Int64[Tensor, "*shape"] | None = None) -> Int64[Tensor, "*shape"]:
    """Apply the finaliser of SplitMix64 in place: a bijection of 64-bit words.

    Args:
        words: of any shape.
        scratch: overwritten.

    Source: Steele, Lea and Flood 2014, with the constants of Stafford's variant 13, as Java's SplittableRandom.
    """
    scratch = torch.empty_like(words) if scratch is None else scratch
    _xor_shifted_(words, 30, scratch).mul_(_FACTORS[0])
    _xor_shifted_(words, 27, scratch).mul_(_FACTORS[1])
    return _xor_shifted_(words, 31, scratch)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def _is_int64(streams: object, attribute: attrs.Attribute[Tensor], value: Tensor) -> None:
    if value.dtype != torch.int64 or value.dim() != 1:
        raise ShapeError(
            f"Streams.{attribute.name} is {value.dtype} {list(value.shape)}; pass int64 [N], one number for each lane"
        )


@attrs.frozen(eq=False)
class Streams:
    """The noise of N lanes, each from the streams of its own rollout.

    A lane's numbers are a function of (seed, keys[n], rollout[n], step[n], place, name, number of elements) alone: not
    of N, of the lane's position or of its neighbours. Names stand for latents; draws of the same name repeat.

    Attributes:
        seed: any integer.
        keys: 64-bit puzzle keys.
        rollout: from 0 and below 2**31.
        step: from 0 and below 2**32.
        place: where a strategy stands among others, see ``at``.

    Raises:
        ShapeError: keys, rollout and step are not int64 tensors of one length.
    """

    seed: int = attrs.field(converter=operator.index)
    keys: Int64[Tensor, " N"] = attrs.field(validator=_is_int64)
    rollout: Int64[Tensor, " N"] = attrs.field(validator=_is_int64)
    step: Int64[Tensor, " N"] = attrs.field(validator=_is_int64)
    place: int = 0

    def __attrs_post_init__(self) -> None:
        lengths = len(self.keys), len(self.rollout), len(self.step)
        if len(set(lengths)) > 1:
            raise ShapeError("Streams got keys [{}], rollout [{}] and step [{}]; pass one N for all".format(*lengths))

    def at(self, place: int) -> Streams:
        """Return the streams of the ``place``-th part of a composed strategy, apart from those of all others.

        Places nest: ``at(1).at(2)``, ``at(2).at(1)`` and ``at(3)`` are three places.
        """
        return attrs.evolve(self, place=_hash(f"{self.place}/{operator.index(place)}"))

    def uniform(self, name: str, shape: tuple[int, ...]) -> Float32[Tensor, " N *shape"]:
        """Draw numbers in (0, 1]: multiples of 2**-24.

        With n elements a lane and H = ceil(n / 2), word e < H gives element e by its 24 highest bits and element e + H
        by bits 8 to 31, each read as a signed number j: u = (j + 2**23 + 1) * 2**-24.
        """
        return self._draw(name, shape, normal=False)

    def normal(self, name: str, shape: tuple[int, ...]) -> Float32[Tensor, " N *shape"]:
        """Draw standard normal numbers, at most 5.77 in size.

        Elements e and e + H are the two that Box and Muller (1958) make of the uniforms e and e + H.
        """
        return self._draw(name, shape, normal=True)

    def _starts(self, name: str) -> Int64[Tensor, " N"]:
        """Return where the lanes' streams start."""
        puzzle = mix64_(self.keys * GAMMA + _hash(f"{self.seed:x}"))
        turn = (self.rollout << 32) + self.step
        return mix64_(puzzle + turn * GAMMA + _hash(f"{self.place}/{name}"))

    def _draw(self, name: str, shape: tuple[int, ...], *, normal: bool) -> Float32[Tensor, " N *shape"]:
        lanes, elements, device = len(self.keys), math.prod(shape), self.keys.device
        half = (elements + 1) // 2
        at_once = _CACHED * torch.get_num_threads() if device.type == "cpu" else _LAUNCHED
        rows = max(1, min(lanes, at_once // max(1, half)))
        starts, offsets = self._starts(name).unsqueeze(1), torch.arange(1, half + 1, device=device) * GAMMA
        scratch = torch.empty(2, rows, half, dtype=torch.int64, device=device)
        out = torch.empty(lanes, 2 * half, device=device, dtype=torch.float32)
        for start, part in zip(torch.split(starts, rows), torch.split(out, rows), strict=True):
            words, spare = scratch[:, : len(part)]
            mix64_(torch.add(start, offsets, out=words), spare)
            _uniforms_(part, words, spare)
            if normal:
                _box_muller_(part, spare.view(torch.float32)[:, :half])
        return out[:, :elements].contiguous().view(lanes, *shape)


def _uniforms_(out: Float32[Tensor, "n _"], words: Int64[Tensor, "n H"], spare: Int64[Tensor, "n H"]) -> None:
    """Write two uniforms a word, out [n, 2 * H]; ``words`` and ``spare`` are overwritten."""
    half = words.shape[1]
    bits = spare.view(torch.int32)[:, :half]
    out[:, half:].copy_(bits.copy_(words).bitwise_right_shift_(8))  # by way of int32: twice as fast to float32
    out[:, :half].copy_(bits.copy_(words.bitwise_right_shift_(40)))
    out.add_((1 << 23) + 1).mul_(2.0**-24)


def _box_muller_(uniforms: Float32[Tensor, "n _"], spare: Float32[Tensor, "n H"]) -> None:
    """Turn uniforms [n, 2 * H] into normals, in place; ``spare`` is overwritten."""
    radius, angle = uniforms.chunk(2, dim=1)
    radius.log_().mul_(-2).sqrt_()
    torch.cos(angle.mul_(2 * math.pi), out=spare)
    angle.sin_().mul_(radius)
    radius.mul_(spare)


def puzzle_keys(tokens: Integer[Tensor, "B L"], ids: Integer[Tensor, " B"]) -> Int64[Tensor, " B"]:
    """Return a 64-bit hash of every puzzle, the same whatever the integer dtype, the batch and the device.

    Every cell's token is mixed with a word of the cell's own, the mixed cells are summed, and so is the identifier.

    Args:
        tokens: the puzzles.
        ids: the puzzle identifiers.

    Raises:
        ShapeError: tokens are not [B, L], or ids not [B].
        TypeError: one of them is not an integer tensor.
    """
    if tokens.dim() != 2 or ids.shape != tokens.shape[:1]:
        raise ShapeError(f"tokens {tuple(tokens.shape)} and ids {tuple(ids.shape)} do not fit; pass [B, L] and [B]")
    for name, tensor in (("tokens", tokens), ("ids", ids)):
        if tensor.dtype.is_floating_point or tensor.dtype.is_complex:
            raise TypeError(f"{name} are {tensor.dtype}; a puzzle key is made of integers")
    places = mix64_(torch.arange(1, tokens.shape[1] + 1, device=tokens.device) * GAMMA)
    keys = mix64_(ids.to(torch.int64) * GAMMA)
    at_once = _CACHED // 4 if tokens.device.type == "cpu" else _LAUNCHED  # temporaries that malloc keeps
    rows = max(1, at_once // max(1, tokens.shape[1]))
    for part, key in zip(torch.split(tokens, rows), torch.split(keys, rows), strict=True):
        key.add_(mix64_(part.to(torch.int64) * GAMMA + places).sum(dim=1))
    return mix64_(keys)
