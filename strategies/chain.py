"""Chain: several strategies, one after the other."""

from __future__ import annotations

import attrs
from attrs.validators import deep_iterable
from jaxtyping import Shaped
from torch import Tensor

from tts.interfaces import State, StepView, Strategy, Streams
from tts.strategies._shared import plain_strategy


@attrs.frozen(init=False)
class Chain(Strategy):
    """Apply several strategies in turn, each to the latents that the one before returned.

    A strategy's noise depends on its place in the chain, so equal strategies in one chain draw different noise.

    Examples:
        >>> search = Search(model, Chain(GaussianNoise(0.1), Dropout(0.05)), QSelector(), k=16)
    """

    strategies: tuple[Strategy, ...] = attrs.field(validator=deep_iterable(plain_strategy))

    def __init__(self, *strategies: Strategy) -> None:
        for strategy in strategies:
            if not isinstance(strategy, Strategy):
                raise TypeError(f"Chain takes strategies; got {strategy!r}")
        self.__attrs_init__(strategies)

    def perturb(self, view: StepView, rng: Streams) -> State:
        for place, strategy in enumerate(self.strategies):
            prefix = f"{place}."
            memory = {
                name.removeprefix(prefix): value for name, value in view.memory.items() if name.startswith(prefix)
            }
            state = strategy.perturb(attrs.evolve(view, memory=memory), rng.at(place))
            view = attrs.evolve(view, state=state)
        return view.state

    def memory(self, n: int) -> dict[str, Shaped[Tensor, "{n} ..."]]:
        return {
            f"{place}.{name}": value
            for place, strategy in enumerate(self.strategies)
            for name, value in strategy.memory(n).items()
        }
