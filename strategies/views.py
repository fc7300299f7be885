"""SymmetricViews: rollouts that see their puzzle through different symmetries."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import attrs
from jaxtyping import Shaped
from torch import Tensor

from tts.interfaces import Codec, Grid, InputStrategy, State, StepView, Strategy, Streams, View, positive
from tts.strategies._shared import plain_strategy
from tts.strategies.noise import Identity


@attrs.frozen
class SymmetricViews(InputStrategy):
    """Show rollout r view r mod ``n_views``: a member of the variety's symmetry group, view 0 the identity.

    Voting over views that are mapped back is due to arXiv 2601.10679 (permuted digits, rows and columns of sudokus).
    ``Grouped(QSelector(), MajorityVote(), 8)`` picks within the views first. Answers are mapped back as soon as they
    are read, so that stop rules, records and selectors see the puzzle itself; recorded latents stay as the rollout saw
    them. Views that the model cannot read, say because a turned board is too high for it, are left out; a puzzle with
    fewer than ``n_views`` repeats them.

    Every view of a puzzle is embedded when the puzzle is opened, which ``cost.embedded`` counts.

    Args:
        inner: perturbs the latents, in the view's own order of cells.
        n_views: V, how many there are; 8 is the whole group of the pencil varieties.
        seed: draws the order of the views, the same for all puzzles.

    Examples:
        >>> search = Search(model, SymmetricViews(GaussianNoise(0.3)), MajorityVote(), k=16)
    """

    inner: Strategy = attrs.field(factory=Identity, validator=plain_strategy)
    n_views: int = attrs.field(default=8, validator=positive, kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)

    def views_of(self, codec: Codec, tokens: Grid, identifier: int) -> Sequence[View]:
        return list(islice(codec.views(tokens, identifier, self.seed), self.n_views))

    def perturb(self, view: StepView, rng: Streams) -> State:
        return self.inner.perturb(view, rng)

    def memory(self, n: int) -> dict[str, Shaped[Tensor, "{n} ..."]]:
        return self.inner.memory(n)
