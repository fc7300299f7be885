"""The check of shapes is on while tests run, in each package whose annotations name axes."""

import jaxtyping
import numpy as np
import pytest
import torch

from tts.interfaces import rank
from tts.metrics.intervals import bootstrap_means
from tts.strategies import Linear
from tts.verifiers.grid import squares


@pytest.mark.parametrize(
    "call",
    [
        lambda: rank(torch.zeros(3)),
        lambda: Linear().factor(torch.zeros(2, 3, dtype=torch.int64), 4),
        lambda: squares(torch.zeros(2, 2, 1)),
        lambda: bootstrap_means(np.zeros(3), seed=0, samples=2),
    ],
    ids=["interfaces", "strategies", "verifiers", "metrics"],
)
def test_a_wrong_shape_or_dtype_is_an_error(call):
    with pytest.raises(jaxtyping.TypeCheckError):
        call()
