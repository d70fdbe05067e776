"""What an API key may do of what its user may do."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from django.db import IntegrityError
from django.test import Client
from rest_framework.test import APIClient

from tests.factories import PASSWORD, make_checkpoint, make_user
from webapp.accounts.models import ApiKey, Role, Scope, User
from webapp.accounts.operations import create_api_key
from webapp.accounts.sessions import user_of_connection

pytestmark = pytest.mark.django_db


def secret_of(user: User, scopes: Collection[Scope]) -> str:
    return create_api_key(user=user, name="k", scopes=scopes).secret


def client_of(user: User, *scopes: Scope) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret_of(user, scopes)}")
    return client


@pytest.mark.parametrize(
    ("scopes", "reads", "writes", "manages"),
    [
        ([Scope.READ], 200, 403, 403),
        ([Scope.WRITE], 403, 202, 403),
        ([Scope.MANAGE], 403, 403, 200),
        (list(Scope), 200, 202, 200),
    ],
)
def test_a_key_does_no_more_than_its_scopes_say(
    scopes: list[Scope], reads: int, writes: int, manages: int
) -> None:
    make_checkpoint()
    client = client_of(make_user(Role.ADMIN), *scopes)
    wish = {"model": "toy-text", "prompt": "x"}
    assert client.get("/api/v1/models").status_code == reads
    assert client.get("/openai/v1/models").status_code == reads
    assert client.post("/api/v1/generations", wish, format="json").status_code == writes
    assert client.get("/api/v1/embedding-spaces").status_code == manages
    assert client.get("/api/v1/api-keys").status_code == manages


def test_a_refusal_names_the_scope_that_is_missing() -> None:
    refused = client_of(make_user(), Scope.READ).post("/api/v1/generations", {}, format="json")
    assert refused.json()["code"] == "permission_denied"
    assert "'write'" in refused.json()["detail"]


def test_no_key_can_give_itself_more() -> None:
    user = make_user()
    client = client_of(user, Scope.READ, Scope.WRITE)
    body = {"name": "more", "scopes": ["manage"]}
    assert client.post("/api/v1/api-keys", body, format="json").status_code == 403
    assert ApiKey.objects.filter(user=user).count() == 1


def test_a_scope_gives_no_role() -> None:
    assert client_of(make_user(), Scope.MANAGE).get("/api/v1/embedding-spaces").status_code == 403


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        ({}, ["read", "write"]),
        ({"scopes": ["manage", "read"]}, ["read", "manage"]),
        ({"scopes": []}, None),
        ({"scopes": ["everything"]}, None),
        ({"scopes": "read"}, None),
    ],
)
def test_new_keys_say_what_they_may(sent: dict[str, object], given: list[str] | None) -> None:
    client = client_of(make_user(), Scope.MANAGE)
    made = client.post("/api/v1/api-keys", {"name": "new", **sent}, format="json")
    if given is None:
        assert made.status_code == 422
        assert made.json()["errors"][0]["pointer"].startswith("/scopes")
    else:
        assert made.json()["scopes"] == given


def test_the_page_makes_keys_with_the_scopes_that_are_ticked() -> None:
    user, browser = make_user(), Client()
    browser.login(username=user.username, password=PASSWORD)
    page = browser.post("/account/keys", {"name": "page", "scope": ["read", "nonsense"]})
    assert page.status_code == 200
    assert ApiKey.objects.get(user=user).scopes == ["read"]
    refused = browser.post("/account/keys", {"name": "none"})
    assert refused.status_code == 422
    assert ApiKey.objects.filter(user=user).count() == 1


def test_a_stream_needs_a_key_that_reads() -> None:
    user = make_user()
    for scopes, expected in (([Scope.READ], user), ([Scope.WRITE], None)):
        header = f"Bearer {secret_of(user, scopes)}".encode()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/events",
            "headers": [(b"authorization", header)],
        }
        assert user_of_connection(scope) == expected


def test_the_database_knows_the_scopes_too() -> None:
    user = make_user()
    with pytest.raises(IntegrityError):
        ApiKey.objects.create(user=user, name="k", prefix="x", digest="y", scopes=["all"])
