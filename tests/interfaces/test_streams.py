"""Noise streams: what they are made of, what they depend on, and how they are distributed."""

import hashlib
import math
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.errors import ShapeError
from tts.interfaces import Streams, puzzle_keys
from tts.interfaces.streams import GAMMA, mix64_

WORD = 2**64 - 1
CAPABILITY = torch.backends.cpu.get_cpu_capability()
FEWER_INSTRUCTIONS = {"AVX512": ["default", "avx2"], "AVX2": ["default"]}.get(CAPABILITY, [])
INT64 = st.integers(-(2**63), 2**63 - 1)


def streams(keys, rollout, step, *, seed=0, device="cpu"):
    return Streams(seed, *(torch.as_tensor(numbers, device=device) for numbers in (keys, rollout, step)))


def lanes(n, *, seed=0, device="cpu"):
    """n lanes of which no two are alike."""
    order = torch.arange(n, device=device)
    return Streams(seed, order // 6 - 3, order % 3, order // 3 % 2)


class Scalar:
    """The whole path again, a number at a time, in Python integers and doubles."""

    def __init__(self, seed, key, rollout, step, places, name):
        place = 0
        for part in places:
            place = self.hash(f"{place}/{part}", signed=True)
        puzzle = self.mix(key * GAMMA + self.hash(f"{seed:x}"))
        self.start = self.mix(puzzle + ((rollout << 32) + step) * GAMMA + self.hash(f"{place}/{name}"))

    @staticmethod
    def hash(text, signed=False):
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=signed)

    @staticmethod
    def mix(z):
        z &= WORD
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
        return z ^ (z >> 31)

    @staticmethod
    def unit(bits):
        signed = bits - 2**24 if bits >= 2**23 else bits
        return (signed + 2**23 + 1) / 2**24

    def uniform(self, elements):
        words = [self.mix(self.start + (e + 1) * GAMMA) for e in range((elements + 1) // 2)]
        return ([self.unit(w >> 40) for w in words] + [self.unit((w >> 8) & 0xFFFFFF) for w in words])[:elements]

    def normal(self, elements):
        half = (elements + 1) // 2
        uniforms = self.uniform(2 * half)
        pairs = [
            (math.sqrt(-2 * math.log(u)), math.tau * v) for u, v in zip(uniforms[:half], uniforms[half:], strict=True)
        ]
        return ([r * math.cos(angle) for r, angle in pairs] + [r * math.sin(angle) for r, angle in pairs])[:elements]


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        (0, [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]),
        (1234567, [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]),
    ],
)
def test_words_are_the_published_ones_of_splitmix64(seed, words, device):
    drawn = mix64_(seed + torch.arange(1, 5, device=device) * GAMMA)
    assert [word & WORD for word in drawn.tolist()] == words


@given(
    seed=st.integers(-(2**100), 2**100),
    key=INT64,
    rollout=st.integers(0, 2**31 - 1),
    step=st.integers(0, 2**32 - 1),
    places=st.lists(st.integers(0, 20), max_size=3),
    name=st.sampled_from(["y", "z", "schlüssel", ""]),
    elements=st.integers(1, 9),
)
@settings(deadline=None)
def test_streams_agree_with_the_scalar_reference(seed, key, rollout, step, places, name, elements):
    rng = streams([key], [rollout], [step], seed=seed)
    for place in places:
        rng = rng.at(place)
    scalar = Scalar(seed, key, rollout, step, places, name)
    assert rng.uniform(name, (elements,))[0].tolist() == scalar.uniform(elements)
    np.testing.assert_allclose(rng.normal(name, (elements,))[0].numpy(), scalar.normal(elements), rtol=0, atol=3e-6)


def test_every_device_draws_the_reference(device):
    normals = lanes(3, device=device).normal("z", (5, 200)).cpu().reshape(3, -1)
    for lane, (rollout, step) in enumerate([(0, 0), (1, 0), (2, 0)]):
        expected = Scalar(0, -3, rollout, step, [], "z").normal(1000)
        np.testing.assert_allclose(normals[lane].numpy(), expected, rtol=0, atol=3e-6)


@given(
    picked=st.lists(st.integers(0, 39), min_size=1, max_size=60),
    shape=st.sampled_from([(), (2, 17), (97, 5), (82, 128), (83, 129)]) | st.tuples(st.integers(1, 300)),
    draw=st.sampled_from([Streams.normal, Streams.uniform]),
)
@settings(deadline=None, max_examples=60)
def test_a_lane_draws_the_same_bits_whoever_is_beside_it(picked, shape, draw):
    whole = lanes(40)
    part = Streams(whole.seed, whole.keys[picked], whole.rollout[picked], whole.step[picked])
    assert torch.equal(draw(part, "z", shape), draw(whole, "z", shape)[picked])


@pytest.mark.parametrize("shape", [(37,), (83, 129), (100_003,)])
def test_a_lane_draws_the_same_bits_on_any_number_of_threads(shape):
    threads = torch.get_num_threads()
    drawn = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            drawn.append(lanes(33).normal("z", shape))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("capability", FEWER_INSTRUCTIONS)
def test_a_lane_draws_the_same_bits_beside_others_and_on_threads_with_fewer_instructions(capability):
    """The two tests above again: torch chooses its instructions once a process."""
    these = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, "-k", "whoever or any_number"]
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    ran = subprocess.run(these, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("shape", [(), (1,), (7,), (4, 6), (0,), (3, 0)])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_shapes(n, shape, device):
    for draw in (lanes(n, device=device).normal, lanes(n, device=device).uniform):
        drawn = draw("z", shape)
        assert drawn.shape == (n, *shape)
        assert drawn.dtype == torch.float32
        assert drawn.device.type == device
        assert drawn.is_contiguous()


def test_normals_are_normal(device):
    drawn = lanes(48, device=device).normal("z", (25_000,)).double().cpu().numpy().ravel()
    n = len(drawn)
    assert abs(drawn.mean()) < 4 / math.sqrt(n)
    assert abs(drawn.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs(scipy.stats.skew(drawn)) < 4 * math.sqrt(6 / n)
    assert abs(scipy.stats.kurtosis(drawn)) < 4 * math.sqrt(24 / n)
    assert scipy.stats.kstest(drawn, "norm").pvalue > 1e-3


def test_tails_reach_as_far_as_they_should():
    drawn = lanes(48).normal("z", (40_000,))
    beyond = (drawn.abs() > 4).sum().item()
    expected = drawn.numel() * 2 * scipy.stats.norm.sf(4)
    assert abs(beyond - expected) < 4 * math.sqrt(expected)
    assert drawn.abs().max() < 5.78


def test_uniforms_are_uniform_in_the_half_open_interval():
    drawn = lanes(48).uniform("z", (25_001,))
    assert drawn.min() > 0
    assert drawn.max() <= 1
    assert torch.equal(drawn * 2**24, (drawn * 2**24).round())
    assert scipy.stats.kstest(drawn.double().numpy().ravel(), "uniform").pvalue > 1e-3


def test_first_numbers_of_many_lanes_are_normal():
    n = 100_000
    order, zero = torch.arange(n), torch.zeros(n, dtype=torch.int64)
    for rng in (Streams(0, order, zero, zero), Streams(0, zero, order, zero), Streams(0, zero, zero, order)):
        first = rng.normal("z", (2,)).double().numpy()
        for column in first.T:
            assert scipy.stats.kstest(column, "norm").pvalue > 1e-3
            assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) < 5 / math.sqrt(n)
        assert abs(np.corrcoef(first.T)[0, 1]) < 5 / math.sqrt(n)


def neighbours():
    """One draw, and those of the addresses beside it."""
    n = 200_000
    here = streams([7], [3], [5])
    yield "itself", here.normal("z", (n,))
    yield "key", streams([8], [3], [5]).normal("z", (n,))
    yield "rollout", streams([7], [4], [5]).normal("z", (n,))
    yield "step", streams([7], [3], [6]).normal("z", (n,))
    yield "key for rollout", streams([3], [7], [5]).normal("z", (n,))
    yield "rollout for step", streams([7], [5], [3]).normal("z", (n,))
    yield "seed", streams([7], [3], [5], seed=1).normal("z", (n,))
    yield "negative seed", streams([7], [3], [5], seed=-1).normal("z", (n,))
    yield "wide seed", streams([7], [3], [5], seed=2**64).normal("z", (n,))
    yield "name", here.normal("y", (n,))
    yield "place 0", here.at(0).normal("z", (n,))
    yield "place 1", here.at(1).normal("z", (n,))
    yield "place 3", here.at(3).normal("z", (n,))
    yield "place 1, 2", here.at(1).at(2).normal("z", (n,))
    yield "place 2, 1", here.at(2).at(1).normal("z", (n,))
    yield "place 0, 0", here.at(0).at(0).normal("z", (n,))


def test_neighbouring_addresses_are_independent():
    names, drawn = zip(*neighbours(), strict=True)
    values = torch.cat(drawn).double()
    bound = 5 / math.sqrt(values.shape[1])
    for transformed in (values, values**2, torch.roll(values, 1, dims=1) * values):
        correlation = torch.corrcoef(transformed).fill_diagonal_(0).abs()
        worst = divmod(int(correlation.argmax()), len(names))
        assert correlation.max() < bound, f"{names[worst[0]]} goes with {names[worst[1]]}"


def test_numbers_of_one_draw_are_independent():
    drawn = lanes(1).normal("z", (400_000,))[0].double()
    for lag in (1, 2, 3, 4, 64, 128, 200_000):
        for values in (drawn, drawn**2):
            pairs = torch.stack([values[:-lag], values[lag:]])
            assert abs(torch.corrcoef(pairs)[0, 1]) < 5 / math.sqrt(pairs.shape[1]), lag


def test_no_global_generator_is_read_or_written():
    torch.manual_seed(1)
    first = lanes(4).normal("z", (10,))
    torch.manual_seed(2)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    assert torch.equal(first, lanes(4).normal("z", (10,)))
    puzzle_keys(torch.ones(2, 3, dtype=torch.int64), torch.zeros(2, dtype=torch.int64))
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # noqa: NPY002
    assert states[2] == random.getstate()


def test_drawing_leaves_the_address_alone():
    rng = lanes(4)
    before = rng.keys.clone(), rng.rollout.clone(), rng.step.clone()
    rng.at(2).normal("z", (10,))
    rng.uniform("z", (10,))
    assert all(map(torch.equal, before, (rng.keys, rng.rollout, rng.step)))
    assert rng.place == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5], [0], [0]), r"Streams\.keys is torch\.float32 \[1\]"),
        (([0], [[0]], [0]), r"Streams\.rollout is torch\.int64 \[1, 1\]"),
        (([0], [0], [0, 1]), r"keys \[1\], rollout \[1\] and step \[2\]"),
    ],
)
def test_addresses_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ShapeError, match=message):
        streams(*arguments)


def test_a_fractional_seed_is_refused():
    with pytest.raises(TypeError):
        streams([0], [0], [0], seed=0.5)


def board(*cells):
    return torch.tensor([cells])


@given(data=st.data(), length=st.integers(1, 30))
@settings(deadline=None)
def test_puzzle_keys_follow_the_puzzle_alone(data, length, device):
    rows = st.lists(st.lists(st.integers(0, 120), min_size=length, max_size=length), min_size=1, max_size=8)
    tokens = torch.tensor(data.draw(rows))
    ids = torch.arange(len(tokens)) % 3
    keys = puzzle_keys(tokens, ids)
    assert keys.dtype == torch.int64
    order = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(length))
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        assert torch.equal(puzzle_keys(tokens.to(device, dtype), ids.to(device, dtype)).cpu(), keys)
    assert torch.equal(puzzle_keys(tokens[order], ids[order]), keys[order])


def test_puzzle_keys_do_not_depend_on_how_many_there_are():
    tokens = torch.arange(3000 * 81).reshape(3000, 81) * 7919 % 11
    ids = torch.zeros(3000, dtype=torch.int64)
    alone = torch.cat([puzzle_keys(tokens[row : row + 1], ids[:1]) for row in (0, 201, 202, 2999)])
    assert torch.equal(puzzle_keys(tokens, ids)[[0, 201, 202, 2999]], alone)


def test_puzzle_keys_of_near_equal_puzzles_differ():
    base = torch.randint(0, 11, (81,), generator=torch.Generator().manual_seed(0))
    single = base.repeat(81 * 11, 1).view(81, 11, 81)
    for cell in range(81):
        single[cell, :, cell] = torch.arange(11)
    swapped = base.repeat(81 * 81, 1)
    first, second = (index.flatten() for index in torch.meshgrid(torch.arange(81), torch.arange(81), indexing="ij"))
    rows = torch.arange(81 * 81)
    swapped[rows, first], swapped[rows, second] = base[second], base[first]
    small = torch.cartesian_prod(*[torch.arange(3)] * 9)  # every board of nine cells, padded on either side
    padded = [torch.nn.functional.pad(small, sides) for sides in ((0, 72), (72, 0))]
    tokens = torch.cat([single.reshape(-1, 81), swapped, *padded])
    boards = len({row.tobytes() for row in tokens.numpy()})
    ids = torch.zeros(len(tokens), dtype=torch.int64)
    keys = torch.cat([puzzle_keys(tokens, ids), puzzle_keys(tokens, ids + 1), puzzle_keys(tokens, ids - 1)])
    assert boards > 40_000
    assert len(torch.unique(keys)) == 3 * boards


def test_puzzle_keys_use_all_64_bits():
    tokens = torch.cartesian_prod(*[torch.arange(4)] * 8)
    keys = puzzle_keys(tokens, torch.zeros(len(tokens), dtype=torch.int64))
    share = torch.stack([(keys >> bit & 1).double().mean() for bit in range(64)])
    assert (share - 0.5).abs().max() < 5 * 0.5 / math.sqrt(len(keys))


def test_puzzle_keys_tell_a_longer_board_apart():
    zero = torch.zeros(1, dtype=torch.int64)
    assert puzzle_keys(board(1, 2), zero) != puzzle_keys(board(1, 2, 0), zero)


@pytest.mark.parametrize(
    ("tokens", "ids", "error", "message"),
    [
        (torch.ones(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64), ShapeError, "pass \\[B, L\\] and \\[B\\]"),
        (torch.ones(3, 2, dtype=torch.int64), torch.ones(2, dtype=torch.int64), ShapeError, r"\(3, 2\) and ids \(2,\)"),
        (torch.ones(3, 2), torch.ones(3, dtype=torch.int64), TypeError, "tokens are torch.float32"),
        (torch.ones(3, 2, dtype=torch.int64), torch.ones(3), TypeError, "ids are torch.float32"),
    ],
)
def test_puzzle_keys_refuse_what_does_not_fit(tokens, ids, error, message):
    with pytest.raises(error, match=message):
        puzzle_keys(tokens, ids)
