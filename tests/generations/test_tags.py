"""Tags: one for each owner whatever its case, renamed, merged and removed everywhere at once."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.factories import make_generation, make_user
from webapp.accounts.models import Role, User
from webapp.generations.models import Generation, Tag
from webapp.generations.tag_operations import name_tags, set_tags
from webapp.generations.tags import key_of

pytestmark = pytest.mark.django_db
TAGS = "/api/v1/tags"


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def tags_of(generation: Generation) -> list[str]:
    return Generation.objects.get(id=generation.id).tags


def listed(user: User, **query: str) -> dict[str, int]:
    rows = client_for(user).get(TAGS, query).json()["data"]
    return {row["name"]: row["num_generations"] for row in rows}


def address_of(user: User, name: str) -> str:
    return f"{TAGS}/{Tag.objects.get(owner=user, key=key_of(name)).id}"


def patch(user: User, tag: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return client_for(user).patch(
        address_of(user, tag), body, format="json", headers=headers or {}
    )


def test_a_tag_is_one_whatever_its_case_composition_and_blanks():
    owner, other = make_user(), make_user()
    first = make_generation(owner=owner, tags=("Café  noir", "boat"))
    apart = unicodedata.normalize("NFD", "CAFÉ NOIR")
    second = make_generation(owner=owner, tags=(apart, " café noir "))
    assert tags_of(first) == ["Café noir", "boat"]
    assert tags_of(second) == ["Café noir"]
    assert tags_of(make_generation(owner=other, tags=("BOAT",))) == ["BOAT"]
    assert listed(owner) == {"boat": 1, "Café noir": 2}
    assert listed(owner, prefix="CAF") == {"Café noir": 2}
    found = client_for(owner).get("/api/v1/generations", {"tag": "CAFÉ noir,Boat"}).json()["data"]
    assert [row["id"] for row in found] == [str(first.id)]
    assert client_for(owner).get("/api/v1/generations", {"tag": "theirs"}).json()["data"] == []
    reviewer = client_for(make_user(Role.REVIEWER))
    assert len(reviewer.get("/api/v1/generations", {"tag": "boat"}).json()["data"]) == 2


def test_the_list_goes_on_where_it_ended_in_one_query(django_assert_num_queries):
    owner = make_user()
    name_tags(owner=owner, tags=[f"tag {number}" for number in range(7)])
    client, seen, cursor = client_for(owner), list[str](), ""
    while True:
        with django_assert_num_queries(1):
            page = client.get(TAGS, {"limit": "3", "cursor": cursor}).json()
        seen += [row["name"] for row in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == [f"tag {number}" for number in range(7)]
    assert client.get(TAGS, {"cursor": "%"}).status_code == 422
    assert client.get(TAGS, {"sort": "name"}).status_code == 422


def test_a_tag_is_renamed_everywhere_and_merged_only_when_told():
    owner, other = make_user(), make_user()
    both = make_generation(owner=owner, tags=("ship", "sea", "boat"))
    one = make_generation(owner=owner, tags=("boat",))
    theirs = make_generation(owner=other, tags=("boat",))
    assert patch(owner, "boat", name="Boat").json()["name"] == "Boat"
    told = patch(owner, "boat", name="SHIP")
    assert (told.status_code, told.json()["code"]) == (409, "conflict")
    assert tags_of(both) == ["ship", "sea", "Boat"]
    merged = patch(owner, "boat", name="SHIP", merge=True)
    assert (merged.json()["name"], merged.json()["num_generations"]) == ("ship", 2)
    assert (tags_of(both), tags_of(one)) == (["ship", "sea"], ["ship"])
    assert tags_of(theirs) == ["boat"]
    assert listed(owner) == {"sea": 1, "ship": 2}
    for name, code in (("a,b", "invalid_character"), (" ", "blank")):
        refused = patch(owner, "sea", name=name)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)


def test_a_late_change_of_a_tag_or_of_tags_changes_nothing():
    owner = make_user()
    generation = make_generation(owner=owner, tags=("boat",))
    client = client_for(owner)
    read = client.get(address_of(owner, "boat"))["ETag"]
    assert patch(owner, "boat", {"If-Match": read}, name="ship").status_code == 200
    late = patch(owner, "ship", {"If-Match": read}, name="raft")
    assert late.status_code == 412
    assert client.delete(address_of(owner, "ship"), headers={"If-Match": read}).status_code == 412
    address = f"/api/v1/generations/{generation.id}"
    seen = client.get(address)["ETag"]
    for tags, status in ((["sea"], 200), (["late"], 412)):
        answer = client.put(
            f"{address}/tags", {"tags": tags}, format="json", headers={"If-Match": seen}
        )
        assert answer.status_code == status
    assert answer["ETag"] == client.get(f"{address}/tags")["ETag"]
    assert tags_of(generation) == ["sea"]


def test_deleting_a_tag_takes_it_off_what_is_in_the_trash_too():
    owner = make_user()
    kept = make_generation(owner=owner, tags=("boat", "sea"))
    trashed = make_generation(owner=owner, tags=("boat",))
    client = client_for(owner)
    client.delete(f"/api/v1/generations/{trashed.id}")
    assert listed(owner)["boat"] == 1
    assert client.delete(address_of(owner, "boat")).status_code == 204
    assert (tags_of(kept), tags_of(trashed)) == (["sea"], [])


def test_many_are_tagged_together_or_none():
    owner, admin = make_user(), make_user(Role.ADMIN)
    mine = [make_generation(owner=owner, tags=("old", "Sea")) for _ in range(2)]
    theirs = make_generation(owner=make_user())

    def send(user: User, *rows: Generation, **words: list[str]) -> Any:
        body = {"generations": [str(row.id) for row in rows], **words}
        return client_for(user).post("/api/v1/generations/tags", body, format="json")

    refused = send(owner, *mine, theirs, add=["new"])
    assert refused.json()["errors"][0]["pointer"] == "/generations/2"
    assert send(owner, mine[0], add=[f"t{n}" for n in range(19)]).status_code == 422
    assert tags_of(mine[0]) == ["old", "Sea"]
    words = {"add": ["SEA", "new"], "remove": ["OLD"]}
    assert send(owner, *mine, **words).json() == {"changed": 2}
    assert send(owner, *mine, **words).json() == {"changed": 0}
    assert tags_of(mine[1]) == ["Sea", "new"]
    assert send(admin, theirs, mine[0], add=["NEW"]).json() == {"changed": 1}
    assert Tag.objects.get(owner=theirs.owner).name == "NEW"


def test_the_same_key_makes_one_tag_and_a_taken_name_none():
    client = client_for(make_user())
    answers = [
        client.post(TAGS, {"name": name}, format="json", headers={"Idempotency-Key": key})
        for name, key in (("boat", "a"), ("boat", "a"), ("sea", "a"), ("BOAT", "b"))
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 422, 409]
    assert answers[0].json() == answers[1].json()


def test_tags_are_ticked_typed_renamed_and_deleted_in_the_browser(client: Client):
    owner = make_user()
    generation = make_generation(owner=owner, tags=("boat",))
    set_tags(generation=make_generation(owner=owner), tags=["sea"])
    client.force_login(owner)
    address = f"/generations/{generation.id}/tags"
    page = client.get(address).content.decode()
    assert page.count('type="checkbox"') == 2
    refused = client.post(address, {"tag": ["boat"], "new": "x" * 65})
    assert refused.status_code == 422
    assert "x" * 65 in refused.content.decode()
    assert client.post(address, {"tag": ["sea"], "new": "Moon, stars"}).status_code == 302
    assert tags_of(generation) == ["sea", "Moon", "stars"]
    moon = Tag.objects.get(owner=owner, key="moon")
    asked = client.post(f"/library/tags/{moon.id}/rename", {"name": "sea"})
    assert (asked.status_code, b"Make one" in asked.content) == (409, True)
    client.post(f"/library/tags/{moon.id}/rename", {"name": "sea", "merge": "1"})
    assert tags_of(generation) == ["sea", "stars"]
    stars = Tag.objects.get(owner=owner, key="stars")
    assert b"stars" in client.get("/library/tags").content
    client.post(f"/library/tags/{stars.id}/delete")
    assert tags_of(generation) == ["sea"]
