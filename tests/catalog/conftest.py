"""A server of models that the site may call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.catalog.model_server import ModelServer, running_model_server


@pytest.fixture
def server(settings: Settings) -> Iterator[ModelServer]:
    with running_model_server() as server:
        settings.OUTBOUND_ALLOW = server.allowed
        yield server
