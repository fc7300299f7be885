"""Trainer: deep supervision with halting, as TRM is trained (arXiv 2510.04871), and its whole state in one file."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor

from tts._util.files import replacing
from tts.errors import TTSError, first_line
from tts.interfaces import Readout
from tts.models import TwoLatentModel
from tts.training.examples import Mixture
from tts.verifiers.tokens import PAD


@attrs.frozen(kw_only=True)
class Settings:
    """How a model is trained.

    Attributes:
        batch: lanes N; one supervision step of each is an update.
        depth: the most supervision steps a puzzle gets.
        early_depth: the most at the beginning, if less: it grows to ``depth``, see ``depth_at``.
        exploration: the share of puzzles that may not halt before a random step.
        lr: learning rate after ``warmup`` updates; from progress ``decay_from`` on it falls by a cosine to a tenth.
        betas, weight_decay: of AdamW.
        clip: the largest norm of the gradient.
        gce: of the cells' generalised cross-entropy, 0 to 1, see ``loss_of``.
        ema: of the weights' moving average; at update u it is at most 1 - 10 / (u + 10).
        reveal: share of the examples that show cells of their answer, at the beginning and at the end.
        seed: of the examples and of exploration.

    Raises:
        TTSError: ``lr`` is not a number above 0, ``gce`` is not from 0 to 1, ``depth`` is below 1, or ``early_depth``
            is not from 1 to ``depth``.
    """

    batch: int = 128
    depth: int = 16
    early_depth: int | None = None
    exploration: float = 0.1
    lr: float = 1e-3
    warmup: int = 100
    decay_from: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    gce: float = 0.0
    ema: float = 0.998
    reveal: tuple[float, float] = (0.5, 0.1)
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        if not 0 < self.lr < math.inf:
            raise TTSError(f"the learning rate is {self.lr}; it must be a number above 0")
        if self.depth < 1:
            raise TTSError(f"depth is {self.depth}; a puzzle gets at least one step")
        if self.early_depth is not None and not 1 <= self.early_depth <= self.depth:
            raise TTSError(f"early_depth is {self.early_depth}; it must lie between 1 and depth, {self.depth}")
        if not 0 <= self.gce <= 1:
            raise TTSError(f"gce is {self.gce}; it must lie between 0 (cross-entropy) and 1 (1 - p)")

    def depth_at(self, progress: float) -> int:
        """Return the most supervision steps of a puzzle at a progress of 0 to 1: from ``early_depth`` by equal factors.

        A curriculum in depth, after CGAR (arXiv 2511.08653), which lets the cycles grow. Puzzles that are not solved
        take all their steps, so with 16 from the start hardly any of a batch is at its first ones, which all others
        build on. From 3 to 16 it is 7 in the middle of a run, and 16 in its last fiftieth alone.
        """
        early = self.depth if self.early_depth is None else self.early_depth
        return round(early * math.pow(self.depth / early, min(1.0, progress)))

    def rate(self, update: int, progress: float) -> float:
        """Return the learning rate at an update, counted from 0, and a progress from 0 to 1."""
        falling = min(1.0, max(0.0, (progress - self.decay_from) / (1 - self.decay_from)))
        return self.lr * min(1.0, (update + 1) / self.warmup) * (0.55 + 0.45 * math.cos(math.pi * falling))


@attrs.frozen(kw_only=True, eq=False)
class Losses:
    """What an update reports: means over its lanes.

    Attributes:
        loss: cross-entropy a cell + 0.5 / sqrt(L) times that of Q.
        cells: share of cells that are right.
        ended: how many lanes ended.
        solved: how many of these are right in every cell.
    """

    loss: float
    cells: float
    ended: int
    solved: int


class Trainer:
    """Lanes in flight, a step of each an update; lanes that end are filled with new examples.

    Args:
        model: trained in place.
        examples: what to train on.
        settings: how.
        compiled: compile the networks; the first update then takes long.
        dtype: of the matrix products, by autocast where it is not float32; weights and latents stay float32.
    """

    def __init__(
        self,
        model: TwoLatentModel,
        examples: Mixture,
        settings: Settings,
        *,
        compiled: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model = model.train().requires_grad_(True)
        self.examples = examples
        self.settings = settings
        self.cast = torch.autocast(model.H_init.device.type, dtype, enabled=dtype != torch.float32)
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        if compiled:
            for level in set(model.levels):
                level.compile()
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay, fused=True
        )
        self.draws = torch.Generator().manual_seed(settings.seed)
        self.updates = 0
        self.lanes = self._empty_lanes()

    def update(self, progress: float) -> Losses:
        """Take one supervision step of every lane, and one step of the optimiser.

        Args:
            progress: how much of the run is over, 0 to 1, for the schedules.
        """
        settings, lanes = self.settings, self.lanes
        self._refill(progress)
        state = {"y": lanes["y"], "z": lanes["z"]}
        with self.cast:
            state = self.model.supervised_step(state, self.model.encode(lanes["tokens"], lanes["ids"]))
            readout = self.model.read(state)
        loss, right = loss_of(readout, lanes["labels"], settings.gce)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate(self.updates, progress)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._average()
        self.updates += 1
        lanes.update({name: latent.detach().float() for name, latent in state.items()})
        lanes["steps"] += 1
        solved = right.all(dim=1)
        halts = readout.halt & (lanes["steps"] >= lanes["least"])
        lanes["ended"] = halts | (lanes["steps"] >= settings.depth_at(progress))
        return Losses(
            loss=float(loss.detach()),
            cells=float(right.float().mean()),
            ended=int(lanes["ended"].sum()),
            solved=int((solved & lanes["ended"]).sum()),
        )

    def _empty_lanes(self) -> dict[str, Tensor]:
        n, device = self.settings.batch, self.model.H_init.device
        cells = torch.zeros(n, self.model.config.seq_len, dtype=torch.int64, device=device)
        count = torch.zeros(n, dtype=torch.int64, device=device)
        lanes = {"tokens": cells, "labels": cells.clone(), "ids": count, "steps": count.clone(), "least": count.clone()}
        return lanes | {"ended": count == 0} | self.model.start(n)

    def _refill(self, progress: float) -> None:
        """Put new puzzles into the lanes that have ended."""
        settings, lanes = self.settings, self.lanes
        rows = lanes["ended"].nonzero().squeeze(1)
        n, device = len(rows), rows.device
        begin, end = settings.reveal
        fresh = self.examples.draw(rows.cpu(), begin + progress * (end - begin), self.draws)
        explores = torch.rand(n, generator=self.draws) < settings.exploration
        least = torch.randint(2, max(2, settings.depth_at(progress)) + 1, (n,), generator=self.draws) * explores
        for name, values in zip(("tokens", "labels", "ids", "least"), (*fresh, least), strict=True):
            lanes[name][rows] = values.to(device)
        lanes["steps"][rows] = 0
        for name, latent in self.model.start(n).items():
            lanes[name][rows] = latent.detach()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.settings.ema, 1 - 10 / (self.updates + 10))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def state(self) -> dict[str, Any]:
        """Return everything that the next update depends on."""
        return {
            "settings": attrs.asdict(self.settings),
            "model": dict(self.model.state_dict()),
            "average": dict(self.average.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "draws": self.draws.get_state(),
            "lanes": self.lanes,
            "updates": self.updates,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state()``; the settings stay those of this trainer."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.draws.set_state(state["draws"])
        self.lanes = {name: value.to(self.model.H_init.device) for name, value in state["lanes"].items()}
        self.updates = state["updates"]


def loss_of(readout: Readout, labels: Tensor, gce: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return the loss, and which cells are right, bool [N, L].

    The loss is the mean over cells plus, weighted 0.5 / sqrt(L), cross-entropy of the halt logit, whose target is
    whether all cells are right (TRM, section 4; the official code sums over cells and divides by their number as here).
    Where the label has probability p, a cell's loss is -log p, or (1 - p^gce) / gce with ``gce`` above 0 (generalised
    cross-entropy, arXiv 1805.07836): its gradient is p^gce times that of -log p, so hardly any comes from cells that
    are wrong and certain.
    """
    surprise = F.cross_entropy(readout.logits.flatten(0, 1), labels.flatten(), ignore_index=PAD, reduction="none")
    losses = -torch.expm1(-gce * surprise) / gce if gce else surprise
    pads = labels == PAD
    cells = losses.sum() / (~pads).sum()
    with torch.no_grad():
        right = (readout.logits.argmax(dim=2) == labels) | pads
    halting = F.binary_cross_entropy_with_logits(readout.q, right.all(dim=1).to(readout.q.dtype))
    return cells + 0.5 / math.sqrt(labels.shape[1]) * halting, right


def write_state(state: dict[str, Any], path: Path) -> None:
    """Write a state to ``path``, whole or not at all."""
    with replacing(path) as unfinished:
        torch.save(state, unfinished)


def read_state(path: Path) -> dict[str, Any]:
    """Read what ``write_state`` wrote; no code in the file is run.

    Raises:
        TTSError: the file is missing, or is something else.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged files
        raise TTSError(f"{path} is not a training state that can be resumed: {first_line(error)}") from error
    return state
