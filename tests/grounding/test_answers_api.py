"""REST: questions and answers, for who asked and for strangers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_found_source
from webapp.accounts.models import User
from webapp.grounding.models import Answer

pytestmark = pytest.mark.django_db

LIST = "/api/v1/answers"
TEXT = "The harbour lamp was lit by Anna Berg. <b>It smells</b> of http://oil.example/x."


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner() -> User:
    return make_user()


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def ask(user: User, **body: Any) -> Any:
    return client_for(user).post(LIST, {"question": "harbour lamp lit", **body}, format="json")


def test_an_answer_comes_with_numbered_quotes(owner: User) -> None:
    source = make_found_source(owner=owner, texts=[TEXT], title="Harbour")
    response = ask(owner)
    assert response.status_code == 201
    body = response.json()
    assert body["found"] is True
    assert body["text"].startswith("The harbour lamp was lit by Anna Berg. [1]")
    citation = body["citations"][0]
    assert citation["origin"] == {
        "type": "document",
        "id": str(source.id),
        "title": "Harbour",
        "link": f"/api/v1/documents/{source.id}",
    }
    assert TEXT[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["passage"] == TEXT
    assert client_for(owner).get(response["Location"]).json() == body


def test_nothing_found_is_an_answer_too(owner: User) -> None:
    response = ask(owner)
    assert response.status_code == 201
    assert response.json()["found"] is False
    assert response.json()["text"] is None
    assert response.json()["citations"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"question": ""},
        {"question": "   "},
        {"question": "x" * 2_001},
        {"question": "lamp", "k": 0},
        {"question": "lamp", "k": 21},
        {"question": "lamp", "source_ids": ["x"]},
        {"question": "lamp", "tools": []},
    ],
)
def test_a_bad_question_is_refused(owner: User, body: dict[str, Any]) -> None:
    assert ask(owner, **body).status_code == 422
    assert not Answer.objects.exists()


def test_strangers_see_neither_question_nor_answer(owner: User) -> None:
    source = make_found_source(owner=owner, texts=[TEXT])
    answer_id = ask(owner).json()["id"]
    stranger = make_user()
    assert client_for(stranger).get(f"{LIST}/{answer_id}").status_code == 404
    assert client_for(stranger).get(LIST).json()["data"] == []
    assert ask(stranger).json()["found"] is False
    assert ask(stranger, source_ids=[str(source.id)]).json()["found"] is False
    assert client_for(owner).get(f"{LIST}/{uuid.uuid4()}").status_code == 404
    for path in (LIST, f"{LIST}/{answer_id}"):
        assert APIClient().get(path).status_code in {401, 403}
    assert APIClient().post(LIST, {"question": "lamp"}, format="json").status_code in {401, 403}


def test_the_list_holds_what_was_asked_newest_first(owner: User) -> None:
    for question in ("first question", "second question"):
        ask(owner, question=question)
    rows = client_for(owner).get(LIST).json()["data"]
    assert [row["question"] for row in rows] == ["second question", "first question"]


def test_the_same_key_gives_the_same_answer(owner: User) -> None:
    client, headers = client_for(owner), {"Idempotency-Key": "k1"}
    body = {"question": "harbour lamp lit"}
    first, second = (client.post(LIST, body, format="json", headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    other = client.post(LIST, {"question": "who else"}, format="json", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Answer.objects.count() == 1
