"""MixedCodec and MixedVerifier: several varieties in one batch mean what each means alone."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from support.models import small_config

from tts import TRM, Identity, PuzzleError, QSelector, Search, load, save
from tts.datasets import pencils_6x6, sudokus
from tts.puzzles import MixedCodec, VarietyCodec
from tts.testing import SmallModel
from tts.training import as_group
from tts.verifiers.mixed import MixedVerifier, token_starts

VARIETIES = ("sudoku", "lightup", "nurikabe", "heyawake", "tapa", "shakashaka")
CODEC = MixedCodec(VARIETIES, 6, 6)


def batch(n: int = 20) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Tokens and labels in the codec's vocabulary of n puzzles a variety, interleaved, and their varieties."""
    rows = []
    for name, data in pencils_6x6().items():
        start = CODEC.range(name)[0]
        for puzzle, label in zip(data.puzzles[:n], data.labels().long(), strict=False):
            tokens, place = CODEC.encode(puzzle)
            rows.append((torch.from_numpy(tokens), label + start - 1, place))
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1)).tolist()
    rows = [rows[i] for i in order]
    return torch.stack([r[0] for r in rows]), torch.stack([r[1] for r in rows]), [r[2] for r in rows]


def test_ranges_share_the_pad_alone_and_fill_the_vocabulary() -> None:
    covered = [token for name in VARIETIES for token in range(*CODEC.range(name))]
    assert covered == list(range(1, CODEC.vocab_size))
    assert token_starts((3, 5)) == (1, 3, 7)


@pytest.mark.parametrize("variety", VARIETIES)
def test_a_board_and_its_answer_come_back(variety: str) -> None:
    data = pencils_6x6()[variety]
    start, end = CODEC.range(variety)
    for puzzle, label in zip(data.puzzles[:10], data.labels().numpy(), strict=False):
        tokens, place = CODEC.encode(puzzle)
        assert VARIETIES[place] == variety
        assert (start <= tokens).all()
        assert (tokens < end).all()
        assert (CODEC.decode(puzzle, label + start - 1) == puzzle.grid(label)).all()
        assert (CODEC.decode(puzzle, np.full(36, CODEC.vocab_size)) == -1).all()


def test_smaller_boards_are_padded() -> None:
    codec = MixedCodec(("lightup", "tapa"), 7, 8)
    puzzle = pencils_6x6()["tapa"].puzzles[0]
    tokens, place = codec.encode(puzzle)
    alone, _ = VarietyCodec("tapa", 7, 8).encode(puzzle)
    assert place == 1
    assert ((tokens == 0) == (alone == 0)).all()
    assert (tokens[alone > 0] == alone[alone > 0] + codec.range("tapa")[0] - 1).all()


def test_a_mixed_batch_is_judged_as_each_variety_judges_its_own(device: str) -> None:
    tokens, labels, places = batch()
    generator = torch.Generator().manual_seed(2)
    stray = torch.randint(-2, CODEC.vocab_size + 3, labels.shape, generator=generator)
    for answers in (labels, torch.where(torch.rand(labels.shape, generator=generator) < 0.05, stray, labels), tokens):
        found = CODEC.verifier.violations(tokens.to(device), answers.to(device))
        assert found.rules.shape == (len(tokens), len(CODEC.verifier.names))
        for row, place in enumerate(places):
            start, end = CODEC.range(VARIETIES[place])
            own = [
                torch.where((x >= start) & (x < end), x - start + 1, torch.where(x == 0, 0, -1))
                for x in (tokens[row : row + 1], answers[row : row + 1])
            ]
            alone = CODEC.parts[place].verifier.violations(*own)
            assert set(found.of(row)) == set(alone.of(0))
            assert (found.cells[row].cpu() == alone.cells[0]).all()
        assert bool(found.valid.all()) == (answers is labels)


def test_answers_in_tokens_of_another_variety_are_illegal() -> None:
    tokens, labels, places = batch(2)
    other = torch.tensor([CODEC.range(VARIETIES[(place + 1) % 6])[0] for place in places])
    wrong = labels.clone()
    wrong[:, 0] = other
    found = CODEC.verifier.violations(tokens, wrong)
    assert found.rules[:, CODEC.verifier.names.index("illegalCell")].all()
    assert found.cells[:, 0].all()


def test_smaller_sudokus_lie_on_a_larger_board() -> None:
    codec = MixedCodec(("lightup", "sudoku"), 10, 10, box=[3, 3])
    data = sudokus()["heldout"][:3]
    group = as_group("sudoku", data, codec)
    assert codec.box == (3, 3)
    assert group.identifier == 1
    assert (group.tokens.view(3, 10, 10)[:, 9] == 0).all()
    assert (group.tokens.view(3, 10, 10)[:, :9, :9] > 0).all()
    assert codec.verifier.valid(group.tokens, group.labels).all()
    grid = codec.decode(data.puzzles[0], group.labels[0].numpy())
    assert not data.puzzles[0].violated(grid).any()
    for view, _ in zip(codec.views(group.tokens[0].numpy(), 1, seed=3), range(4), strict=False):
        seen = torch.from_numpy(view.values[group.labels[0].numpy()[view.cells]])
        assert codec.verifier.valid(torch.from_numpy(view.tokens)[None], seen[None]).all()


@pytest.mark.parametrize("variety", VARIETIES)
def test_views_show_a_puzzle_that_its_answer_solves(variety: str) -> None:
    data = pencils_6x6()[variety]
    tokens, place = CODEC.encode(data.puzzles[0])
    answer = data.labels()[0].long().numpy() + CODEC.range(variety)[0] - 1
    views = [view for view, _ in zip(CODEC.views(tokens, place, seed=3), range(6), strict=False)]
    assert len(views) > 2
    assert (views[0].tokens == tokens).all()
    for view in views:
        seen = torch.from_numpy(view.values[answer[view.cells]])
        assert view.identifier == place
        assert CODEC.verifier.valid(torch.from_numpy(view.tokens)[None], seen[None]).all()


def test_a_search_takes_boards_of_all_varieties() -> None:
    puzzles = [data.puzzles[0] for data in pencils_6x6().values()]
    model = SmallModel(CODEC)
    result = Search(model, Identity(), QSelector(), k=1, depth=2)(puzzles)
    assert result.valid.shape == (6,)
    for puzzle, answer in zip(puzzles, result.answers.numpy(), strict=True):
        assert model.codec.decode(puzzle, answer).shape == (6, 6)


def test_what_is_refused() -> None:
    sudoku = pencils_6x6()["sudoku"].puzzles[0]
    with pytest.raises(PuzzleError, match="each once"):
        MixedCodec(("tapa", "tapa"), 6, 6)
    with pytest.raises(PuzzleError, match="a sudoku board for a codec of tapa"):
        MixedCodec(("tapa",), 6, 6).encode(sudoku)
    with pytest.raises(PuzzleError, match="identifier 1"):
        next(MixedCodec(("tapa",), 6, 6).views(np.ones(36, np.int64), 1))
    with pytest.raises(PuzzleError, match="give one for each"):
        MixedVerifier((), ())


def test_a_saved_model_keeps_its_codec(tmp_path: Path) -> None:
    config = small_config(CODEC, num_puzzle_identifiers=6, hidden_size=8, mlp_t=True)
    save(TRM(config, CODEC), tmp_path / "mixed.safetensors")
    assert load(tmp_path / "mixed.safetensors").codec == CODEC
    boxed = MixedCodec(VARIETIES, 10, 10, box=(3, 3))
    save(TRM(attrs.evolve(config, vocab_size=boxed.vocab_size, seq_len=100), boxed), tmp_path / "boxed.safetensors")
    assert load(tmp_path / "boxed.safetensors").codec == boxed
