"""transplant(): begin a model with the weights of one for smaller boards or fewer varieties."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from tts.errors import TTSError
from tts.interfaces import Codec
from tts.models import TwoLatentModel
from tts.puzzles import MixedCodec, VarietyCodec

Move: TypeAlias = tuple[int, Tensor, Tensor]
"""Along which dimension of a parameter, which entries of the source, and where each goes in the target: int64 [n]."""


def transplant(source: TwoLatentModel, target: TwoLatentModel) -> None:
    """Copy the weights of ``source`` to ``target``, in place, as far as the two share boards, tokens and varieties.

    A smaller board lies at the top left of the larger one. The tokens of a variety mean the same on all boards, so
    their rows of the embedding and of the head go to the variety's own range, and its identifier's row to its own
    identifier; tokens and identifiers that ``source`` does not have stay as ``target`` has them, and so do the learned
    positions of cells on a larger board, whose boxes may be others. What mixes positions (``mlp_t``) is 0 where a cell
    is new: nothing goes there, and nothing comes from there, until it is trained. All else is copied. Models of the
    same sizes are equal afterwards where their codecs are, or ``source``'s names no variety.

    Raises:
        TTSError: another kind of model, no variety in common, a smaller board, or other sizes elsewhere; ``target`` is
            as it was then.
    """
    begun = source.state_dict()
    wanted = target.state_dict()
    if begun.keys() != wanted.keys():
        name = min(begun.keys() ^ wanted.keys())
        raise TTSError(f"{name} is in one of them alone; begin with a model of the same kind")
    same = _shapes(begun) == _shapes(wanted) and (source.codec == target.codec or not _varieties(source.codec))
    moves = {} if same else _moves(source, target)
    placed = {name: next((move for end, move in moves.items() if name.endswith(end)), None) for name in begun}
    for name, move in placed.items():
        _check(name, begun[name], wanted[name], None if move is None else move[0])
    for name, move in placed.items():
        if move is None:
            wanted[name].copy_(begun[name])
            continue
        dim, ours, theirs = move
        if "mlp_t" in name:
            wanted[name].zero_()
        wanted[name].index_copy_(dim, theirs, begun[name].index_select(dim, ours))


def _moves(source: TwoLatentModel, target: TwoLatentModel) -> dict[str, Move]:
    """Return what moves, by the end of a parameter's name."""
    there, here = _varieties(source.codec), _varieties(target.codec)
    shared = [name for name in here if name in there]
    if not shared:
        raise TTSError(f"it knows {', '.join(there) or 'no variety'}, and this one {', '.join(here) or 'none'}")
    tokens = [(0, 0)]
    identifiers = []
    for name in shared:
        (first, size, identifier), (start, room, place) = there[name], here[name]
        tokens += [(first + k, start + k) for k in range(min(size, room))]
        identifiers.append((identifier, place))
    prefix = source.config.prefix
    if prefix != target.config.prefix:
        raise TTSError(f"its identifiers take {prefix} positions, and this one's {target.config.prefix}")
    prefixes = [(k, k) for k in range(prefix)]
    shared_cells = _cells(source.codec, target.codec)
    cells = prefixes + [(prefix + a, prefix + b) for a, b in shared_cells]
    fills = len(shared_cells) == target.config.seq_len
    rows = {"embed_tokens.embedding_weight": tokens, "lm_head.weight": tokens, "puzzle_emb.weights": identifiers}
    rows |= {"mlp_t.down_proj.weight": cells, "embed_pos.embedding_weight": cells if fills else prefixes}
    return {name: _move(0, pairs) for name, pairs in rows.items()} | {"mlp_t.gate_up_proj.weight": _move(1, cells)}


def _move(dim: int, pairs: list[tuple[int, int]]) -> Move:
    ours, theirs = torch.tensor(pairs).unbind(1)
    return dim, ours, theirs


def _varieties(codec: Codec) -> dict[str, tuple[int, int, int]]:
    """Return each variety's first token, its number of tokens, and its identifier."""
    if isinstance(codec, VarietyCodec):
        return {codec.variety: (1, codec.vocab_size - 1, 0)}
    if isinstance(codec, MixedCodec):
        ranges = {name: codec.range(name) for name in codec.varieties}
        return {name: (start, end - start, place) for place, (name, (start, end)) in enumerate(ranges.items())}
    return {}


def _cells(source: Codec, target: Codec) -> list[tuple[int, int]]:
    """Return the cells of the smaller board, and where they are on the larger one."""
    assert isinstance(source, VarietyCodec | MixedCodec)
    assert isinstance(target, VarietyCodec | MixedCodec)
    if source.height > target.height or source.width > target.width:
        raise TTSError(
            f"its board is {source.height} x {source.width}, and this one's {target.height} x {target.width}; "
            "begin with a model for boards of this size or smaller"
        )
    return [
        (row * source.width + column, row * target.width + column)
        for row in range(source.height)
        for column in range(source.width)
    ]


def _shapes(parameters: dict[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(values.shape) for name, values in parameters.items()}


def _check(name: str, values: Tensor, wanted: Tensor, moved: int | None) -> None:
    """Raise unless all dimensions but the moved one agree."""
    pairs = enumerate(zip(values.shape, wanted.shape, strict=True))
    if any(there != here for dim, (there, here) in pairs if dim != moved):
        raise TTSError(f"{name} is {list(values.shape)} there and {list(wanted.shape)} here")
