"""What models are trained on: symmetries, revealed cells, and no puzzle of the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.boards import boards
from support.solved_boards import solved

from tts.datasets import Dataset, sudokus, sudokus_6x6
from tts.errors import TTSError
from tts.puzzles import Heyawake, MixedCodec, Sudoku, VarietyCodec, verifier_for
from tts.training import Group, Mixture, make_sudokus
from tts.training.examples import revealed, shuffled
from tts.training.heyawake import heyawake_hints
from tts.training.puzzle_files import fingerprints, pencil_groups
from tts.verifiers.tokens import HEYAWAKE_CELL


@pytest.mark.parametrize("box", [(2, 2), (2, 3), (3, 3)])
@given(seed=st.integers(0, 1000), blank=st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_shuffled_sudokus_are_sudokus_with_their_answers(box: tuple[int, int], seed: int, blank: int) -> None:
    side = box[0] * box[1]
    data = sudokus_6x6() if side == 6 else sudokus()["tune"]
    if side == 4:
        solved = torch.tensor([[2, 3, 4, 5, 4, 5, 2, 3, 3, 2, 5, 4, 5, 4, 3, 2]]).repeat(8, 1)
        boards = (Sudoku((1, 0, 0, 4, 0, 4, 1, 0, 2, 0, 0, 3, 0, 3, 2, 0), 2, 2),) * 8
        data = Dataset("four", boards, answers=solved)
    labels = data[:8].labels(VarietyCodec("sudoku", side, side, box)).long()
    tokens = torch.stack([torch.from_numpy(puzzle.tokens()) for puzzle in data.puzzles[:8]])
    draws = torch.Generator().manual_seed(seed)
    new_tokens, new_labels = shuffled(tokens + blank - 1, labels + blank - 1, box, blank, draws)
    new_tokens, new_labels = new_tokens - blank + 1, new_labels - blank + 1
    assert verifier_for("sudoku", side, side, box).valid(new_tokens, new_labels).all()
    assert ((new_tokens > 1).sum(1) == (tokens > 1).sum(1)).all()
    assert not torch.equal(new_labels, labels)
    clues = [np.maximum(x.numpy() - 1, 0).reshape(8, side, side) for x in (tokens, new_tokens)]
    assert (fingerprints(clues[0], box) == fingerprints(clues[1], box)).all()


def test_fingerprints_tell_puzzles_apart() -> None:
    boards = [board for data in sudokus().values() for board in data.puzzles]
    clues = np.array([board.clues for board in boards]).reshape(-1, 9, 9)
    assert len(set(fingerprints(clues, (3, 3)).tolist())) > 0.995 * len(boards)


def test_revealed_cells_are_those_of_the_answer() -> None:
    draws = torch.Generator().manual_seed(0)
    tokens, labels = torch.ones(400, 36, dtype=torch.int64), torch.full((400, 36), 5)
    assert torch.equal(revealed(tokens, labels, 0.0, draws), tokens)
    shown = (revealed(tokens, labels, 0.5, draws) == 5).float().mean(dim=1)
    assert 0.35 < float((shown > 0).float().mean()) < 0.65
    assert float(shown.max()) > 0.9


def test_no_training_puzzle_is_a_test_puzzle(tmp_path: Path) -> None:
    first = make_sudokus(tmp_path / "first.npz", 6, 40, seed=1, clues=(8, 14))
    clues = np.maximum(first.tokens - 1, 0)
    turned = [Sudoku(row.reshape(6, 6)[::-1].ravel(), 2, 3) for row in clues[:20]]
    again = make_sudokus(tmp_path / "again.npz", 6, 40, seed=1, clues=(8, 14), tests=turned)
    known = {row.tobytes() for row in first.tokens[:20]}
    assert not known & {row.tobytes() for row in again.tokens}
    assert {row.tobytes() for row in first.tokens[20:]} <= {row.tobytes() for row in again.tokens} | {
        row.tobytes() for row in again.held_tokens
    }


def test_pencil_examples_come_in_all_mirrors_and_apart_from_those_held_out(tmp_path: Path) -> None:
    codec = MixedCodec(("sudoku", "shakashaka", "heyawake"), 4, 4)
    pairs = pencil_groups(tmp_path, codec, {"sudoku": 20, "shakashaka": 20, "heyawake": 12}, 5, {"heyawake": 2}, held=4)
    assert len(list(tmp_path.glob("heyawake_4x4_12_5.npz"))) == 1
    for place, (train_group, held) in enumerate(pairs):
        assert train_group.identifier == held.identifier == place
        assert len(held) == 4
        assert len(train_group) in ((16, 15), (8 * 16, 8 * 15), (8 * 8, 8 * 7))[place]
        for group in (train_group, held):
            assert codec.verifier.valid(group.tokens.long(), group.labels.long()).all()
    known = {row.numpy().tobytes() for row in pairs[1][0].tokens}
    assert not known & {row.numpy().tobytes() for row in pairs[1][1].tokens}
    mixture = Mixture([train_group for train_group, _ in pairs])
    tokens, labels, ids = mixture.draw(torch.arange(60), 0.5, torch.Generator())
    assert ids.tolist() == [0, 1, 2, 2] * 15
    start, end = codec.range("heyawake")
    heyawake = tokens[ids == 2]
    assert ((heyawake >= start) & (heyawake < end)).all()
    assert (labels > 0).all()
    group = pairs[2][0]
    assert group.hints is not None
    shown, _ = group.draw(30, 1.0, torch.Generator().manual_seed(0))
    hinted = (shown[:, None] == group.hints) & (group.hints != group.tokens)
    assert ((shown[:, None] == group.tokens) | hinted).all(dim=2).any(dim=1).all()  # its own token or its hint, no more
    assert (shown < start + 2).any()


@given(shares=st.lists(st.integers(1, 4), min_size=1, max_size=4), rounds=st.integers(1, 3))
def test_groups_have_their_shares_of_the_lanes(shares: list[int], rounds: int) -> None:
    groups = [
        Group(
            name=f"group {place}",
            tokens=torch.full((3, 4), place),
            labels=torch.ones(3, 4),
            identifier=place,
            share=share,
        )
        for place, share in enumerate(shares)
    ]
    lanes = torch.arange(rounds * sum(shares))
    tokens, _, ids = Mixture(groups).draw(lanes, 0.0, torch.Generator())
    assert ids.bincount().tolist() == [rounds * share for share in shares]
    assert (tokens == ids[:, None]).all()
    again = torch.randperm(len(lanes), generator=torch.Generator().manual_seed(rounds))
    assert torch.equal(Mixture(groups).draw(again, 0.0, torch.Generator())[2], ids[again])  # a lane keeps its group


def test_a_share_below_one_is_refused() -> None:
    with pytest.raises(TTSError, match="tapa has 0 for its share of the lanes; it must be 1 or more"):
        Group(name="tapa", tokens=torch.ones(1, 4), labels=torch.ones(1, 4), share=0)


@given(height=st.integers(1, 7), width=st.integers(1, 7), seed=st.integers(0, 10_000), everywhere=st.booleans())
@settings(max_examples=50, deadline=None)
def test_hints_of_heyawake_hide_no_wall_and_tell_the_truth(
    height: int, width: int, seed: int, everywhere: bool
) -> None:
    pair = solved("heyawake", height, width, np.random.default_rng(seed))
    tokens, labels = (torch.from_numpy(grid).flatten()[None] for grid in pair)
    if everywhere:
        tokens = torch.from_numpy(Heyawake.from_tokens(tokens[0].numpy(), height, width).tokens())[None]
    hints = heyawake_hints(tokens, labels, height, width)
    shown, numbers = hints < HEYAWAKE_CELL, [(x - HEYAWAKE_CELL) // 4 - 2 for x in (tokens, hints)]
    assert (hints[shown] == labels[shown]).all()
    first = torch.tensor(Heyawake.from_tokens(tokens[0].numpy(), height, width).rooms())
    bare = ((tokens - HEYAWAKE_CELL) % 4 == 0) & (first != torch.arange(height * width))
    assert torch.equal(shown, bare)
    numbered = torch.where(shown, tokens, hints)
    assert ((numbered - HEYAWAKE_CELL) % 4 == (tokens - HEYAWAKE_CELL) % 4).all()
    assert verifier_for("heyawake", height, width).valid(numbered, labels).all()
    given_before = (numbers[0] >= 0) & ~shown
    assert (numbers[0][given_before] == numbers[1][given_before]).all()
    assert torch.equal(numbers[1] >= 0, ~shown)


@given(boards("heyawake"))
@settings(deadline=None)
def test_heyawakes_clues_stand_on_all_cells_of_their_rooms(board: Heyawake) -> None:
    everywhere = board.tokens()
    assert [(token - HEYAWAKE_CELL) // 4 for token in everywhere] == [
        {-1: 0, -2: 1}.get(board.clues[first], board.clues[first] + 2) for first in board.rooms()
    ]
    firsts = np.array(board.rooms()) == np.arange(len(everywhere))
    alone = np.where(firsts, everywhere, HEYAWAKE_CELL + (everywhere - HEYAWAKE_CELL) % 4)
    for tokens in (everywhere, alone):
        assert Heyawake.from_tokens(tokens, board.height, board.width) == board


def test_sudokus_on_a_larger_board_are_drawn_whole(tmp_path: Path) -> None:
    codec = MixedCodec(("lightup", "sudoku"), 5, 5, box=(2, 2))
    pairs = pencil_groups(tmp_path, codec, {"sudoku": 20}, 5, held=4)
    (train_group, held), board = pairs[0], torch.ones(5, 5, dtype=torch.bool)
    assert [group.identifier for group in pairs[0]] == [1, 1]
    board[:4, :4] = False
    before = train_group.tokens.clone()
    tokens, labels = train_group.draw(50, 0.5, torch.Generator().manual_seed(0))
    for drawn in (tokens, labels, held.tokens, held.labels):
        assert ((drawn == 0) == board.flatten()).all()
    assert codec.verifier.valid(tokens, labels).all()
    assert torch.equal(train_group.tokens, before)
    bare, _ = train_group.draw(100, 0.0, torch.Generator().manual_seed(1))
    assert len({row.numpy().tobytes() for row in bare}) > len(train_group)
