"""What the noise adds, to which latents, and what a chain makes of it."""

import attrs
import pytest
import torch
from support.models import Wanderer

from tts import Chain, GaussianNoise, Identity, StepView, Strategy
from tts.errors import ShapeError
from tts.interfaces import Streams

N, S, D = 32, 20, 24


def view(device="cpu", dtype=torch.float32, memory=None):
    """Latents of zeros and ones, of N lanes."""
    state = {
        "y": torch.zeros(N, S, D, dtype=dtype, device=device),
        "z": torch.ones(N, S, D, dtype=dtype, device=device),
    }
    numbers = torch.zeros(N, dtype=torch.int64, device=device)
    return StepView(
        model=Wanderer(),
        state=state,
        encoded=state["z"],
        tokens=numbers[:, None],
        step=numbers,
        answers=numbers[:, None],
        q=numbers.float(),
        memory=memory or {},
        depth=16,
    )


def streams(device="cpu", seed=0):
    lanes = torch.arange(N, device=device)
    return Streams(seed, lanes, lanes % 4, lanes % 3)


def test_identity_hands_on_the_latents(device):
    before = view(device)
    after = Identity().perturb(before, streams(device))
    assert after.keys() == before.state.keys()
    assert all(after[name] is latent for name, latent in before.state.items())


def test_noise_has_the_moments_it_says(device):
    """Over 15,360 numbers, to five standard errors; the prefix is perturbed like the rest."""
    after = GaussianNoise(0.3).perturb(view(device), streams(device))
    noise = after["z"] - 1
    assert abs(noise.mean()) < 5 * 0.3 / noise.numel() ** 0.5
    assert abs(noise.std() - 0.3) < 5 * 0.3 / (2 * noise.numel()) ** 0.5
    assert abs(noise[:, 0].std() - 0.3) < 5 * 0.3 / (2 * N * D) ** 0.5
    assert len(noise.unique()) > 0.9 * noise.numel()


def test_noise_is_sigma_times_the_stream_of_the_latents_name(device):
    before, rng = view(device), streams(device)
    after = GaussianNoise(0.25, ("y", "z")).perturb(before, rng)
    for name, latent in before.state.items():
        assert torch.equal(after[name], latent + 0.25 * rng.normal(name, (S, D)))
    assert not torch.equal(after["y"], after["z"] - 1)


def test_other_latents_are_left_alone_and_arguments_unchanged(device):
    before = view(device)
    after = GaussianNoise(0.5).perturb(before, streams(device))
    assert after["y"] is before.state["y"]
    assert (before.state["z"] == 1).all()
    assert not torch.equal(after["z"], before.state["z"])


def test_no_sigma_no_noise(device):
    assert torch.equal(GaussianNoise(0.0).perturb(view(device), streams(device))["z"], view(device).state["z"])


def test_bfloat16_noise_is_rounded_once(device):
    """Not twice: noise first, the sum second."""
    rng = streams(device)
    after = GaussianNoise(0.1).perturb(view(device, torch.bfloat16), rng)["z"]
    exact = 1 + 0.1 * rng.normal("z", (S, D))
    assert after.dtype == torch.bfloat16
    assert torch.equal(after, exact.bfloat16())
    assert not torch.equal(after, 1 + (exact - 1).bfloat16())


def test_a_latent_that_is_not_there_is_named():
    with pytest.raises(ShapeError, match=r"GaussianNoise perturbs latent 'w', but the model has \['y', 'z'\]"):
        GaussianNoise(0.1, ("w",)).perturb(view(), streams())


@pytest.mark.parametrize("sigma", [-0.1, float("nan")])
def test_sigma_is_not_negative(sigma):
    with pytest.raises(ValueError, match="'sigma' must be >= 0"):
        GaussianNoise(sigma)


def test_a_chain_perturbs_one_after_the_other(device):
    rng = streams(device)
    after = Chain(GaussianNoise(0.1), GaussianNoise(0.2)).perturb(view(device), rng)["z"]
    assert torch.equal(after, 1 + 0.1 * rng.at(0).normal("z", (S, D)) + 0.2 * rng.at(1).normal("z", (S, D)))


def test_equal_strategies_in_a_chain_draw_different_noise(device):
    rng, noise = streams(device), GaussianNoise(1.0)
    parts = [rng.at(place).normal("z", (S, D)) for place in (0, 1)]
    assert abs(torch.corrcoef(torch.stack([part.flatten() for part in parts]))[0, 1]) < 5 / parts[0].numel() ** 0.5
    both = Chain(noise, noise).perturb(view(device), rng)["z"] - 1
    assert abs(both.std() - 2**0.5) < 5 * 2**0.5 / (2 * both.numel()) ** 0.5


def test_places_nest(device):
    noise, rng = GaussianNoise(0.5), streams(device)
    nested = Chain(Identity(), Chain(Identity(), Identity(), noise)).perturb(view(device), rng)["z"]
    assert torch.equal(nested, 1 + 0.5 * rng.at(1).at(2).normal("z", (S, D)))
    assert not torch.equal(nested, Chain(Identity(), noise).perturb(view(device), rng)["z"])


@attrs.frozen
class Counter(Strategy):
    """Counts its calls in its memory, by ``by``."""

    by: int

    def perturb(self, view, rng):
        assert view.memory.keys() == {"calls"}
        view.memory["calls"] += self.by
        return view.state

    def memory(self, n):
        return {"calls": torch.zeros(n, dtype=torch.int64)}


def test_every_strategy_of_a_chain_has_a_memory_of_its_own(device):
    chain = Chain(Counter(1), Chain(Identity(), Counter(10)), Counter(100))
    memory = {name: value.to(device) for name, value in chain.memory(N).items()}
    assert len(memory) == 3
    for _ in range(2):
        chain.perturb(view(device, memory=memory), streams(device))
    assert sorted(int(value.unique()) for value in memory.values()) == [2, 20, 200]


def test_chains_of_more_than_ten_keep_memories_apart():
    """Place 1 is not the beginning of place 11."""
    chain = Chain(*[Counter(1)] * 12)
    memory = chain.memory(N)
    assert len(memory) == 12
    chain.perturb(view(memory=memory), streams())
    assert all((value == 1).all() for value in memory.values())


def test_an_empty_chain_is_the_identity():
    before = view()
    assert Chain().perturb(before, streams()) is before.state
    assert Chain().memory(3) == {}


def test_a_chain_takes_strategies(unchecked):
    with pytest.raises(TypeError, match=r"Chain takes strategies; got 0\.1"):
        Chain(0.1)


def test_strategies_compare_by_value():
    assert Chain(GaussianNoise(0.1), Identity()) == Chain(GaussianNoise(0.1), Identity())
    assert GaussianNoise(1) == GaussianNoise(1.0)
    assert GaussianNoise(0.1) != GaussianNoise(0.1, ("y",))
