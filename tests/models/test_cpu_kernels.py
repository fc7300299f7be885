"""The fast CPU step is the plain step, whichever kernels serve it, and gives the same bits in any place."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from support.reference_models import questions, small, small_hrm
from torch import Tensor

from tts._util.threads import run_in_threads
from tts.interfaces import State
from tts.models import HRM, TRM, TwoLatentModel
from tts.models import cpu_kernels as kernels
from tts.models.cpu_kernels import MKLProducts, OneDNNProducts, Products

VARIANTS = {
    "attention": lambda: TRM(small()),
    "attention, no positions": lambda: TRM(small(pos_encodings="none")),
    "mixer": lambda: TRM(small(mlp_t=True, pos_encodings="none")),
    "hrm": lambda: HRM(small_hrm()),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)
every_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


HAS_BFLOAT16 = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
"""oneDNN multiplies bfloat16 on this processor; on others the kernels never ask it to, see ``bfloat16_pays``."""


@pytest.fixture(params=[MKLProducts, *([OneDNNProducts] if kernels.onednn_keeps_places() else [])])
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Products:
    chosen: Products = request.param()
    monkeypatch.setattr(kernels, "products", lambda dtype: chosen)
    return chosen


@pytest.fixture(params=[False, True], ids=["float32 inside", "bfloat16 inside"])
def native(request: pytest.FixtureRequest, products: Products, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param and isinstance(products, OneDNNProducts) and not HAS_BFLOAT16:
        pytest.skip("oneDNN has no bfloat16 products on this processor")
    monkeypatch.setattr(kernels, "bfloat16_pays", lambda: request.param)
    return bool(request.param)


def given(model: TwoLatentModel, n: int) -> tuple[State, Tensor]:
    """n lanes of latents and embedded puzzles, all different."""
    draw = torch.Generator().manual_seed(5)
    encoded = model.encode(*questions(model, n)).detach()
    noise = torch.randn(2, *encoded.shape, generator=draw).to(encoded.dtype)
    start = model.start(n)
    return {"y": start["y"] + noise[0], "z": start["z"] + noise[1]}, encoded


def distance(state: State, other: State) -> float:
    """Of the typical lane: in some lanes one rounding is amplified, in others on other processors."""
    apart = {name: (state[name].double() - other[name].double()).square().mean(dim=(1, 2)).sqrt() for name in state}
    return max(lanes.median().item() for lanes in apart.values())


@every_variant
@pytest.mark.parametrize("lanes", [1, 3, 9])
def test_float32_is_the_plain_step(variant: str, lanes: int, products: Products, threads: int) -> None:
    model = VARIANTS[variant]()
    state, encoded = given(model, lanes)
    plain = model.step(state, encoded)
    with torch.no_grad():
        fast = model.step(state, encoded)
    assert plain["y"].requires_grad
    assert not fast["y"].requires_grad
    torch.testing.assert_close(fast, {name: latent.detach() for name, latent in plain.items()}, rtol=1e-4, atol=1e-4)


@every_variant
def test_bfloat16_is_no_further_from_exact_than_the_plain_step(variant: str, products: Products, native: bool) -> None:
    model = VARIANTS[variant]().to(torch.bfloat16)
    state, encoded = given(model, 40)
    plain = model.step(state, encoded)
    with torch.no_grad():
        fast = model.step(state, encoded)
        exact = model.double().step({name: latent.double() for name, latent in state.items()}, encoded.double())
    assert fast["y"].dtype == fast["z"].dtype == torch.bfloat16
    assert distance(fast, exact) < 1.1 * distance(plain, exact)
    if not native:
        assert distance(fast, exact) < 0.3 * distance(plain, exact)


@every_variant
@every_dtype
def test_a_row_has_the_same_bits_in_any_place_beside_anyone(
    variant: str, dtype: torch.dtype, products: Products, native: bool, threads: int
) -> None:
    model = VARIANTS[variant]().to(dtype)
    lanes = threads * model.block
    state, encoded = given(model, lanes)
    order = torch.randperm(lanes, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        after = model.step(state, encoded)
        moved = model.step({name: latent[order] for name, latent in state.items()}, encoded[order])
        state["y"][1:] = 7.0
        beside_others = model.step(state, encoded)
    for name in after:
        assert torch.equal(moved[name], after[name][order])
        assert torch.equal(beside_others[name][0], after[name][0])
        assert not torch.equal(beside_others[name][1], after[name][1])


@every_dtype
def test_the_heads_give_the_same_bits_in_any_place(dtype: torch.dtype) -> None:
    model = TRM(small(mlp_t=True)).to(dtype)
    with torch.no_grad():
        model.q_head.weight.normal_(generator=torch.Generator().manual_seed(2))
        state, _ = given(model, model.block)
        order = torch.randperm(model.block, generator=torch.Generator().manual_seed(1))
        here, there = model.read(state), model.read({name: latent[order] for name, latent in state.items()})
    assert torch.equal(there.logits, here.logits[order])
    assert torch.equal(there.q, here.q[order])
    assert here.q.unique().numel() > 1


@every_variant
@every_dtype
def test_weights_changed_in_any_way_are_used_at_once(variant: str, dtype: torch.dtype) -> None:
    model = VARIANTS[variant]().to(dtype)
    state, encoded = given(model, 2)
    fresh = VARIANTS[variant]().to(dtype)
    with torch.no_grad():
        model.step(state, encoded)
        for change in (
            lambda weight: weight.data.mul_(1.25),
            lambda weight: weight.mul_(1.25),
            lambda weight: setattr(weight, "data", weight.data * 1.25),
        ):
            for weight, other in zip(model.parameters(), fresh.parameters(), strict=True):
                change(weight)
                other.copy_(weight)
            torch.testing.assert_close(model.step(state, encoded), fresh.step(state, encoded), rtol=0, atol=0)


@every_variant
def test_inference_mode_serves_as_well(variant: str, threads: int) -> None:
    model = VARIANTS[variant]()
    state, encoded = given(model, 4)
    with torch.no_grad():
        expected = model.step(state, encoded)
    with torch.inference_mode():
        for latents, puzzles in ((state, encoded), given(model, 4)):
            torch.testing.assert_close(model.step(latents, puzzles), expected, rtol=0, atol=0)


def test_no_lanes_give_no_lanes() -> None:
    model = TRM(small())
    with torch.no_grad():
        assert model.step(model.start(0), model.encode(*questions(model, 0)))["y"].shape == (0, 18, 32)


def test_strided_latents_are_read_right() -> None:
    model = TRM(small(mlp_t=True))
    state, encoded = given(model, 6)
    with torch.no_grad():
        expected = model.step({name: latent[::2] for name, latent in state.items()}, encoded[::2])
        wide = {name: latent.transpose(1, 2).contiguous().transpose(1, 2)[::2] for name, latent in state.items()}
        torch.testing.assert_close(model.step(wide, encoded[::2]), expected, rtol=0, atol=0)


def test_a_block_is_a_piece_for_any_number_of_threads(threads: int) -> None:
    model = TRM(small())
    assert model.parallel_blocks
    assert model.block == kernels.piece_lanes(model.levels, model.config.positions)
    assert TRM(small(seq_len=400)).block < model.block


def test_gradients_compilers_and_other_dtypes_take_the_plain_path() -> None:
    x = torch.zeros(1)
    assert not kernels.available(x)
    with torch.no_grad():
        assert kernels.available(x)
        assert kernels.available(x.bfloat16())
        assert not kernels.available(x.double())
        assert not kernels.available(x.to("meta"))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert not kernels.available(x)


def test_threads_run_every_task_once_alone_and_leave_the_setting(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tts._util.threads._pools", {})
    ran, cores, names = [0] * 9, set(), set()

    def task(index: int) -> None:
        ran[index] += 1
        cores.add(torch.get_num_threads())
        names.add(threading.current_thread().name)
        assert not torch.is_grad_enabled()

    with torch.no_grad():
        run_in_threads(task, 9)
    assert ran == [1] * 9
    assert cores == {1}
    assert torch.get_num_threads() == threads
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == threads
    assert (threading.current_thread().name in names) == (threads == 1)


def test_what_a_task_raises_is_raised(threads: int) -> None:
    def task(index: int) -> None:
        if index == 3:
            raise ZeroDivisionError("in a task")

    with torch.no_grad(), pytest.raises(ZeroDivisionError, match="in a task"):
        run_in_threads(task, 5)
    assert torch.get_num_threads() == threads


def test_bfloat16_is_computed_in_float32_where_onednn_has_no_products_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "is_intel", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert kernels.bfloat16_pays.__wrapped__() == HAS_BFLOAT16


@every_dtype
def test_products_agree_with_their_definition(products: Products, dtype: torch.dtype) -> None:
    if dtype == torch.bfloat16 and isinstance(products, OneDNNProducts) and not HAS_BFLOAT16:
        pytest.skip("oneDNN has no bfloat16 products on this processor")
    draw = torch.Generator().manual_seed(0)
    x, gate_up, down = (torch.randn(shape, generator=draw).to(dtype) for shape in ((5, 8), (24, 8), (8, 12)))
    gate, up = (x.double() @ gate_up.double().t()).chunk(2, dim=1)
    mlp = x + (torch.nn.functional.silu(gate) * up) @ down.double().t()
    close = {"rtol": 5e-2, "atol": 0.5} if dtype == torch.bfloat16 else {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(products.rows(x.clone(), gate_up, down).double(), mlp, **close)
    torch.testing.assert_close(
        products.columns(x.t().clone(memory_format=torch.contiguous_format), gate_up, down).double(), mlp.t(), **close
    )
    torch.testing.assert_close(products.project(x, gate_up).double(), x.double() @ gate_up.double().t(), **close)
    added = x.double() + torch.ones(5, 12).double() @ down.double().t()
    torch.testing.assert_close(
        products.add_project(x.clone(), torch.ones(5, 12, dtype=dtype), down).double(), added, **close
    )
