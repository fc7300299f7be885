"""Small stand-ins to try plugins on: a model, a strategy, a selector, candidates."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor, nn

from tts.interfaces import (
    Candidates,
    Codec,
    Readout,
    RecursiveModel,
    Selector,
    State,
    StepView,
    Strategy,
    Streams,
    TokenCodec,
)


class SmallModel(RecursiveModel):
    """A recurrent net of a few hundred weights over any codec: enough to try a plugin on, untrained.

    Args:
        codec: what its tokens mean; 4 x 4 cells and 6 tokens by default.
        width: D.
        prefix: positions before the cells.
        seed: of the weights.
    """

    def __init__(self, codec: Codec | None = None, *, width: int = 8, prefix: int = 1, seed: int = 0) -> None:
        super().__init__()
        self.codec = codec or TokenCodec(4, 4, 6)
        self.prefix, self.width = prefix, width
        self.cells = self.codec.height * self.codec.width
        generator = torch.Generator().manual_seed(seed)

        def weight(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=generator))

        self.embedding = weight(self.codec.vocab_size, width)
        self.mix = weight(self.cells + prefix, self.cells + prefix)
        self.to_z = weight(width, width)
        self.to_y = weight(width, width)
        self.heads = weight(width, self.codec.vocab_size)
        self.eval().requires_grad_(False)

    @property
    def block(self) -> int:
        return 4

    def encode(self, tokens: Tensor, ids: Tensor) -> Tensor:
        cells = self.embedding[tokens]
        return torch.cat([cells.new_zeros(len(cells), self.prefix, self.width), cells], dim=1)

    def start(self, n: int) -> State:
        zeros = self.to_z.new_zeros(n, self.cells + self.prefix, self.width)
        return {"y": zeros, "z": zeros + 0.5}

    def step(self, state: State, encoded: Tensor) -> State:
        mixed = torch.einsum("st,ntd->nsd", self.mix, state["y"] + encoded) / (self.cells + self.prefix) ** 0.5
        z = torch.tanh(state["z"] @ self.to_z + mixed)
        return {"y": torch.tanh(z @ self.to_y + state["y"]), "z": z}

    def read(self, state: State) -> Readout:
        y = state["y"].float()
        q = 4 * y[:, 0].mean(dim=1)
        return Readout(y[:, self.prefix :] @ self.heads.float(), q, q > 0)


@attrs.frozen
class Jitter(Strategy):
    """Gaussian noise on y: makes the rollouts of a small model differ."""

    sigma: float = 0.3

    def perturb(self, view: StepView, rng: Streams) -> State:
        y = view.state["y"]
        noise = rng.normal("y", tuple(y.shape[1:])) * self.sigma
        return {**view.state, "y": (y + noise).to(y.dtype)}


@attrs.frozen
class TakeFirst(Selector):
    """The lowest-numbered rollout."""

    def score(self, candidates: Candidates) -> Tensor:
        return torch.zeros_like(candidates.q)


def random_tokens(model: RecursiveModel, n: int, seed: int = 0) -> Tensor:
    """Draw tokens int64 [n, L] in the model's vocabulary, without pads."""
    codec = model.codec
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, codec.vocab_size, (n, codec.height * codec.width), generator=generator)


def random_candidates(b: int = 5, k: int = 6, cells: int = 9, depth: int = 4, seed: int = 0) -> Candidates:
    """Draw candidates of which some share an answer and some are not eligible; every step's q is recorded."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator)

    kinds = draw(1, 4, b, 3, cells)
    answers = kinds.gather(1, draw(0, 3, b, k)[:, :, None].expand(-1, -1, cells))
    eligible = draw(0, 4, b, k) > 0
    eligible[:, 0] = True
    steps = draw(1, depth + 1, b, k)
    q = torch.randn(b, k, depth, generator=generator)
    record = torch.where(torch.arange(depth) < steps[:, :, None], q, torch.nan)
    last = q.gather(2, steps[:, :, None] - 1)[:, :, 0]
    residual = torch.rand(b, k, generator=generator)
    return Candidates(
        tokens=draw(0, 4, b, cells),
        answers=answers,
        q=last,
        steps=steps,
        residual=residual,
        eligible=eligible,
        record={"q": record},
        verifier=None,
    )
