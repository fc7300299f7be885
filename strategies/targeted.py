"""TargetedNoise: noise where the rules are broken."""

from __future__ import annotations

import attrs
import torch
import torch.nn.functional as F
from attrs.validators import ge
from jaxtyping import Float32, Int64
from torch import Tensor

from tts.errors import TTSError
from tts.interfaces import Codec, State, StepView, Strategy, Streams, Verifier
from tts.strategies._shared import add_noise, as_names, latent_of


@attrs.frozen
class TargetedNoise(Strategy):
    """Add Gaussian noise to the cells that take part in a broken rule and to their neighbours, and to no others.

    New here. Before the first step there is no answer to check, so all cells get noise. The prefix gets it while any
    rule is broken.

    Args:
        sigma: standard deviation of the noise.
        latents: names of the latents that are perturbed.
        reach: how many cells around a marked one are perturbed too, diagonally as well.
        verifier: the rules; by default those of the model's codec.

    Examples:
        >>> search = Search(model, TargetedNoise(0.3), QSelector(), k=16)
    """

    sigma: float = attrs.field(converter=float, validator=ge(0.0))
    latents: tuple[str, ...] = attrs.field(default=("z",), converter=as_names)
    reach: int = attrs.field(default=1, validator=ge(0))
    verifier: Verifier | None = None

    def perturb(self, view: StepView, rng: Streams) -> State:
        near = self.hit(view.model.codec, view.tokens, view.answers)
        near = torch.where(view.step[:, None] == 0, 1.0, near)
        prefix = next(iter(view.state.values())).shape[1] - near.shape[1]
        where = torch.cat([near.amax(dim=1, keepdim=True).expand(-1, prefix), near], dim=1)[:, :, None]
        state = dict(view.state)
        for name in self.latents:
            state[name] = add_noise(latent_of(self, state, name), name, rng, self.sigma * where)
        return state

    def hit(self, codec: Codec, tokens: Int64[Tensor, "N L"], answers: Int64[Tensor, "N L"]) -> Float32[Tensor, "N L"]:
        """Return 1 on the cells that get noise before the step after these answers, 0 on the others.

        Raises:
            TTSError: no rules are known.
        """
        verifier = self.verifier or codec.verifier
        if verifier is None:
            raise TTSError("TargetedNoise needs rules: the model's codec has no verifier; pass verifier=")
        cells = verifier.violations(tokens, answers).cells.float()
        board = cells.view(-1, 1, codec.height, codec.width)
        return F.max_pool2d(board, 2 * self.reach + 1, stride=1, padding=self.reach).flatten(1)
