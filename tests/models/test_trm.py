"""TRM and HRM against the official code, and what holds of every model of theirs."""

import attrs
import pytest
import torch
from support.reference_models import STEPS, official, questions, small, small_hrm
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tts.errors import ShapeError
from tts.interfaces import TokenCodec
from tts.models import HRM, TRM, TRMConfig, TwoLatentModel

VARIANTS = {
    "attention": lambda: TRM(small()),
    "attention, learned positions": lambda: TRM(small(pos_encodings="learned")),
    "attention, no positions": lambda: TRM(small(pos_encodings="none")),
    "mixer": lambda: TRM(small(mlp_t=True, pos_encodings="none")),
    "mixer, learned positions": lambda: TRM(small(mlp_t=True, pos_encodings="learned")),
    "mixer, wide prefix": lambda: TRM(small(mlp_t=True, puzzle_emb_len=5)),
    "no prefix": lambda: TRM(small(puzzle_emb_ndim=0)),
    "hrm": lambda: HRM(small_hrm()),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def outputs(model: TwoLatentModel, state: dict[str, Tensor]) -> dict[str, Tensor]:
    readout, q = model.read(state), model.q_logits(state)
    return {"logits": readout.logits, "q_halt": readout.q, "q_continue": q[:, 1], "z_H": state["y"], "z_L": state["z"]}


@pytest.mark.parametrize("grad", [True, False], ids=["plain", "fast"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["trm_mlp", "trm_att", "hrm"])
def test_each_step_agrees_with_the_official_code(name: str, dtype: torch.dtype, grad: bool, device: str) -> None:
    """Each step starts from the official latents: these random mixers amplify rounding 25-fold a step, so that two
    float32 programs part after two steps, whatever they are. The official outputs are themselves float32, and up to
    7e-5 from exact arithmetic in the mixer."""
    model, expected = official(name)
    model.to(device, dtype)
    expected = {key: value.to(device) for key, value in expected.items()}
    tolerance = 1e-4 if dtype == torch.float64 or name != "trm_mlp" else 2e-4
    with torch.set_grad_enabled(grad):
        encoded = model.encode(expected["inputs"], expected["puzzle_identifiers"])
        state = model.start(5)
        for step in range(STEPS):
            for key, value in outputs(model, model.step(state, encoded)).items():
                torch.testing.assert_close(
                    value.double(), expected[f"{key}_{step}"].double(), rtol=0, atol=tolerance, msg=f"{key}_{step}"
                )
            state = {"y": expected[f"z_H_{step}"].to(dtype), "z": expected[f"z_L_{step}"].to(dtype)}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 2e-4), (torch.float32, 1e-3)])
@pytest.mark.parametrize("name", ["trm_att", "hrm"])
def test_a_rollout_agrees_with_the_official_code(name: str, dtype: torch.dtype, tolerance: float, device: str) -> None:
    """The official outputs are float32, after four steps up to 1.6e-4 from exact arithmetic, which is the same on every
    machine. Float32 here is as far from it, in directions that depend on the machine: up to 5e-4 from the official."""
    model, expected = official(name)
    model.to(device, dtype)
    encoded = model.encode(expected["inputs"].to(device), expected["puzzle_identifiers"].to(device))
    state = model.start(5)
    for step in range(STEPS):
        state = model.step(state, encoded)
        for key, value in outputs(model, state).items():
            torch.testing.assert_close(
                value.double().cpu(), expected[f"{key}_{step}"].double(), rtol=0, atol=tolerance, msg=f"{key}_{step}"
            )


@every_variant
@pytest.mark.parametrize("grad", [True, False], ids=["plain", "fast"])
def test_shapes_and_untouched_arguments(variant: str, grad: bool, device: str) -> None:
    model = VARIANTS[variant]().to(device)
    config = model.config
    tokens, ids = (x.to(device) for x in questions(model, 3))
    with torch.set_grad_enabled(grad):
        encoded = model.encode(tokens, ids)
        state = model.start(3)
        before = {"encoded": encoded.clone(), **{name: latent.clone() for name, latent in state.items()}}
        after = model.step(state, encoded)
        readout = model.read(after)
    shape = (3, config.prefix + config.seq_len, config.hidden_size)
    assert encoded.shape == after["y"].shape == after["z"].shape == state["y"].shape == shape
    assert readout.logits.shape == (3, config.seq_len, config.vocab_size)
    assert (readout.q.shape, readout.halt.shape, readout.halt.dtype) == ((3,), (3,), torch.bool)
    assert readout.logits.dtype == readout.q.dtype == torch.float32
    assert torch.equal(encoded, before["encoded"])
    assert all(torch.equal(state[name], before[name]) for name in state)
    assert not any(torch.equal(after[name], before[name]) for name in state)


@every_variant
def test_rows_do_not_see_each_other(variant: str, device: str) -> None:
    model = VARIANTS[variant]().to(device).double()
    tokens, ids = (x.to(device) for x in questions(model, 4))

    def run(rows: list[int]) -> Tensor:
        encoded = model.encode(tokens[rows], ids[rows])
        state = model.step(model.step(model.start(len(rows)), encoded), encoded)
        return model.read(state).logits

    together = run([0, 1, 2, 3])
    torch.testing.assert_close(run([2]), together[2:3], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(run([3, 0, 3]), together[[3, 0, 3]], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(together[0], together[1])


@every_variant
def test_gradients_reach_every_parameter(variant: str, device: str) -> None:
    model = VARIANTS[variant]().train().to(device)
    encoded = model.encode(*(x.to(device) for x in questions(model, 4)))
    readout = model.read(model.step(model.start(4), encoded))
    (readout.logits.logsumexp(dim=-1).sum() + model.q_logits(model.step(model.start(4), encoded)).sum()).backward()
    missing = {name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()}
    assert missing == set()


@pytest.mark.parametrize("variant", ["mixer", "hrm"])
def test_the_gradient_of_a_step_is_its_derivative(variant: str) -> None:
    model = VARIANTS[variant]().double()
    encoded = model.encode(*questions(model, 1)).detach()
    start = model.start(1)
    direction = torch.randn(start["z"].shape, generator=torch.Generator().manual_seed(1)).double()

    def value(offset: Tensor) -> Tensor:
        return model.step({"y": start["y"], "z": start["z"] + offset * direction}, encoded)["y"].sin().sum()

    offset = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(value(offset), offset)
    h = torch.tensor(1e-5, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(slope, (value(h) - value(-h)) / (2 * h), rtol=1e-3, atol=1e-6)


@every_variant
def test_a_supervised_step_is_a_step_with_gradients_through_its_end_alone(variant: str) -> None:
    model = VARIANTS[variant]().double()
    encoded = model.encode(*questions(model, 2)).detach()
    state = {name: latent.requires_grad_() for name, latent in model.start(2).items()}
    whole, short = model.step(state, encoded), model.supervised_step(state, encoded)
    torch.testing.assert_close(short, whole, rtol=0, atol=1e-9)
    whole["y"].sum().backward(retain_graph=True)
    assert state["z"].grad is not None
    state["z"].grad = None
    short["y"].sum().backward()
    assert state["z"].grad is None


def test_official_training_differentiates_the_last_cycle_of_trm() -> None:
    """One H cycle alone is differentiated whole."""
    model = TRM(small(H_cycles=1)).double()
    encoded = model.encode(*questions(model, 2)).detach().requires_grad_()
    model.step(model.start(2), encoded)["y"].square().sum().backward()
    whole, encoded.grad = encoded.grad, None
    model.supervised_step(model.start(2), encoded)["y"].square().sum().backward()
    assert whole is not None
    assert torch.equal(whole, encoded.grad)


def test_hrm_halts_when_halt_exceeds_continue() -> None:
    model = HRM(small_hrm())
    state = model.start(2)
    with torch.no_grad():
        model.q_head.bias.copy_(torch.tensor([-3.0, -4.0]))
    assert model.read(state).halt.tolist() == [True, True]
    with torch.no_grad():
        model.q_head.bias.copy_(torch.tensor([3.0, 4.0]))
    assert model.read(state).halt.tolist() == [False, False]
    assert (model.read(state).q == 3.0).all()


def test_trm_halts_when_q_is_positive() -> None:
    model = TRM(small())
    assert model.read(model.start(1)).halt.tolist() == [False]
    with torch.no_grad():
        model.q_head.bias.copy_(torch.tensor([0.5, 9.0]))
    assert model.read(model.start(1)).halt.tolist() == [True]


def test_the_same_seed_gives_the_same_parameters_and_touches_no_other_randomness() -> None:
    before = torch.get_rng_state()
    first, second, other = TRM(small()), TRM(small()), TRM(small(), seed=1)
    assert torch.equal(before, torch.get_rng_state())
    same = [torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)]
    assert all(same)
    assert not torch.equal(first.lm_head.weight, other.lm_head.weight)


def test_the_initial_parameters_have_the_deviation_of_the_official_ones() -> None:
    model = TRM(small(hidden_size=256))
    assert model.lm_head.weight.std().item() * 16 == pytest.approx(1.0, rel=0.05)
    assert model.H_init.std().item() == pytest.approx(1.0, rel=0.15)


def test_step_flops_counts_every_product(device: str) -> None:
    for make in VARIANTS.values():
        model = make().to(device)
        encoded = model.encode(*(x.to(device) for x in questions(model, 1)))
        state = model.start(1)
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            model.step(state, encoded)
        assert model.step_flops() == counter.get_total_flops()


def test_encode_says_what_shapes_it_takes(unchecked: None) -> None:
    model = TRM(small())
    with pytest.raises(ShapeError, match=r"takes tokens \[B, 16\]"):
        model.encode(torch.zeros(2, 15, dtype=torch.long), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ShapeError, match=r"ids \[3\]"):
        model.encode(torch.zeros(2, 16, dtype=torch.long), torch.zeros(3, dtype=torch.long))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 30}, "not a multiple of num_heads"),
        ({"hidden_size": 36, "num_heads": 12}, "even width"),
        ({"pos_encodings": "sine"}, "known are none, rope and learned"),
        ({"puzzle_emb_len": 1}, "does not fit"),
        ({"puzzle_emb_ndim": 0, "puzzle_emb_len": 4}, "puzzle_emb_ndim is 0"),
        ({"L_cycles": 0}, "L_cycles is 0"),
    ],
)
def test_impossible_sizes_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TRM(small(**changes))


@pytest.mark.parametrize(("cells", "height", "width"), [(16, 4, 4), (12, 1, 12), (1, 1, 1)])
def test_a_model_without_a_codec_takes_plain_tokens(cells: int, height: int, width: int) -> None:
    config = small(seq_len=cells)
    for model in (TRM(config), HRM(small_hrm(seq_len=cells))):
        assert model.codec == TokenCodec(height, width, config.vocab_size)


def test_the_official_sizes_over_the_tokens_of_a_codec() -> None:
    codec = TokenCodec(9, 9, 11)
    mixer, attention = (TRMConfig.for_codec(codec, mlp_t=mlp_t) for mlp_t in (True, False))
    assert (mixer.vocab_size, mixer.seq_len, mixer.positions) == (11, 81, 97)
    assert (mixer.H_cycles, mixer.L_cycles, attention.L_cycles, attention.pos_encodings) == (3, 6, 4, "rope")
    assert sum(value.numel() for value in TRM(attention).L_level.parameters()) == 2 * (4 * 512**2 + 3 * 512 * 1536)
    narrow = TRMConfig.for_codec(codec, hidden_size=64, L_cycles=2)
    assert (narrow.hidden_size, narrow.puzzle_emb_ndim, narrow.L_cycles) == (64, 64, 2)


def test_the_identifier_prefix_is_padded_with_zeros_before_the_cells() -> None:
    model = TRM(small(puzzle_emb_len=3))
    with torch.no_grad():
        model.puzzle_emb.weights.copy_(torch.arange(3 * 48.0).view(3, 48))
    tokens, _ = questions(model, 2)
    encoded = model.encode(tokens, torch.tensor([2, 0]))
    prefix = encoded[0, :3].flatten() / 32**0.5
    torch.testing.assert_close(prefix, torch.cat((torch.arange(96.0, 144.0), torch.zeros(48))))
    torch.testing.assert_close(encoded[:, 3:], model.embed_tokens.embedding_weight[tokens] * 32**0.5)


def test_fields_keep_the_official_names() -> None:
    assert {field.name for field in attrs.fields(type(small()))} >= {"H_cycles", "L_cycles", "mlp_t", "puzzle_emb_len"}
