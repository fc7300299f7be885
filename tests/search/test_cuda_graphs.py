"""A block's step through a graph gives what the plain step gives."""

import warnings
from collections.abc import Callable

import pytest
import torch

from tts.search.cuda_graphs import graphed, plain
from tts.testing import SmallModel, random_tokens


def again(launch: Callable[[], None]) -> Callable[[], None]:
    """A stand-in for capture on machines without a GPU: the tensors keep their addresses, as in a graph."""
    launch()
    return launch


def test_a_graph_computes_what_the_plain_step_computes_on_new_inputs(device: str) -> None:
    model = SmallModel().to(device)
    advance = graphed(model) if device == "cuda" else graphed(model, again)
    encoded = model.encode(random_tokens(model, 4).to(device), torch.zeros(4, dtype=torch.int64, device=device))
    state = model.start(4)
    for _ in range(3):
        expected, readout = plain(model)(state, encoded)
        latents, heads = advance(state, encoded)
        for name, latent in expected.items():
            torch.testing.assert_close(latents[name], latent)
        torch.testing.assert_close(heads.q, readout.q)
        torch.testing.assert_close(heads.logits, readout.logits)
        state, encoded = {name: latent.clone() for name, latent in latents.items()}, encoded.flip(0)


def test_a_failed_capture_falls_back_with_one_warning() -> None:
    model = SmallModel()

    def broken(launch: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    advance = graphed(model, broken)
    encoded, state = model.encode(random_tokens(model, 4), torch.zeros(4, dtype=torch.int64)), model.start(4)
    with pytest.warns(RuntimeWarning, match="without CUDA graphs"):
        first = advance(state, encoded)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = advance(state, encoded)
    torch.testing.assert_close(first[0]["y"], second[0]["y"])


def test_running_out_of_memory_is_not_swallowed() -> None:
    def full(launch: Callable[[], None]) -> Callable[[], None]:
        raise torch.OutOfMemoryError("full")

    model = SmallModel()
    encoded = model.encode(random_tokens(model, 4), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(torch.OutOfMemoryError):
        graphed(model, full)(model.start(4), encoded)
