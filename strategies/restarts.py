"""Restarts: rollouts from initial latents of their own, and rollouts that begin again."""

from __future__ import annotations

import attrs
import torch
from attrs.validators import ge, optional
from jaxtyping import Bool, Shaped
from torch import Tensor

from tts.interfaces import State, StepView, Strategy, Streams, puzzle_keys
from tts.strategies._shared import add_noise, as_names, latent_of


@attrs.frozen
class Restarts(Strategy):
    """Draw the initial latents of each rollout, init + sigma * eps, and draw them again where a rollout is lost.

    Noise on the start alone is the control of GRAM, where it gained nothing on z, and the random starts of EqR. A
    rollout is lost when its q has stayed below ``low`` and its answer has changed at each of ``patience`` steps.

    Args:
        sigma: standard deviation of the noise on the initial latents.
        latents: names of the latents that get this noise.
        patience: steps until a lost rollout begins again; None for never.
        low: the q below which a rollout can be lost.

    Examples:
        >>> search = Search(model, Restarts(patience=4, low=-2.0), QSelector(), k=16)
    """

    sigma: float = attrs.field(default=1.0, converter=float, validator=ge(0.0))
    latents: tuple[str, ...] = attrs.field(default=("y", "z"), converter=as_names)
    patience: int | None = attrs.field(default=None, validator=optional(ge(1)))
    low: float = 0.0

    def perturb(self, view: StepView, rng: Streams) -> State:
        again = view.step == 0
        if self.patience is not None:
            again |= self._lost(view, self.patience)
        begin = view.model.start(len(view.step))
        mask = again[:, None, None]
        state = {name: torch.where(mask, begin[name], latent) for name, latent in view.state.items()}
        for name in self.latents:
            state[name] = add_noise(latent_of(self, state, name), name, rng, self.sigma * mask.float())
        return state

    def memory(self, n: int) -> dict[str, Shaped[Tensor, "{n} ..."]]:
        return {"answer": torch.zeros(n, dtype=torch.int64), "restless": torch.zeros(n, dtype=torch.int64)}

    def _lost(self, view: StepView, patience: int) -> Bool[Tensor, " N"]:
        """Return which rollouts are lost.

        The memory counts how many steps in a row q was low and the answer, stored as a hash, changed.
        """
        answer = puzzle_keys(view.answers, torch.zeros_like(view.step))
        changed = (view.step > 1) & (answer != view.memory["answer"]) & (view.q < self.low)
        restless = torch.where(changed, view.memory["restless"] + 1, 0)
        lost = restless >= patience
        view.memory["answer"].copy_(answer)
        view.memory["restless"].copy_(torch.where(lost, 0, restless))
        return lost
