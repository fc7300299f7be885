"""A block's step as a CUDA graph: one launch instead of hundreds."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from tts.interfaces import Readout, RecursiveModel, State
from tts.interfaces.checks import check_state

Capture = Callable[[Callable[[], None]], Callable[[], None]]
"""Records what a function launches, and returns what launches it again."""

ENCODED = "<encoded>"  # the name of no latent
WARM_UP = 3  # runs before the capture, so that libraries allocate their workspaces outside of it


def plain(model: RecursiveModel) -> Callable[[State, Tensor], tuple[State, Readout]]:
    """Return a function that calls ``step``, then ``read``."""

    def advance(state: State, encoded: Tensor) -> tuple[State, Readout]:
        after = model.step(state, encoded)
        check_state("step", after, state)
        return after, model.read(after)

    return advance


def cuda_capture(launch: Callable[[], None]) -> Callable[[], None]:
    """Capture what ``launch`` launches on the current CUDA device; return the replay."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            launch()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        launch()
    return graph.replay


def graphed(model: RecursiveModel, capture: Capture = cuda_capture) -> Callable[[State, Tensor], tuple[State, Readout]]:
    """Return ``step`` and ``read`` as a graph, captured at the first call; plain, with a warning, where that fails.

    Every call takes the same shapes. What it returns is overwritten by the next call.
    """
    direct = plain(model)
    inputs: dict[str, Tensor] = {}
    outputs: list[tuple[State, Readout]] = []
    replay: Callable[[], None] | None = None
    failed = False

    def launch() -> None:
        state = {name: value for name, value in inputs.items() if name != ENCODED}
        outputs[:] = [direct(state, inputs[ENCODED])]

    def advance(state: State, encoded: Tensor) -> tuple[State, Readout]:
        nonlocal replay, failed
        if failed:
            return direct(state, encoded)
        arguments = {**state, ENCODED: encoded}
        if replay is None:
            inputs.update({name: value.clone() for name, value in arguments.items()})
            try:
                replay = capture(launch)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                failed = True
                warnings.warn(f"running without CUDA graphs: {error}", RuntimeWarning, stacklevel=2)
                return direct(state, encoded)
        for name, value in arguments.items():
            inputs[name].copy_(value)
        replay()
        return outputs[0]

    return advance
