"""Small fast models for tests of the engine, and what equal results are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from tts import (
    TRM,
    Codec,
    Readout,
    RecursiveModel,
    Result,
    State,
    StepView,
    Strategy,
    TokenCodec,
    TRMConfig,
    VarietyCodec,
    Verifier,
    Violations,
)
from tts.interfaces import Streams

CELLS, VOCABULARY = 6, 7


@attrs.frozen
class SumRule(Verifier):
    """An answer is valid if its tokens sum to a multiple of ``modulus``."""

    modulus: int = 5
    names = ("sum",)

    def violations(self, tokens: Tensor, answers: Tensor) -> Violations:
        broken = answers.sum(dim=1, keepdim=True) % self.modulus != 0
        return Violations(self.names, broken, broken.expand_as(answers))


CODEC = TokenCodec(2, 3, VOCABULARY, verifier=SumRule())


def random_tokens(b: int, seed: int = 0, repeat: float = 0.0) -> Tensor:
    """int64 [B, L], some cells off the board; ``repeat``: the share of rows that repeat another."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, VOCABULARY, (b, CELLS))
    for row in range(1, b):
        if rng.random() < repeat:
            tokens[row] = tokens[rng.integers(row)]
    return torch.from_numpy(tokens)


class Wanderer(RecursiveModel):
    """A chaotic map of the latents [N, 1 + L, D], element by element but for the heads; q is of either sign.

    It remembers the rows that it embedded and how many lane-steps it was asked for.
    """

    def __init__(self, block: int = 4, width: int = 3, seed: int = 0) -> None:
        super().__init__()
        self.codec, self._block, self.width = CODEC, block, width
        generator = torch.Generator().manual_seed(seed)
        self.table = nn.Parameter(torch.randn(VOCABULARY, width, generator=generator))
        self.head = nn.Parameter(torch.randn(VOCABULARY, width, generator=generator))
        self.embedded: list[Tensor] = []
        self.lane_steps = 0

    @property
    def block(self) -> int:
        return self._block

    def encode(self, tokens: Tensor, ids: Tensor) -> Tensor:
        self.embedded.append(tokens.cpu())
        prefix = ids.to(self.table.dtype)[:, None, None].expand(-1, 1, self.width)
        return torch.cat([prefix, self.table[tokens]], dim=1)

    def start(self, n: int) -> State:
        latent = self.table.new_full((n, 1 + CELLS, self.width), 0.5)
        return {"y": latent, "z": latent + 1}

    def step(self, state: State, encoded: Tensor) -> State:
        self.lane_steps += len(encoded)
        z = torch.sin(2 * state["z"] + state["y"] + encoded)
        return {"y": torch.sin(state["y"] + 3 * z), "z": z}

    def read(self, state: State) -> Readout:
        y = state["y"].float()
        q = y[:, :, 0].sum(dim=1) - 2
        return Readout((y[:, 1:, None] * self.head.float()).sum(dim=-1), q, q > 0)

    def step_flops(self) -> int:
        return 7


@attrs.frozen(eq=False)
class Script:
    """What happens to rollout r of puzzle p in step t: q [P, K, T]; answer [P, K, T], valid where it is 1."""

    q: np.ndarray
    answer: np.ndarray

    @staticmethod
    def random(puzzles: int, k: int, depth: int, seed: int) -> Script:
        """Events of a density that is drawn, too; answers often repeat."""
        rng = np.random.default_rng(seed)
        fires, valid = rng.choice([0.02, 0.1, 0.4], 2)
        shape = puzzles, k, depth
        q = np.where(rng.random(shape) < fires, 1.0, -1.0) * rng.integers(1, 4, shape)
        return Script(q, np.where(rng.random(shape) < valid, 1, rng.integers(2, 5, shape)))


class Scripted(RecursiveModel):
    """Follows a script. A puzzle's number is the token of its only cell; ``Reveal`` tells the rollout and the step."""

    def __init__(self, script: Script, block: int = 4) -> None:
        super().__init__()
        self.codec = TokenCodec(1, 1, max(8, script.q.shape[0] + 1), pad=-1, verifier=IsOne())
        self._block = block
        self.q: Tensor
        self.answer: Tensor
        self.register_buffer("q", torch.from_numpy(script.q))
        self.register_buffer("answer", torch.from_numpy(script.answer))

    @property
    def block(self) -> int:
        return self._block

    def encode(self, tokens: Tensor, ids: Tensor) -> Tensor:
        return tokens[:, :, None].float().expand(-1, 1, 3)

    def start(self, n: int) -> State:
        return {"y": torch.ones(n, 1, 3, device=self.q.device)}

    def step(self, state: State, encoded: Tensor) -> State:
        y = state["y"].clone()
        y[:, :, 0] = encoded[:, :, 0]
        return {"y": y}

    def read(self, state: State) -> Readout:
        puzzle, rollout, step = state["y"][:, 0].long().unbind(1)
        event = puzzle, rollout.clamp(max=self.q.shape[1] - 1), step.clamp(max=self.q.shape[2] - 1)  # dead lanes run on
        q = self.q[event].float()
        logits = nn.functional.one_hot(self.answer[event], self.codec.vocab_size).float()[:, None]
        return Readout(logits, q, q > 0)


@attrs.frozen
class IsOne(Verifier):
    """The one cell of the answer must be 1."""

    names = ("one",)

    def violations(self, tokens: Tensor, answers: Tensor) -> Violations:
        return Violations(self.names, answers != 1, answers != 1)


@attrs.frozen
class Reveal(Strategy):
    """Writes the rollout's number and the step into y, for ``Scripted``."""

    def perturb(self, view: StepView, rng: Streams) -> State:
        y = view.state["y"].clone()
        y[:, 0, 1], y[:, 0, 2] = rng.rollout.float(), rng.step.float()
        return {"y": y}


def small_config(codec: Codec, **sizes: Any) -> TRMConfig:
    """The sizes of a TRM of a few thousand parameters over the tokens of a codec; any of them may be changed."""
    small = {
        "hidden_size": 16,
        "H_cycles": 1,
        "L_cycles": 2,
        "L_layers": 1,
        "expansion": 1,
        "num_heads": 2,
        "puzzle_emb_len": 0,
    }
    return TRMConfig.for_codec(codec, **(small | sizes))


class SmallTRM(TRM):
    """A TRM of width 16 with random weights, whose q is of either sign, in blocks of 8 lanes."""

    @property
    def block(self) -> int:
        return 8


def small_trm(*, mlp_t: bool = True, seed: int = 0) -> SmallTRM:
    """Over the same tokens as ``Wanderer``."""
    model = SmallTRM(small_config(CODEC, num_puzzle_identifiers=4, mlp_t=mlp_t), CODEC, seed=seed).eval()
    with torch.no_grad():
        model.q_head.weight.normal_(generator=torch.Generator().manual_seed(seed))
        model.q_head.bias.zero_()
    return model


class BrokenModel(Wanderer):
    """A method's outcome goes through ``change``."""

    def __init__(self, method: str, change: Callable[[Any], Any]) -> None:
        super().__init__()
        right = getattr(self, method)
        setattr(self, method, lambda *arguments: change(right(*arguments)))


def small_sudoku_model() -> TRM:
    """A random TRM over 4x4 sudokus."""
    codec = VarietyCodec("sudoku", 4, 4)
    return TRM(small_config(codec, mlp_t=True, L_cycles=1, puzzle_emb_ndim=0), codec).eval()


def assert_equal(a: Result, b: Result, rows: slice | Tensor = slice(None)) -> None:
    """Results a and b[rows] are equal to the bit in all that does not depend on the clock or the padding."""
    for name in ("tokens", "keys", "answers", "index", "winner"):
        assert torch.equal(getattr(a, name), getattr(b, name)[rows]), name
    assert torch.equal(a.scores.nan_to_num(9), b.scores[rows].nan_to_num(9))
    for name in ("answers", "q", "residual", "steps", "status"):
        assert torch.equal(getattr(a.rollouts, name), getattr(b.rollouts, name)[rows]), name
    assert a.rollouts.record.keys() == b.rollouts.record.keys()
    for name, value in a.rollouts.record.items():
        assert torch.equal(value.nan_to_num(9), b.rollouts.record[name][rows].nan_to_num(9)), name
