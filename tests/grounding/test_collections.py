"""Questions and chats that keep to collections."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_found_generation, make_found_source
from webapp.accounts.models import User
from webapp.collections.models import Collection
from webapp.collections.operations import (
    CollectionWish,
    add_items,
    create_collection,
    trash_collection,
)
from webapp.collections.queries import ItemReference
from webapp.grounding.models import Answer
from webapp.grounding.operations import Scope, read_scope, retrieve, store_scope

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner() -> User:
    return make_user()


def collect(owner: User, *items: ItemReference) -> Collection:
    made = create_collection(owner=owner, wish=CollectionWish("Lamps"))
    add_items(collection=made, items=items)
    return made


def post(user: User, address: str, body: dict[str, Any]) -> Any:
    client = APIClient()
    client.force_authenticate(user)
    return client.post(address, body, format="json")


def test_only_what_a_collection_holds_is_looked_through(owner: User) -> None:
    make_found_source(owner=owner, texts=["The lamp is green."])
    inside = make_found_source(owner=owner, texts=["The lamp is violet."])
    made = make_found_generation(owner=owner, prompt="A lamp that is red.")
    held = collect(owner, ItemReference(source_id=inside.id), ItemReference(generation_id=made.id))
    scope = Scope(collection_ids=(held.id,), include_generations=False)
    hits = retrieve(owner, "lamp", scope, EMBEDDER)
    assert {hit.source_id or hit.generation_id for hit in hits} == {inside.id, made.id}
    assert retrieve(owner, "lamp", Scope(collection_ids=()), EMBEDDER) == ()
    assert read_scope(store_scope(scope)) == scope
    trash_collection(collection=held)
    assert retrieve(owner, "lamp", scope, EMBEDDER) == ()


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/api/v1/answers", {"question": "Which lamp?"}),
        ("/api/v1/chats", {"title": "Lamps"}),
    ],
)
def test_collections_of_others_and_documents_beside_them_are_refused(
    owner: User, address: str, body: dict[str, Any]
) -> None:
    source = make_found_source(owner=owner, texts=["The lamp is violet."])
    mine, theirs = collect(owner), collect(make_user())
    for more in (
        {"collections": [str(theirs.id)]},
        {"collections": [str(mine.id), str(uuid.uuid4())]},
        {"collections": [str(mine.id)], "source_ids": [str(source.id)]},
    ):
        answer = post(owner, address, {**body, **more})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/collections"
    assert not Answer.objects.exists()
    assert post(owner, address, {**body, "collections": [str(mine.id)]}).status_code == 201


def test_a_chat_whose_collection_was_removed_finds_nothing_rather_than_all(owner: User) -> None:
    source = make_found_source(owner=owner, texts=["The lamp is violet."])
    held = collect(owner, ItemReference(source_id=source.id))
    chat = post(owner, "/api/v1/chats", {"collections": [str(held.id)]}).json()
    assert chat["collections"] == [str(held.id)]
    turns = chat["links"]["turns"]
    first = post(owner, turns, {"question": "Which lamp?"}).json()
    assert first["answer"]["num_passages"] == 1
    trash_collection(collection=held)
    second = post(owner, turns, {"question": "Which lamp is violet?"}).json()
    assert second["answer"]["num_passages"] == 0
    page = Client()
    page.force_login(owner)
    assert "a collection that was removed" in page.get(f"/chats/{chat['id']}").content.decode()


def test_pages_offer_ones_collections_and_refuse_those_of_others(owner: User) -> None:
    source = make_found_source(owner=owner, texts=["The lamp is violet."])
    held = collect(owner, ItemReference(source_id=source.id))
    page = Client()
    page.force_login(owner)
    assert f'value="{held.id}" checked' in page.get(f"/ask?collection={held.id}").content.decode()
    assert f'value="{held.id}"' in page.get("/chats").content.decode()
    body = {"question": "Which lamp?", "collection": str(held.id)}
    assert page.post("/ask/question", body).status_code == 302
    assert Answer.objects.get().num_passages == 1
    page.force_login(make_user())
    refused = page.post("/ask/question", body)
    assert refused.status_code == 422
    assert "Which lamp?" in refused.content.decode()
    assert "Lamps" not in refused.content.decode()
