"""Connected components in batches, against a flood fill."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.reference_rules import areas_of

from tts.interfaces import Grid
from tts.verifiers.regions import components, holding, largest, severed, total


def spiral(size: int) -> Grid:
    """One path of 1 from a corner to the middle."""
    grid = np.zeros((size, size), np.int64)
    y = x = 0
    dy, dx = 0, 1
    for length in [size - 1, *(n for n in range(size - 1, 0, -2) for _ in "ab")]:
        for _ in range(length):
            grid[y, x] = 1
            y, x = y + dy, x + dx
        dy, dx = dx, -dy
    grid[y, x] = 1
    return grid


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_labels_are_the_smallest_index_of_each_component(seed: int, device: str) -> None:
    rng = np.random.default_rng(seed)
    height, width, n = (int(v) for v in rng.integers(1, 9, 3))
    right, below = rng.random((height, width - 1, n)) < rng.random(), rng.random((height - 1, width, n)) < rng.random()
    labels = components(torch.from_numpy(right).to(device), torch.from_numpy(below).to(device))
    values = torch.from_numpy(rng.integers(9, size=(height, width, n))).to(device)
    sums, most, sixes = total(labels, values), largest(labels, values), holding(labels, values == 6)
    for i in range(n):

        def joined(a: tuple[int, int], b: tuple[int, int], i: int = i) -> bool:
            return bool((right if a[0] == b[0] else below)[min(a, b)][i])

        for area in areas_of({(y, x) for y in range(height) for x in range(width)}, joined):
            numbers = [int(values[y, x, i]) for y, x in area]
            assert {int(labels[y, x, i]) for y, x in area} == {min(y * width + x for y, x in area)}
            assert {int(sums[y, x, i]) for y, x in area} == {sum(numbers)}
            assert {int(most[y, x, i]) for y, x in area} == {max(numbers)}
            assert {bool(sixes[y, x, i]) for y, x in area} == {6 in numbers}


@pytest.mark.parametrize("size", [3, 9, 40])
def test_a_spiral_is_one_area_until_it_is_cut(size: int, device: str) -> None:
    grid = torch.from_numpy(spiral(size) == 1).to(device).unsqueeze(2)
    cut = grid.clone()
    cut[0, 1] = False
    both = torch.cat([grid, cut], dim=2)
    labels = components(both[:, :-1] & both[:, 1:], both[:-1] & both[1:])
    assert (labels[grid.squeeze(2), 0] == 0).all()
    off = severed(labels, both)
    assert not off[..., 0].any()
    assert off[0, 0, 1]
    assert off[..., 1].sum() == 1


def test_labels_go_beyond_sixteen_bits(device: str) -> None:
    right = torch.ones((182, 181, 2), dtype=torch.bool, device=device)
    below = torch.ones((181, 182, 2), dtype=torch.bool, device=device)
    right[..., 1] = below[..., 1] = False
    labels = components(right, below).view(-1, 2)
    assert (labels[:, 0] == 0).all()
    assert (labels[:, 1] == torch.arange(182 * 182, device=device)).all()
