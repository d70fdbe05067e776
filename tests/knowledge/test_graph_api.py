"""The graph over REST: lists, one entity, what is said, and merging by hand."""

from __future__ import annotations

import uuid

import pytest
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.knowledge.graphs import entity, make_graph
from webapp.accounts.models import Role, User
from webapp.search.models import Passage

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    user = make_user()
    make_graph(user)
    return user


def client(user: User) -> APIClient:
    api = APIClient()
    api.force_authenticate(user)
    return api


@pytest.fixture
def api(owner: User) -> APIClient:
    return client(owner)


def address(name: str, end: str = "") -> str:
    return f"/api/v1/entities/{entity(name).id}{end}"


def test_the_list_is_searched_narrowed_and_paged(api: APIClient) -> None:
    first = api.get("/api/v1/entities", {"limit": 2}).json()
    assert first["data"][0]["name"] == "Charles Babbage"
    assert (first["data"][0]["num_mentions"], first["data"][0]["num_origins"]) == (3, 1)
    rest = api.get("/api/v1/entities", {"cursor": first["next_cursor"]}).json()
    assert not rest["has_more"]
    everything = api.get("/api/v1/entities").json()["data"]
    assert first["data"] + rest["data"] == everything
    people = api.get("/api/v1/entities", {"kind": "person", "q": "ada"}).json()["data"]
    assert [row["name"] for row in people] == ["Ada Lovelace"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"kind": "ghost"}, "?kind"),
        ({"limit": "0"}, "?limit"),
        ({"cursor": "x"}, "?cursor"),
        ({"q": "a" * 201}, "?q"),
        ({"colour": "red"}, "?colour"),
    ],
)
def test_bad_parameters_are_named(api: APIClient, query: dict[str, str], pointer: str) -> None:
    answer = api.get("/api/v1/entities", query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_one_entity_lists_its_spellings(api: APIClient) -> None:
    body = api.get(address("Charles Babbage")).json()
    assert [alias["text"] for alias in body["aliases"]] == ["Babbage", "Charles Babbage"]
    assert (body["kind"], body["merged"], body["merged_into"]) == ("person", [], None)


def test_a_relation_quotes_its_sentence(api: APIClient) -> None:
    rows = api.get(address("Charles Babbage", "/relations")).json()["data"]
    row = next(row for row in rows if row["predicate"] == "designed")
    assert row["object"]["name"] == "analytical engine"
    assert row["sentence"] == "The analytical engine was designed by Charles Babbage."
    citation = row["citation"]
    text = Passage.objects.get(id=citation["passage"]).text
    assert text[citation["start"] : citation["end"]] == row["sentence"]
    assert api.get(citation["origin"]["link"]).status_code == 200


def test_neighbours_go_as_deep_as_asked(api: APIClient) -> None:
    body = api.get(address("Ada Lovelace", "/neighbours"), {"depth": 2}).json()
    assert {row["distance"] for row in body["nodes"]} == {0, 1, 2}
    assert all(edge["citation"]["passage"] for edge in body["edges"])
    assert api.get(address("Ada Lovelace", "/neighbours"), {"depth": 9}).status_code == 422


def test_merging_is_undone_by_unmerging(api: APIClient) -> None:
    other = str(entity("Ada Lovelace").id)
    path = address("Charles Babbage", "/merge")
    for _ in range(2):
        merged = api.post(path, {"other": other}, format="json")
        assert (merged.status_code, merged.json()["merged"]) == (200, [other])
    assert api.get(f"/api/v1/entities/{other}").json()["merged_into"] == merged.json()["id"]
    assert api.post(f"/api/v1/entities/{other}/unmerge").json()["merged_into"] is None
    again = api.post(f"/api/v1/entities/{other}/unmerge")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_splitting_is_undone_by_unsplitting(api: APIClient) -> None:
    path = address("Charles Babbage")
    split = api.post(f"{path}/split", {"alias": "Babbage"}, format="json")
    assert (split.status_code, split.json()["name"]) == (200, "Babbage")
    assert api.post(f"{path}/split", {"alias": "Babbage"}, format="json").status_code == 409
    back = api.post(f"{path}/unsplit", {"alias": "Babbage"}, format="json")
    assert {alias["text"] for alias in back.json()["aliases"]} == {"Babbage", "Charles Babbage"}


@pytest.mark.parametrize(
    ("action", "body", "pointer"),
    [
        ("merge", {}, "/other"),
        ("merge", {"other": "no id"}, "/other"),
        ("merge", {"other": str(uuid.uuid4())}, "/other"),
        ("split", {"alias": "Nobody"}, "/alias"),
        ("split", {"alias": 7}, "/alias"),
        ("unsplit", {"alias": "x", "why": 1}, "/why"),
    ],
)
def test_bad_bodies_change_nothing(
    api: APIClient, action: str, body: dict[str, object], pointer: str
) -> None:
    before = api.get("/api/v1/entities").json()
    answer = api.post(address("Charles Babbage", f"/{action}"), body, format="json")
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert api.get("/api/v1/entities").json() == before


def test_an_entity_merges_with_none_of_a_stranger(api: APIClient) -> None:
    stranger = make_user()
    make_graph(stranger, ["Grace Hopper was born in Utrecht."])
    theirs = str(entity("Grace Hopper").id)
    answer = api.post(address("Charles Babbage", "/merge"), {"other": theirs}, format="json")
    assert answer.status_code == 422


def test_reviewers_read_but_do_not_merge(owner: User) -> None:
    reviewer = client(make_user(Role.REVIEWER))
    assert reviewer.get(address("Ada Lovelace")).status_code == 200
    body = {"other": str(entity("London").id)}
    answer = reviewer.post(address("Ada Lovelace", "/merge"), body, format="json")
    assert answer.status_code == 403
