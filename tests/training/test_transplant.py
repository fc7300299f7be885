"""Weights of a model for smaller boards or fewer varieties in another."""

from __future__ import annotations

import attrs
import pytest
import torch

from tts.datasets import sudokus, sudokus_6x6
from tts.errors import TTSError
from tts.models import TRM, load
from tts.models.layers import MixerBlock
from tts.puzzles import MixedCodec, VarietyCodec
from tts.training import PRESETS, as_group, evaluate, transplant

SIX = ("tapa", "sudoku", "lightup")


def test_the_same_sizes_are_copied() -> None:
    source = load("sudoku-6x6")
    target = TRM(source.config, source.codec, seed=5)
    transplant(source, target)
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))
    unnamed, third = TRM(source.config, seed=6), TRM(source.config, source.codec)
    transplant(unnamed, third)
    assert all(torch.equal(a, b) for a, b in zip(unnamed.parameters(), third.parameters(), strict=True))


def test_among_more_varieties_a_model_computes_what_it_did() -> None:
    source, codec = load("sudoku-6x6"), MixedCodec(SIX, 6, 6)
    sizes = attrs.evolve(source.config, vocab_size=codec.vocab_size, num_puzzle_identifiers=3)
    target = TRM(sizes, codec, seed=5).eval()
    begun = {name: values.clone() for name, values in target.state_dict().items()}
    transplant(source, target)
    start, end = codec.range("sudoku")
    learned, weights = source.state_dict(), target.state_dict()
    for name, values in learned.items():
        if values.shape == weights[name].shape:
            assert torch.equal(weights[name], values), name
    for name in ("embed_tokens.embedding_weight", "lm_head.weight"):
        assert torch.equal(weights[name][start:end], learned[name][1:]), name
        assert torch.equal(weights[name][1:start], begun[name][1:start]), name
        assert torch.equal(weights[name][end:], begun[name][end:]), name
    boards, outputs = sudokus_6x6().puzzles[:8], []
    for model in (source.double(), target.double()):  # products of other widths round differently
        pairs = [model.codec.encode(board) for board in boards]
        encoded = model.encode(torch.tensor([list(t) for t, _ in pairs]), torch.tensor([i for _, i in pairs]))
        state = model.start(8)
        for _ in range(3):
            state = model.step(state, encoded)
        outputs.append(model.read(state))
    before, after = outputs[0].logits[:, :, 1:], outputs[1].logits[:, :, start:end]
    torch.testing.assert_close(outputs[1].q, outputs[0].q, rtol=0, atol=1e-4)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-4)
    assert torch.equal(after.argmax(dim=2), before.argmax(dim=2))


def test_equal_sizes_with_other_codecs_are_not_taken_for_equal_models() -> None:
    one, other = MixedCodec(("tapa", "sudoku"), 6, 6), MixedCodec(("sudoku", "tapa"), 6, 6)
    sizes = attrs.evolve(load("sudoku-6x6").config, vocab_size=one.vocab_size, num_puzzle_identifiers=2)
    source, target = TRM(sizes, one, seed=1), TRM(sizes, other, seed=2)
    with torch.no_grad():
        source.state_dict()["puzzle_emb.weights"].normal_(generator=torch.Generator().manual_seed(0))
    transplant(source, target)
    for name in one.varieties:
        rows = [slice(*codec.range(name)) for codec in (one, other)]
        for table in ("embed_tokens.embedding_weight", "lm_head.weight"):
            assert torch.equal(source.state_dict()[table][rows[0]], target.state_dict()[table][rows[1]])
            assert torch.equal(source.state_dict()[table][0], target.state_dict()[table][0])  # the pad
    assert torch.equal(source.state_dict()["puzzle_emb.weights"], target.state_dict()["puzzle_emb.weights"].flip(0))


def test_learned_positions_move_to_boards_of_the_same_size_alone() -> None:
    small, large = PRESETS["pencil-6x6"], PRESETS["pencil-10x10"]
    source, target = TRM(small.config, small.codec, seed=1), TRM(large.config, large.codec, seed=2)
    begun = target.embed_pos.embedding_weight.clone()
    transplant(source, target)
    positions = target.embed_pos.embedding_weight
    assert torch.equal(positions[0], source.embed_pos.embedding_weight[0])  # the prefix
    assert torch.equal(positions[1:], begun[1:])
    for ours, theirs in zip(source.L_level.parameters(), target.L_level.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    fewer = MixedCodec(("sudoku", "tapa"), 6, 6)
    config = attrs.evolve(small.config, vocab_size=fewer.vocab_size, num_puzzle_identifiers=2)
    target = TRM(config, fewer, seed=2)
    transplant(source, target)
    assert torch.equal(target.embed_pos.embedding_weight, source.embed_pos.embedding_weight)


def test_on_a_larger_board_a_model_still_solves() -> None:
    codec = MixedCodec(("sudoku", "tapa"), 10, 10, box=(3, 3))
    nine = load("sudoku-9x9")
    sizes = attrs.evolve(nine.config, vocab_size=codec.vocab_size, seq_len=100, num_puzzle_identifiers=2)
    target = TRM(sizes, codec)
    transplant(nine, target)
    easy = sudokus()["euler96"]
    group = as_group("sudoku", easy, codec).first(12)
    assert evaluate(target.eval(), [group])["sudoku"] >= 0.75
    new = [1 + cell for cell in range(100) if cell // 10 == 9 or cell % 10 == 9]  # one position of prefix
    for block in target.L_level.blocks:
        assert isinstance(block, MixerBlock)
        gate, down = block.mlp_t.gate_up_proj.weight, block.mlp_t.down_proj.weight
        assert not gate[:, new].any()
        assert not down[new].any()
        assert bool(gate.any())
    again = TRM(sizes, codec)
    transplant(target, again)
    assert all(torch.equal(a, b) for a, b in zip(target.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize(
    ("codec", "changes", "said"),
    [
        (VarietyCodec("sudoku", 4, 4), {}, "its board is 6 x 6, and this one's 4 x 4"),
        (VarietyCodec("lightup", 6, 6), {}, "it knows sudoku, and this one lightup"),
        (None, {}, "it knows sudoku, and this one none"),
        (MixedCodec(SIX, 7, 7, box=(2, 3)), {"hidden_size": 64, "puzzle_emb_ndim": 64}, "_init is .128. there and"),
        (MixedCodec(SIX, 7, 7, box=(2, 3)), {"mlp_t": False}, "is in one of them alone"),
        (MixedCodec(SIX, 7, 7, box=(2, 3)), {"puzzle_emb_len": 2}, "take 1 positions, and this one's 2"),
    ],
)
def test_models_that_do_not_fit_say_why(
    codec: VarietyCodec | MixedCodec | None, changes: dict[str, object], said: str
) -> None:
    source = load("sudoku-6x6")
    cells = 16 if codec is None else codec.height * codec.width
    sizes = attrs.evolve(source.config, seq_len=cells, vocab_size=200, **changes)
    target = TRM(sizes, codec)
    before = {name: values.clone() for name, values in target.state_dict().items()}
    with pytest.raises(TTSError, match=said):
        transplant(source, target)
    assert all(torch.equal(before[name], values) for name, values in target.state_dict().items())
