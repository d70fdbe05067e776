"""Searches that keep to collections and scores, and what they count of both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_found_generation, make_found_source
from webapp.accounts.models import Role, User
from webapp.collections.models import Collection
from webapp.collections.operations import CollectionWish, add_items, create_collection
from webapp.collections.queries import ItemReference
from webapp.generations.models import Generation
from webapp.search.results import SearchFilter
from webapp.search.statement import search_statement

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner() -> User:
    return make_user()


def collect(owner: User, name: str, *items: ItemReference) -> Collection:
    made = create_collection(owner=owner, wish=CollectionWish(name))
    add_items(collection=made, items=items)
    return made


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def found(user: User, **fields: str) -> set[str]:
    body = client_for(user).get("/api/v1/search", {"q": "violet lamp", **fields}).json()
    return {hit["origin"]["id"] for hit in body["data"]}


def facets(user: User) -> dict[str, dict[str, int]]:
    fields = {"q": "violet lamp", "facets": "true"}
    counts: dict[str, dict[str, int]] = (
        client_for(user).get("/api/v1/search", fields).json()["facets"]
    )
    return counts


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "vector"])
def test_a_search_keeps_to_generations_and_documents_of_collections(
    owner: User, mode: str
) -> None:
    lamp = make_found_generation(owner=owner, prompt="a violet lamp")
    other = make_found_generation(owner=owner, prompt="another violet lamp")
    notes = make_found_source(owner=owner, texts=["violet lamps in winter"])
    first = collect(
        owner, "First", ItemReference(generation_id=lamp.id), ItemReference(source_id=notes.id)
    )
    second = collect(owner, "Second", ItemReference(generation_id=other.id))
    empty = collect(owner, "Empty")
    assert found(owner, mode=mode, collection=str(first.id)) == {str(lamp.id), str(notes.id)}
    both = f"{first.id},{second.id}"
    assert len(found(owner, mode=mode, collection=both)) == 3
    assert found(owner, mode=mode, collection=str(empty.id)) == set()


def test_collections_of_others_are_neither_searched_nor_told_of(owner: User) -> None:
    lamp = make_found_generation(owner=owner, prompt="a violet lamp")
    reviewer = make_user(Role.REVIEWER)
    theirs = collect(reviewer, "Suspicious", ItemReference(generation_id=lamp.id))
    mine = collect(owner, "Mine", ItemReference(generation_id=lamp.id))
    assert found(owner, collection=str(theirs.id)) == set()
    assert facets(owner)["collection"] == {str(mine.id): 1}
    assert found(reviewer, collection=str(mine.id)) == {str(lamp.id)}
    assert facets(reviewer)["collection"] == {str(mine.id): 1, str(theirs.id): 1}


def test_scores_narrow_a_search_and_are_counted_in_whole_stars(owner: User) -> None:
    scores = (4.5, 3.4, None)
    rows = [make_found_generation(owner=owner, prompt=f"violet lamp {place}") for place in "abc"]
    for row, mean in zip(rows, scores, strict=True):
        Generation.objects.filter(id=row.id).update(mean_score=mean)
    make_found_source(owner=owner, texts=["violet lamps"])
    best, fair, _ = (str(row.id) for row in rows)
    assert found(owner, min_score="4") == {best}
    assert found(owner, max_score="4.4") == {fair}
    assert found(owner, min_score="1") == {best, fair}
    assert facets(owner)["score"] == {"5": 1, "3": 1}
    for fields in (
        {"min_score": "0"},
        {"max_score": "6"},
        {"min_score": "٣"},
        {"collection": "x"},
    ):
        answer = client_for(owner).get("/api/v1/search", {"q": "x", **fields})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"?{next(iter(fields))}"


def test_the_library_narrows_down_by_collection_and_stars(owner: User) -> None:
    lamp = make_found_generation(owner=owner, prompt="a violet lamp")
    other = make_found_generation(owner=owner, prompt="a violet lamp elsewhere")
    Generation.objects.filter(id=lamp.id).update(mean_score=3.6, num_scores=1)
    kept = collect(owner, "Lamps & shades", ItemReference(generation_id=lamp.id))
    page = Client()
    page.force_login(owner)
    shown = page.get("/library?q=violet+lamp").content.decode()
    assert f"collection={kept.id}" in shown
    assert "Lamps &amp; shades" in shown
    assert "4 stars or more" in shown
    for query in (f"collection={kept.id}", "score=4", f"collection={kept.id}&q=violet+lamp"):
        narrowed = page.get(f"/library?{query}").content.decode()
        assert f'href="/generations/{lamp.id}"' in narrowed
        assert f'href="/generations/{other.id}"' not in narrowed
    page.force_login(make_user())
    refused = page.get(f"/library?collection={kept.id}").content.decode()
    assert "Lamps" not in refused
    assert "There is no collection" in refused


def test_a_search_without_these_filters_is_the_statement_without_them() -> None:
    plain = search_statement(
        space=None, with_terms=True, sees_everything=False, filters=frozenset(), pool=50
    )
    assert "collections_" not in plain
    assert "mean_score" not in plain
    assert SearchFilter().named() == {}
