"""The contract that every plugin keeps, as checks to call from your own tests, and small stand-ins to try plugins on.

Here belongs what authors of plugins call; what only this package's own tests need is in ``tests/support``.

    from tts.testing import check_strategy

    def test_my_strategy():
        check_strategy(MyStrategy(0.1))

Each check raises AssertionError with one sentence that says what was promised.
"""

from tts.testing.contracts import check_model, check_selector, check_stop, check_strategy, check_verifier
from tts.testing.stand_ins import Jitter, SmallModel, TakeFirst, random_candidates, random_tokens

__all__ = [
    "Jitter",
    "SmallModel",
    "TakeFirst",
    "check_model",
    "check_selector",
    "check_stop",
    "check_strategy",
    "check_verifier",
    "random_candidates",
    "random_tokens",
]
