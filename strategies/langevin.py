"""Langevin: steps along the gradient of Q, with noise."""

from __future__ import annotations

import attrs
import torch
from attrs.validators import ge
from jaxtyping import Float
from torch import Tensor

from tts.interfaces import State, StepView, Strategy, Streams
from tts.strategies._shared import add_noise, as_names, latent_of


@attrs.frozen
class Langevin(Strategy):
    """Replace each latent by latent + step_size * dQ/dlatent + sigma * eps, eps ~ N(0, I), before each step.

    This approximates the Langevin steps that PTRM tried and that gained nothing beyond their noise (arXiv 2605.19943,
    appendix C). There Q was read by a trained attention-pooled head, after each recursion. Here it is the model's own
    head, which is linear in position 0 of y, so that its gradient there is the same whatever the puzzle. So the
    gradient is taken through one latent recursion from the current latents (L_cycles updates of z, then one of y), in
    models other than TRM and HRM through a whole step.

    That recursion and its gradient come on top of the step and are counted neither in ``cost.lane_steps`` nor in
    ``cost.flops``: about 3 / H_cycles of a step by operations, in models other than TRM and HRM three steps. On CPU it
    takes longer than that, since the fast kernels have no gradients.

    Args:
        step_size: of the ascent, in units of the latents squared by those of Q; 0 leaves Gaussian noise.
        sigma: standard deviation of the noise.
        latents: names of the latents that are moved.

    Examples:
        >>> search = Search(model, Langevin(step_size=0.01, sigma=0.1), QSelector(), k=16)
    """

    step_size: float = attrs.field(converter=float, validator=ge(0.0))
    sigma: float = attrs.field(converter=float, validator=ge(0.0))
    latents: tuple[str, ...] = attrs.field(default=("y", "z"), converter=as_names)

    def perturb(self, view: StepView, rng: Streams) -> State:
        state = dict(view.state)
        for name, gradient in self._gradients(view).items():
            latent = view.state[name]
            moved = latent.float() + self.step_size * gradient.float()
            state[name] = add_noise(moved, name, rng, self.sigma).to(latent.dtype)
        return state

    def _gradients(self, view: StepView) -> dict[str, Float[Tensor, "N S D"]]:
        """Return dQ/dlatent by name. Rows are independent, so the gradient of the sum of q is each row's own."""
        model = view.model
        with torch.enable_grad():
            moved = [latent_of(self, view.state, name).detach().requires_grad_() for name in self.latents]
            after = model.last_recursion({**view.state, **dict(zip(self.latents, moved, strict=True))}, view.encoded)
            gradients = torch.autograd.grad(model.read(after).q.sum(), moved)
        return dict(zip(self.latents, gradients, strict=True))
