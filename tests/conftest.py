"""Fixtures for every test, and the check of shapes: of every annotated argument and return value, while tests run."""

import os

import hypothesis
import jaxtyping
import pytest

# The modules whose annotations name axes. Not the streams: checks of their innermost loops take half as long as tests.
# Before anything imports tts; and as elsewhere in Python a whole number is a float too.
CHECKED = [
    *(f"tts.interfaces.{module}" for module in ("checks", "model", "selector", "stop", "strategy", "verifier")),
    *(f"tts.models.{module}" for module in ("hrm", "recursion", "trm")),
    *(f"tts.{package}" for package in ("metrics", "strategies", "verifiers")),
]
jaxtyping.install_import_hook(
    CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True, is_random=False))"
)

from support.devices import DEVICES  # noqa: E402

# No deadline: other programs on the machine are no failure. Where CI is set the examples are the same each time.
hypothesis.settings.register_profile("tts", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("tts")


@pytest.fixture(scope="session", params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """Each device present."""
    return str(request.param)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check of types and shapes, for tests of what callers without a type checker are told."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
