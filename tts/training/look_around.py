"""look_around(): attention whose heads begin with looking at neighbours, rows, columns and boxes."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from tts.errors import TTSError
from tts.models import POSITION_SCALE, Attention, AttentionBlock, TwoLatentModel

Look: TypeAlias = tuple[int, int] | Literal["row", "column", "box", "identifier"] | None
"""What a head looks at: the cell so many rows down and columns right, the own row, ..., or what chance gives."""

LOOKS: tuple[tuple[Look, ...], ...] = (
    ((-1, 0), (1, 0), (0, -1), (0, 1), "row", "column", "box", None),
    ((-1, -1), (-1, 1), (1, -1), (1, 1), "row", "column", "box", "identifier"),
)
"""Of each block, of each head."""

WAVES, PERIOD, BANDS = 4, 14.0, 4
"""Cosines and sines of row and of column; cells that the longest spans; the most bands, and stacks, of boxes."""
LARGEST = 12
"""The longest side of a board: on longer ones the waves come round to where they began."""
_ROW, _COLUMN = slice(0, 2 * WAVES), slice(2 * WAVES, 4 * WAVES)
_BOX = slice(4 * WAVES, 4 * WAVES + 2 * BANDS)
_CELL, _PREFIX = _BOX.stop, _BOX.stop + 1
CHANNELS = _PREFIX + 1
"""Of the hidden size, those that positions take."""
SHARPNESS = (2.1, 5.5)
"""Of each block: how sharply its heads look. The rms-norms of the first block leave the second a third of it."""
_BOXES, _NORM, _CHANCE = 1.4, math.sqrt(12.9), 0.2
"""Weight of the boxes in a position; length of a position before it is scaled; what is left of the random projections
of the heads that look."""


def look_around(model: TwoLatentModel, height: int, width: int, box: tuple[int, int]) -> None:
    """Set the positions and the projections of a fresh attention model, in place, so that its heads look around.

    After the convolutional start of ConViT (arXiv 2103.10697): what a head looks at follows from the offset of two
    cells, the same everywhere on the board but at its edges, so that a local rule is learnt once and not for each
    cell. A position is cosines and sines of row and column, one-hot band and stack of boxes, and marks of cells and of
    the prefix. These ``CHANNELS`` channels are zero in the tokens, in the initial latents and in what blocks add. All
    of it is trained afterwards.

    Args:
        height, width: of the board.
        box: height and width of sudoku's boxes.

    Raises:
        TTSError: the model has no learned positions, no attention or no prefix, other blocks or heads than ``LOOKS``,
            heads that are too narrow, or another board; or the board is too large.
    """
    config = model.config
    blocks = [block for level in dict.fromkeys(model.levels) for block in level.blocks]
    if config.pos_encodings != "learned" or not all(isinstance(block, AttentionBlock) for block in blocks):
        raise TTSError("only attention with learned positions can begin by looking around")
    if not config.prefix:
        raise TTSError("it takes a prefix of identifiers to look around; puzzle_emb_ndim is 0")
    if [block.self_attn.heads for block in blocks] != [len(looks) for looks in LOOKS]:  # type: ignore[union-attr]
        raise TTSError(f"it takes {len(LOOKS)} blocks of {len(LOOKS[0])} heads to look around")
    wide = config.hidden_size // config.num_heads
    if wide < 4 * WAVES:
        raise TTSError(f"heads are {wide} wide; {4 * WAVES} are the least")
    _check_board(height, width, box, config.seq_len)
    with torch.no_grad():
        table = torch.zeros_like(model.embed_pos.embedding_weight)
        table[:, :CHANNELS] = positions(height, width, box, config.prefix) / _NORM
        model.embed_pos.embedding_weight.copy_(table)
        for rows in (model.embed_tokens.embedding_weight, model.H_init, model.L_init):
            rows[..., :CHANNELS] = 0
        unit = (wide / (4 * WAVES)) ** 0.25 * _NORM / (POSITION_SCALE * math.sqrt(config.hidden_size))
        for block, looks, sharpness in zip(blocks, LOOKS, SHARPNESS, strict=True):
            assert isinstance(block, AttentionBlock)
            for output in (block.self_attn.o_proj, block.mlp.down_proj):
                output.weight[:CHANNELS] = 0
            _aim(block.self_attn, looks, sharpness * unit)


def _check_board(height: int, width: int, box: tuple[int, int], cells: int) -> None:
    if height * width != cells:
        raise TTSError(f"a board of {height} x {width} has {height * width} cells, and the model {cells}")
    if max(height, width) > LARGEST:
        raise TTSError(f"the board is {height} x {width}; sides of {LARGEST} are the longest")
    if min(box) < 1 or math.ceil(height / box[0]) > BANDS or math.ceil(width / box[1]) > BANDS:
        raise TTSError(f"boxes of {box[0]} x {box[1]} make more than {BANDS} bands or stacks of {height} x {width}")


def positions(height: int, width: int, box: tuple[int, int], prefix: int) -> Tensor:
    """Return the positions of prefix and cells, float32 [S, CHANNELS], before they are scaled."""
    cells = torch.arange(height * width)
    row, column = cells // width, cells % width
    table = torch.zeros(prefix + len(cells), CHANNELS)
    for part, values in ((_ROW, row), (_COLUMN, column)):
        angles = values[:, None] * _frequencies()
        table[prefix:, part] = torch.cat((angles.cos(), angles.sin()), dim=1)
    table[prefix:, _BOX] = _BOXES * torch.cat((_one_hot(row // box[0]), _one_hot(column // box[1])), dim=1)
    table[prefix:, _CELL] = 1
    table[:prefix, _PREFIX] = 3.5  # about as long as the position of a cell
    return table


def _aim(attention: Attention, looks: tuple[Look, ...], sharp: float) -> None:
    """Set the queries and keys of every head that looks at something."""
    width = attention.o_proj.weight.shape[0]
    queries, keys, _ = attention.qkv_proj.weight.view(3, attention.heads, -1, width)  # [heads, D / heads, D] each
    for query, key, look in zip(queries, keys, looks, strict=True):
        if look is None:
            continue
        query *= _CHANCE
        key *= _CHANCE
        down, right = look if isinstance(look, tuple) else (0, 0)
        if look == "box":
            query[: 2 * BANDS, _BOX] = key[: 2 * BANDS, _BOX] = _BOXES * sharp * torch.eye(2 * BANDS)
        elif look == "identifier":
            query[0, _CELL], key[0, _PREFIX] = 2 * sharp, sharp
        if look == "row" or isinstance(look, tuple):
            query[_ROW, _ROW], key[_ROW, _ROW] = sharp * _shift(down), sharp * torch.eye(2 * WAVES)
        if look == "column" or isinstance(look, tuple):
            query[_COLUMN, _COLUMN], key[_COLUMN, _COLUMN] = sharp * _shift(right), sharp * torch.eye(2 * WAVES)


def _frequencies() -> Tensor:
    return 2 * math.pi / PERIOD * torch.arange(1, WAVES + 1)


def _shift(cells: int) -> Tensor:
    """Return the matrix that turns the cosines and sines of x into those of x + cells."""
    cos, sin = (torch.diag(wave(cells * _frequencies())) for wave in (torch.cos, torch.sin))
    return torch.cat((torch.cat((cos, -sin), dim=1), torch.cat((sin, cos), dim=1)))


def _one_hot(bands: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(bands, BANDS).float()
