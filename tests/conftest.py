"""Fixtures for every test."""

import os

import hypothesis
import pytest
import torch

# No deadline: other programs on the machine are no failure. Where CI is set the examples are the same each time.
hypothesis.settings.register_profile("tts", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("tts")

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="session", params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """Each device present."""
    return str(request.param)
