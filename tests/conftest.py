"""Fixtures for every test."""

import hypothesis
import pytest
import torch

hypothesis.settings.register_profile("tts", deadline=None)  # other programs on the machine are no failure
hypothesis.settings.load_profile("tts")

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="session", params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """Each device present."""
    return str(request.param)
