"""Fixtures for every test."""

import os

import hypothesis
import pytest
from support.devices import DEVICES

# No deadline: other programs on the machine are no failure. Where CI is set the examples are the same each time.
hypothesis.settings.register_profile("tts", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("tts")


@pytest.fixture(scope="session", params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """Each device present."""
    return str(request.param)
