"""REST and the page: spaces of embedders on servers, for those who run the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.embedding.server import Server, running_server
from tests.factories import make_user
from tests.pages.html import Page
from tests.search.factories import EMBEDDER, make_found_source
from webapp.accounts.models import Role, User
from webapp.search.models import EmbeddingSpace
from webapp.search.space_filling import SpaceFiller

pytestmark = pytest.mark.django_db
SPACES = "/api/v1/embedding-spaces"


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with running_server() as server:
        settings.OUTBOUND_ALLOW = frozenset({f"127.0.0.1:{server.server_address[1]}"})
        yield server


@pytest.fixture
def admin() -> User:
    return make_user(Role.ADMIN)


@pytest.fixture
def client(admin: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(admin)
    return client


def wish(server: Server, **changes: object) -> dict[str, Any]:
    return {
        "embedder": "service",
        "url": server.url,
        "model": "tiny",
        "dims": 2,
        "key": "a secret of the server",
        **changes,
    }


def test_a_space_on_a_server_from_the_first_vector_to_the_last(
    client: APIClient, server: Server, admin: User
) -> None:
    make_found_source(owner=admin, texts=["A violet lamp", "A copper lamp"])
    made = client.post(SPACES, wish(server), format="json")
    assert made.status_code == 201
    assert b"secret of the server" not in made.content
    assert "a secret" not in EmbeddingSpace.objects.get(name="service:tiny:2").key
    body = made.json()
    assert (body["status"], body["progress"]["done"], body["progress"]["total"]) == (
        "filling",
        0,
        2,
    )
    assert body["embedder"]["has_key"] is True
    address = f"{SPACES}/{body['id']}"
    early = client.post(f"{address}/switch", {}, format="json")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert "2 passages have no vector" in early.json()["detail"]
    SpaceFiller().take_turn(seconds=60, go_on=lambda: True)
    assert server.keys[-1] == "Bearer a secret of the server"
    assert client.get(address).json()["status"] == "ready"
    assert client.post(f"{address}/switch", {}, format="json").json()["status"] == "active"
    found = client.get("/api/v1/search", {"q": "lamp"}).json()
    assert (found["space"], found["mode"]) == ("service:tiny:2", "hybrid")
    assert client.delete(address).status_code == 409
    back = client.post(f"{address}/rollback")
    assert back.json()["name"] == EMBEDDER.name
    assert client.post(f"{address}/rollback").status_code == 409
    assert client.post(f"{address}/check").status_code == 202


def test_a_server_that_goes_away_leaves_words(
    client: APIClient, server: Server, admin: User
) -> None:
    make_found_source(owner=admin, texts=["A violet lamp"])
    made = client.post(SPACES, wish(server), format="json").json()
    SpaceFiller().take_turn(seconds=60, go_on=lambda: True)
    client.post(f"{SPACES}/{made['id']}/switch", {}, format="json")
    server.status = 500
    found = client.get("/api/v1/search", {"q": "violet lamp"}).json()
    assert (found["mode"], found["total"]) == ("keyword", 1)


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"dims": 3}, "/url", "width"),
        ({"url": "http://localhost:8099/v1"}, "/url", "private network"),
        ({"dims": "2"}, "/dims", ""),
        ({"colour": "red"}, "/colour", "no such member"),
    ],
)
def test_a_wrong_wish_leaves_nothing_behind(
    client: APIClient, server: Server, change: dict[str, object], pointer: str, said: str
) -> None:
    answer = client.post(SPACES, wish(server, **change), format="json")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]
    assert not EmbeddingSpace.objects.exists()


def test_the_second_of_a_kind_and_what_is_not_there_are_refused(
    client: APIClient, server: Server, admin: User
) -> None:
    make_found_source(owner=admin, texts=["A violet lamp"])
    assert client.post(SPACES, wish(server), format="json").status_code == 201
    again = client.post(SPACES, wish(server), format="json")
    assert (again.status_code, EmbeddingSpace.objects.count()) == (409, 2)
    assert client.get(f"{SPACES}/987654").status_code == 404
    assert client.delete(f"{SPACES}/987654").status_code == 404


def test_the_page_shows_and_does_the_same(server: Server, admin: User) -> None:
    make_found_source(owner=admin, texts=["A violet lamp"])
    browser = Client()
    browser.force_login(admin)
    refused = browser.post("/spaces/add", wish(server, dims="3"))
    assert refused.status_code == 422
    assert server.url in refused.content.decode(), "what was typed is kept"
    assert browser.post("/spaces/add", wish(server)).status_code == 302
    space = EmbeddingSpace.objects.get(name="service:tiny:2")
    shown = browser.get("/spaces").content.decode()
    assert Page(shown).breaches() == []
    assert "secret of the server" not in shown
    assert "0 of 1 passages" in " ".join(shown.split())
    early = browser.post(f"/spaces/{space.id}", {"act": "switch"}, follow=True)
    assert "1 passage has no vector in it yet." in early.content.decode()
    SpaceFiller().take_turn(seconds=60, go_on=lambda: True)
    browser.post(f"/spaces/{space.id}", {"act": "switch"})
    assert "Go back to" in browser.get("/spaces").content.decode()
    browser.post(f"/spaces/{space.id}", {"act": "roll-back"})
    dropped = browser.post(f"/spaces/{space.id}", {"act": "drop"}, follow=True)
    assert "Wait a minute" in dropped.content.decode()
    assert browser.post(f"/spaces/{space.id}", {"act": "burn"}).status_code == 404
