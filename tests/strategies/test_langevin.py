"""Langevin: the gradient is that of Q, each lane's own, and nothing else is touched."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import Wanderer, assert_equal, random_tokens, small_trm

from tts import GaussianNoise, QSelector, Search, StepView
from tts.errors import ShapeError
from tts.interfaces import Streams
from tts.strategies import Langevin
from tts.testing import SmallModel

MODELS = {"mlp": small_trm(), "attention": small_trm(mlp_t=False), "other": Wanderer(block=8)}
anywhere = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def view(model, n=8, seed=0):
    """n lanes after one step from noisy latents."""
    tokens = random_tokens(n, seed).to(next(model.parameters()).device)
    with torch.no_grad():
        encoded, start = model.encode(tokens, torch.zeros_like(tokens[:, 0])), model.start(n)
        noisy = GaussianNoise(0.5, ("y", "z")).perturb(lanes(model, start, encoded, tokens), streams(tokens))
        return lanes(model, model.step(noisy, encoded), encoded, tokens)


def lanes(model, state, encoded, tokens):
    step = torch.ones_like(tokens[:, 0])
    return StepView(
        model=model,
        state=state,
        encoded=encoded,
        tokens=tokens,
        step=step,
        answers=tokens,
        q=step.float(),
        memory={},
        depth=4,
    )


def streams(tokens):
    numbers = torch.arange(len(tokens), device=tokens.device)
    return Streams(0, numbers, numbers % 3, numbers % 2)


def q_after(model, state, encoded):
    """q [N] one latent recursion later, of other models one step later, in float64."""
    recursion = model.last_recursion if hasattr(model, "last_recursion") else model.step
    return model.read(recursion(state, encoded)).q.double()


@anywhere
def test_the_step_is_along_the_gradient_of_q(model):
    """Against differences of q along directions of both latents."""
    before = view(model)
    after = Langevin(1.0, 0.0).perturb(before, streams(before.tokens))
    generator, h = torch.Generator().manual_seed(1), 1e-2
    for _ in range(4):
        way = {name: torch.randn(latent.shape, generator=generator) for name, latent in before.state.items()}
        way = {name: direction / direction.flatten(1).norm(dim=1)[:, None, None] for name, direction in way.items()}
        with torch.no_grad():
            there, back = (
                q_after(model, {name: x + sign * h * way[name] for name, x in before.state.items()}, before.encoded)
                for sign in (1, -1)
            )
        slope = sum(((after[name] - x) * way[name]).sum(dim=(1, 2)) for name, x in before.state.items())
        assert slope.abs().max() > 1e-3
        torch.testing.assert_close(slope.double(), (there - back) / (2 * h), atol=2e-3, rtol=2e-2)


@anywhere
def test_small_steps_raise_q(model):
    before = view(model, 16)
    after = Langevin(1e-2, 0.0).perturb(before, streams(before.tokens))
    with torch.no_grad():
        assert (q_after(model, after, before.encoded) > q_after(model, before.state, before.encoded)).all()


def test_without_steps_it_is_gaussian_noise(device):
    tokens, model = random_tokens(4), small_trm().to(device)
    noise, langevin = (
        Search(model, strategy, QSelector(), k=4, depth=3)(tokens)
        for strategy in (GaussianNoise(0.3, ("y", "z")), Langevin(0.0, 0.3))
    )
    assert_equal(noise, langevin)


def test_latents_that_are_not_named_stay(device):
    before = view(small_trm().to(device))
    after = Langevin(0.5, 0.1, ("z",)).perturb(before, streams(before.tokens))
    assert after["y"] is before.state["y"]
    assert not torch.equal(after["z"], before.state["z"])
    with pytest.raises(ShapeError, match="Langevin perturbs latent 'w'"):
        Langevin(0.5, 0.1, ("w",)).perturb(before, streams(before.tokens))


@anywhere
@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.data())
def test_results_do_not_depend_on_lanes_or_order(model, data):
    b, k = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    order = torch.tensor(data.draw(st.permutations(range(b))))
    tokens = random_tokens(b, data.draw(st.integers(0, 99)))

    def run(puzzles, lanes):
        return Search(model, Langevin(0.3, 0.3), QSelector(), k=k, depth=3, lanes=lanes)(puzzles)

    assert_equal(run(tokens[order], 1), run(tokens, 256), order)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("model", [small_trm(), SmallModel()], ids=["trm", "small"])
def test_no_gradient_is_left_behind(model, trained):
    """Neither in the results, nor in the parameters, nor in the caller's mode."""
    model.requires_grad_(trained)
    tokens = torch.ones(2, model.codec.height * model.codec.width, dtype=torch.int64)
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            result = Search(model, Langevin(0.1, 0.1), QSelector(), k=2, depth=2, record=("y",))(tokens)
            assert torch.is_grad_enabled() == grad
        assert not result.rollouts.q.requires_grad
        assert not result.rollouts.record["y"].requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("wrong", [{"step_size": -0.1}, {"sigma": -0.1}])
def test_sizes_are_not_negative(wrong):
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}' must be >= 0"):
        Langevin(**{"step_size": 0.1, "sigma": 0.1} | wrong)
