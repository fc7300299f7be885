"""Attention that begins by looking at neighbours, rows, columns and boxes."""

from __future__ import annotations

import attrs
import pytest
import torch
from torch import Tensor

from tts.errors import TTSError
from tts.models import TRM, AttentionBlock
from tts.training import PRESETS, look_around
from tts.training.look_around import CHANNELS, LOOKS, positions

PRESET = PRESETS["pencil-10x10"]
SIDE = 10


def fresh(**changes: object) -> TRM:
    return TRM(attrs.evolve(PRESET.config, **changes), PRESET.codec, seed=3)


def looked_at(model: TRM) -> list[Tensor]:
    """What the heads of each block pay attention to at the first update of z, [heads, S, S]."""
    tokens = torch.randint(1, 20, (1, SIDE * SIDE), generator=torch.Generator().manual_seed(0))
    state, weights = model.start(1), []
    x = state["z"] + state["y"] + model.encode(tokens, torch.zeros(1, dtype=torch.int64))
    for block in model.L_level.blocks:
        assert isinstance(block, AttentionBlock)
        heads, width = block.self_attn.heads, model.config.hidden_size
        query, key, _ = block.self_attn.qkv_proj(x).view(-1, 3, heads, width // heads).permute(1, 2, 0, 3)
        weights.append((query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(dim=-1))
        x = block(x, None)
    return weights


@torch.no_grad()
@pytest.mark.parametrize("hidden", [128, 256])
def test_heads_begin_by_looking_where_they_should(hidden: int) -> None:
    model = fresh(hidden_size=hidden, puzzle_emb_ndim=hidden)
    look_around(model, SIDE, SIDE, (3, 3))
    row, column = (x.flatten() for x in torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"))
    same = {"row": row, "column": column, "box": row // 3 * 4 + column // 3}
    inner = ((row % 9 > 0) & (column % 9 > 0)).nonzero().flatten()
    for looks, heads in zip(LOOKS, looked_at(model), strict=True):
        for look, weights in zip(looks, heads, strict=True):
            cells = weights[1:, 1:]  # one position of prefix
            if isinstance(look, tuple):
                there = inner + SIDE * look[0] + look[1]
                assert bool((cells[inner].argmax(dim=1) == there).all())
                assert float(cells[inner, there].mean()) > 0.5, look
            elif look == "identifier":
                assert bool((weights[1:, 0] > 0.9).all())
            elif look is not None:
                inside = same[look][:, None] == same[look][None, :]
                assert float((cells * inside).sum(dim=1).mean()) > 0.75, look


@torch.no_grad()
def test_positions_are_all_that_begins_in_their_channels() -> None:
    model = fresh()
    look_around(model, SIDE, SIDE, (3, 3))
    assert not model.embed_tokens.embedding_weight[:, :CHANNELS].any()
    assert bool(model.embed_tokens.embedding_weight[:, CHANNELS:].any())
    encoded = model.encode(torch.ones(1, SIDE * SIDE, dtype=torch.int64), torch.zeros(1, dtype=torch.int64))
    embedded = encoded[0, :, :CHANNELS]
    for latent in model.step(model.start(1), encoded).values():  # norms alone change them, a cell as a whole
        now = latent[0, :, :CHANNELS]
        assert bool(now.any(dim=1).all())
        torch.testing.assert_close(now / now.norm(dim=1, keepdim=True), embedded / embedded.norm(dim=1, keepdim=True))


def test_rows_and_columns_begin_alike_on_boards_of_any_size() -> None:
    """So that what is learnt on small boards can begin a model for large ones; boxes are those of each board."""
    small, large = positions(6, 6, (2, 3), 1)[1:], positions(10, 10, (3, 3), 1)[1:]
    corner = large.view(10, 10, -1)[:6, :6].flatten(0, 1)
    assert torch.equal(small[:, :16], corner[:, :16])
    assert not torch.equal(small[:, 16:24], corner[:, 16:24])


@pytest.mark.parametrize(
    ("changes", "board", "said"),
    [
        ({"pos_encodings": "rope"}, (10, 10, (3, 3)), "only attention with learned positions"),
        ({"mlp_t": True}, (10, 10, (3, 3)), "only attention with learned positions"),
        ({"num_heads": 4}, (10, 10, (3, 3)), "2 blocks of 8 heads"),
        ({"L_layers": 1}, (10, 10, (3, 3)), "2 blocks of 8 heads"),
        ({"hidden_size": 64, "puzzle_emb_ndim": 64}, (10, 10, (3, 3)), "heads are 8 wide; 16 are the least"),
        ({"puzzle_emb_ndim": 0}, (10, 10, (3, 3)), "takes a prefix"),
        ({}, (9, 9, (3, 3)), "9 x 9 has 81 cells, and the model 100"),
        ({"seq_len": 130}, (10, 13, (3, 4)), "sides of 12 are the longest"),
        ({}, (10, 10, (2, 3)), "more than 4 bands"),
        ({}, (10, 10, (0, 3)), "boxes of 0 x 3"),
    ],
)
def test_models_that_cannot_say_why(
    changes: dict[str, object], board: tuple[int, int, tuple[int, int]], said: str
) -> None:
    with pytest.raises(TTSError, match=said):
        look_around(fresh(**changes), *board)
