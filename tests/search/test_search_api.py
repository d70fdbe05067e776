"""REST: search and similar, with their filters, faults and strangers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from rest_framework.test import APIClient

from genmodels.embedding import UnableToEmbed, install_embedder
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_found_generation, make_found_source
from webapp.accounts.models import User

pytestmark = pytest.mark.django_db


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


def test_a_search_answers_with_hits_and_why(owner: User) -> None:
    made = make_found_generation(owner=owner, prompt="a violet lamp")
    source = make_found_source(owner=owner, texts=["violet lamps in winter"], title="On lamps")
    body = client_for(owner).get("/api/v1/search", {"q": "violet lamp"}).json()
    assert {hit["origin"]["id"] for hit in body["data"]} == {str(made.id), str(source.id)}
    assert body["total"] == 2
    assert body["has_more"] is False
    assert body["next_cursor"] is None
    assert body["space"] == EMBEDDER.name
    parts = body["data"][0]["score_parts"]
    assert set(parts) == {"keyword", "keyword_share", "similarity", "similarity_share"}
    assert {hit["origin"]["title"] for hit in body["data"]} == {"a violet lamp", "On lamps"}


def test_a_cursor_continues_where_the_page_ended(owner: User) -> None:
    for number in range(5):
        make_found_generation(owner=owner, prompt=f"lamp {number}")
    client = client_for(owner)
    seen: list[str] = []
    cursor = ""
    while True:
        query = {"q": "lamp", "limit": "2", **({"cursor": cursor} if cursor else {})}
        body = client.get("/api/v1/search", query).json()
        seen += [hit["id"] for hit in body["data"]]
        if not body["has_more"]:
            break
        cursor = body["next_cursor"]
    assert len(seen) == len(set(seen)) == 5


def test_strangers_find_nothing_and_the_anonymous_are_sent_away(owner: User) -> None:
    made = make_found_generation(owner=owner, prompt="a violet lamp")
    stranger = client_for(make_user())
    assert stranger.get("/api/v1/search", {"q": "violet lamp"}).json()["data"] == []
    assert stranger.get(f"/api/v1/generations/{made.id}/similar").status_code == 404
    for path in ("/api/v1/search?q=lamp", f"/api/v1/generations/{made.id}/similar"):
        assert APIClient().get(path).status_code in {401, 403}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "?q"),
        ({"q": "  "}, "?q"),
        ({"q": "x" * 2_001}, "?q"),
        ({"q": "a", "mode": "magic"}, "?mode"),
        ({"q": "a", "limit": "0"}, "?limit"),
        ({"q": "a", "limit": "-1"}, "?limit"),
        ({"q": "a", "limit": "9999"}, "?limit"),
        ({"q": "a", "offset": "²"}, "?offset"),
        ({"q": "a", "cursor": "nonsense"}, "?cursor"),
        ({"q": "a", "family": "magic"}, "?family"),
        ({"q": "a", "from": "yesterday"}, "?from"),
        ({"q": "a", "from": "2026-01-01T00:00:00"}, "?from"),
        ({"q": "a", "source": "1"}, "?source"),
        ({"q": "a", "owner": "me"}, "?owner"),
        ({"q": "a", "colour": "red"}, "?colour"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    owner: User, query: dict[str, str], pointer: str
) -> None:
    response = client_for(owner).get("/api/v1/search", query)
    assert response.status_code == 422
    assert pointer in {fault["pointer"] for fault in response.json()["errors"]}


def test_filters_reach_the_statement(owner: User) -> None:
    made = make_found_generation(owner=owner, prompt="a violet lamp", tags=("keep",))
    make_found_source(owner=owner, texts=["violet lamps"])
    client = client_for(owner)
    for query in (
        {"kind": "text"},
        {"family": "transformer"},
        {"tag": "keep"},
        {"model": "toy-text"},
        {"kind": "text", "from": "2020-01-01T00:00:00Z", "owner": str(owner.pk)},
    ):
        body = client.get("/api/v1/search", {"q": "violet lamp", **query}).json()
        assert [hit["origin"]["id"] for hit in body["data"]] == [str(made.id)], query
    late = client.get("/api/v1/search", {"q": "lamp", "to": "2020-01-01T00:00:00Z"}).json()
    assert late["data"] == []
    no_source = client.get("/api/v1/search", {"q": "lamp", "source": str(uuid.uuid4())}).json()
    assert no_source["data"] == []


def test_similar_lists_the_others(owner: User) -> None:
    made = make_found_generation(owner=owner, prompt="a violet lamp")
    near = make_found_generation(owner=owner, prompt="a violet lamp in winter")
    body = client_for(owner).get(f"/api/v1/generations/{made.id}/similar").json()
    assert [hit["origin"]["id"] for hit in body["data"]] == [str(near.id)]


def test_facets_count_what_was_found_by_kind_model_and_tag(owner: User) -> None:
    make_found_generation(owner=owner, prompt="a violet lamp", tags=["night", "lamp"])
    make_found_generation(owner=owner, prompt="a violet lamp again", tags=["lamp"])
    make_found_source(owner=owner, texts=["violet lamps", "lamps that are violet"])
    make_found_generation(owner=make_user(), prompt="a violet lamp", tags=["theirs"])
    client = client_for(owner)
    assert client.get("/api/v1/search", {"q": "violet lamp"}).json()["facets"] == {}
    facets = client.get("/api/v1/search", {"q": "violet lamp", "facets": "true"}).json()["facets"]
    assert facets["tag"] == {"lamp": 2, "night": 1}
    assert facets["kind"]["document"] == 1
    assert facets["provenance"] == {"real": 1, "synthetic": 2}
    assert sum(facets["model"].values()) == 2


def test_provenance_and_language_narrow_a_search(owner: User) -> None:
    made = make_found_generation(owner=owner, prompt="the harbour and the lamp")
    german = "Der Hafen ist nicht weit, und das Licht auf dem Schiff ist die lamp."
    source = make_found_source(owner=owner, texts=[german])
    client = client_for(owner)

    def origins(**fields: str) -> list[str]:
        body = client.get("/api/v1/search", {"q": "lamp", **fields}).json()
        return [hit["origin"]["id"] for hit in body["data"]]

    assert origins(provenance="synthetic") == [str(made.id)]
    assert origins(provenance="real") == [str(source.id)]
    assert origins(language="de") == [str(source.id)]
    response = client.get("/api/v1/search", {"q": "x", "provenance": "stolen", "facets": "maybe"})
    assert response.status_code == 422
    assert {fault["pointer"] for fault in response.json()["errors"]} == {"?provenance", "?facets"}


class UnreachableEmbedder:
    """An embedder whose server is away."""

    name, dims = EMBEDDER.name, EMBEDDER.dims

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise UnableToEmbed(f"the server does not answer for {len(texts)} texts")


def test_while_the_embedder_is_away_words_are_searched_for(owner: User) -> None:
    made = make_found_generation(owner=owner, prompt="a violet lamp")
    install_embedder(UnreachableEmbedder())
    body = client_for(owner).get("/api/v1/search", {"q": "lamp"}).json()
    assert body["mode"] == "keyword"
    assert [hit["origin"]["id"] for hit in body["data"]] == [str(made.id)]
    refused = client_for(owner).get("/api/v1/search", {"q": "lamp", "mode": "vector"})
    assert refused.status_code == 503
    assert refused.json()["code"] == "embedder_unavailable"
    assert refused["Retry-After"]
