"""People who talk, documents that they talk about, and a language model at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.grounding.chat_server import ModelServer, running_model
from tests.search.factories import EMBEDDER, make_found_source
from webapp.accounts.models import User
from webapp.knowledge.models import Source

LIGHTHOUSE = (
    "The lighthouse at Skerry was built in 1844 by the engineer Alan Stevenson. Its tower is 48 "
    "metres high. The lamp burned colza oil until 1876."
)


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def lighthouse(owner: User) -> Source:
    return make_found_source(owner=owner, texts=[LIGHTHOUSE], title="Skerry lighthouse")


@pytest.fixture
def model(settings: Settings) -> Iterator[ModelServer]:
    """A running language model that the site is configured to use."""
    with running_model() as server:
        settings.PINAKES_LLM_URL = server.url
        settings.PINAKES_LLM_MODEL = "toy-model"
        settings.PINAKES_LLM_SECONDS = 5
        yield server


class Talker:
    """Somebody at the REST interface."""

    def __init__(self, user: User) -> None:
        self.client = APIClient()
        self.client.force_authenticate(user)

    def start(self, **wish: Any) -> str:
        """A new chat."""
        response = self.client.post("/api/v1/chats", wish, format="json")
        assert response.status_code == 201, response.content
        return str(response.json()["id"])

    def ask(self, chat: str, question: str, **wish: Any) -> Any:
        """The response to a question."""
        headers = wish.pop("headers", None)
        body = {"question": question, **wish}
        return self.client.post(
            f"/api/v1/chats/{chat}/turns", body, format="json", headers=headers
        )

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}")


@pytest.fixture
def talker(owner: User) -> Talker:
    return Talker(owner)
