"""A language model at hand, and a desk that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.grounding.chat_server import ModelServer, running_model


@pytest.fixture
def model(settings: Settings) -> Iterator[ModelServer]:
    """A running language model that the site is configured to use."""
    with running_model() as server:
        settings.PINAKES_LLM_URL = server.url
        settings.PINAKES_LLM_MODEL = "toy-model"
        settings.PINAKES_LLM_KEY = "a-key-of-tests"
        settings.PINAKES_LLM_SECONDS = 5
        yield server
