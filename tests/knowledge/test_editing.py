"""Passages are cut, joined, headed and excluded by their owner; their text is the document's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.knowledge.ingesting import bring, claim, ingest
from tests.search.factories import EMBEDDER
from webapp.accounts.models import Role, User
from webapp.knowledge.editing import (
    KeptPassage,
    UnableToChangePassage,
    carve,
    exclude_passage,
    head_passage,
    join_passages,
    split_passage,
)
from webapp.knowledge.models import Source
from webapp.knowledge.operations import submit_source
from webapp.knowledge.queries import passages_of, read_source_text
from webapp.search.models import Passage, PassageVector
from webapp.search.queries import hybrid_search
from webapp.search.results import MODES
from webapp.search.segments import cut_into_segments

OIL = "Lamps burn oil. " + "They smell of it all night. " * 24
WOOD = "Stoves burn wood. " + "They warm the whole house. " * 24
TEA = "Kettles boil water. " + "The tea is ready soon after. " * 24
NOTES = f"# House\n\n{OIL}\n\n{WOOD}\n\n{TEA}\n".encode()


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def source(owner: User) -> Source:
    return bring(owner, NOTES, "house.md")


def passages(source: Source) -> list[Passage]:
    """In the order of the text, after checking that all of them are whole."""
    rows = list(passages_of(source))
    source.refresh_from_db()
    text = read_source_text(source)
    assert [row.ordinal for row in rows] == list(range(len(rows)))
    assert source.num_passages == len(rows)
    for row in rows:
        assert text[row.start : row.end] == row.text
        assert PassageVector.objects.filter(passage_id=row.id).exists()
    return rows


def first_hit(user: User, query: str) -> str:
    hits = hybrid_search(user=user, query=query, embedder=EMBEDDER, per_origin=9).hits
    return hits[0].text if hits else ""


def test_an_excluded_passage_is_not_found_until_it_is_let_in_again(
    owner: User, source: Source
) -> None:
    lamps = passages(source)[0]
    query = "Lamps burn oil. They smell of it all night."
    for mode in MODES:
        exclude_passage(source=source, passage_id=lamps.id, excluded=True)
        hits = hybrid_search(user=owner, query=query, mode=mode, embedder=EMBEDDER).hits
        assert lamps.id not in {hit.passage_id for hit in hits}
        exclude_passage(source=source, passage_id=lamps.id, excluded=False)
        hits = hybrid_search(user=owner, query=query, mode=mode, embedder=EMBEDDER).hits
        assert hits[0].passage_id == lamps.id


def test_a_heading_is_searched_at_once(owner: User, source: Source) -> None:
    stoves = passages(source)[1]
    assert first_hit(owner, "furnace") == ""
    head_passage(
        source=source, passage_id=stoves.id, heading=" The  furnace\x00", embedder=EMBEDDER
    )
    assert first_hit(owner, "furnace").startswith("Stoves")
    assert passages(source)[1].heading == "The furnace"
    with pytest.raises(UnableToChangePassage, match="500"):
        head_passage(source=source, passage_id=stoves.id, heading="x" * 501, embedder=EMBEDDER)


def test_a_passage_is_split_and_joined_again(owner: User, source: Source) -> None:
    before = passages(source)
    at = before[1].text.index("They warm")
    first, second = split_passage(source=source, passage_id=before[1].id, at=at, embedder=EMBEDDER)
    after = passages(source)
    assert len(after) == len(before) + 1
    assert (first.text, second.text) == ("Stoves burn wood.", before[1].text[at:])
    assert {first.heading, second.heading} == {"House"}
    assert first_hit(owner, "stoves wood") == "Stoves burn wood."
    joined = join_passages(source=source, passage_id=first.id, embedder=EMBEDDER)
    assert joined.text == before[1].text
    assert [row.text for row in passages(source)] == [row.text for row in before]


def test_what_cannot_be_split_or_joined_says_why(source: Source) -> None:
    rows = passages(source)
    for at in (0, len(rows[0].text), 10**8):
        with pytest.raises(UnableToChangePassage, match="no text on one side"):
            split_passage(source=source, passage_id=rows[0].id, at=at, embedder=EMBEDDER)
    with pytest.raises(UnableToChangePassage, match="last"):
        join_passages(source=source, passage_id=rows[-1].id, embedder=EMBEDDER)
    joined = join_passages(source=source, passage_id=rows[0].id, embedder=EMBEDDER)
    with pytest.raises(UnableToChangePassage, match="1,800"):
        join_passages(source=source, passage_id=joined.id, embedder=EMBEDDER)
    with pytest.raises(UnableToChangePassage, match="no longer there"):
        exclude_passage(source=source, passage_id=rows[0].id, excluded=True)


def test_nothing_is_changed_while_the_document_is_read(owner: User, source: Source) -> None:
    lamps = passages(source)[0]
    submit_source(owner=owner, content=NOTES + b"More.", file_name="house.md")
    with pytest.raises(UnableToChangePassage, match="being read"):
        exclude_passage(source=source, passage_id=lamps.id, excluded=True)


def test_changes_are_kept_in_the_next_version_where_it_says_the_same(
    owner: User, source: Source
) -> None:
    lamps, stoves, kettles = passages(source)
    exclude_passage(source=source, passage_id=lamps.id, excluded=True)
    head_passage(source=source, passage_id=stoves.id, heading="The furnace", embedder=EMBEDDER)
    split_passage(
        source=source, passage_id=kettles.id, at=kettles.text.index("The tea"), embedder=EMBEDDER
    )
    changed = NOTES.replace(b"# House", b"# House\n\nWritten anew, with a new beginning.")
    changed = changed.replace(b"Stoves burn wood", b"Stoves burn coal")
    submit_source(owner=owner, content=changed, file_name="house.md")
    ingest(claim())
    rows = {row.text: row for row in passages(source)}
    assert rows[lamps.text].is_excluded
    assert rows["Kettles boil water."].is_edited
    assert kettles.text[kettles.text.index("The tea") :] in rows
    assert not any(row.heading == "The furnace" for row in rows.values())
    assert first_hit(owner, "oil").startswith("Written anew") or "oil" not in first_hit(
        owner, "oil"
    )


@given(
    st.lists(st.sampled_from(["one two. ", "three. ", "\n\n", "four five six. "]), max_size=30),
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 30)), max_size=4),
)
def test_carving_loses_nothing_and_keeps_every_place(words, cuts):
    text = "".join(words)
    segments = cut_into_segments(text)
    kept = [
        KeptPassage(text[low : low + size].strip(), "h", True, False)  # noqa: FBT003 -- its fields
        for low, size in cuts
        if text[low : low + size].strip()
    ]
    carved = [segment for segment, _ in carve(text, segments, kept)]
    end = 0
    for segment in carved:
        assert segment.start >= end
        assert text[segment.start : segment.end] == segment.text
        assert segment.text.strip()
        end = segment.end
    said = "".join("".join(segment.text.split()) for segment in carved)
    assert said == "".join(text.split())


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_over_the_interface(owner: User, source: Source) -> None:
    client = client_for(owner)
    base = f"/api/v1/documents/{source.id}/chunks"
    lamps = client.get(base).json()["data"][0]
    address = f"{base}/{lamps['id']}"
    body = {"excluded": True, "heading": "Light"}
    changed = client.patch(address, body, format="json").json()
    assert (changed["is_excluded"], changed["heading"], changed["is_edited"]) == (
        True,
        "Light",
        True,
    )
    parts = client.post(f"{address}/split", {"at": 16}, format="json").json()
    assert parts[0]["text"] == "Lamps burn oil."
    assert client.post(f"{address}/split", {"at": 16}, format="json").status_code == 404
    joined = client.post(f"{base}/{parts[0]['id']}/join").json()
    assert joined["text"] == lamps["text"]
    assert joined["is_excluded"] is True
    for wrong in ({"at": 0}, {"at": "5"}, {}, {"at": 5, "x": 1}):
        answer = client.post(f"{base}/{joined['id']}/split", wrong, format="json")
        assert answer.status_code == 422
    far = client.post(f"{base}/{joined['id']}/split", {"at": 10_000}, format="json")
    assert (far.status_code, far.json()["code"]) == (409, "conflict")
    assert client.patch(f"{base}/{joined['id']}", {"y": 1}, format="json").status_code == 422


def test_changes_of_a_document_depend_on_what_was_read(owner: User, source: Source) -> None:
    client = client_for(owner)
    address = f"/api/v1/documents/{source.id}"
    read = client.get(address)
    chunks = client.get(f"{address}/chunks")
    passage = f"{address}/chunks/{chunks.json()['data'][0]['id']}"

    def change(path: str, body: object, tag: str, method: str = "patch") -> Any:
        return getattr(client, method)(path, body, format="json", headers={"If-Match": tag})

    named = change(address, {"title": " Our   house "}, read["ETag"])
    assert (named.status_code, named.json()["title"]) == (200, "Our house")
    for path, body, method in (
        (address, {"title": "Late"}, "patch"),
        (passage, {"excluded": True}, "patch"),
        (passage, {"heading": "Late"}, "patch"),
        (f"{passage}/split", {"at": 16}, "post"),
        (f"{passage}/join", {}, "post"),
    ):
        late = change(path, body, chunks["ETag"], method)
        assert (late.status_code, late["ETag"]) == (412, named["ETag"]), path
    assert [row.heading for row in passages(source)] == ["House"] * 3
    both = change(passage, {"excluded": True, "heading": "Light"}, named["ETag"])
    assert both.status_code == 200
    assert (both.json()["heading"], both.json()["is_excluded"]) == ("Light", True)
    assert change(address, {"title": "Later"}, both["ETag"]).status_code == 200
    wrong = client.patch(address, {"title": " ", "tags": []}, format="json")
    assert {fault["pointer"] for fault in wrong.json()["errors"]} == {"/title", "/tags"}
    assert client.patch(address, {}, format="json").json()["title"] == "Later"


def test_strangers_and_reviewers_change_nothing(owner: User, source: Source) -> None:
    lamps = passages(source)[0]
    base = f"/api/v1/documents/{source.id}/chunks"
    for user, status in ((make_user(), 404), (make_user(Role.REVIEWER), 403)):
        client = client_for(user)
        assert client.patch(f"{base}/{lamps.id}", {"excluded": True}).status_code == status
        assert client.post(f"{base}/{lamps.id}/split", {"at": 5}).status_code == status
        assert client.post(f"{base}/{lamps.id}/join").status_code == status
        browser = Client()
        browser.force_login(user)
        act = {"act": "exclude"}
        page = f"/documents/{source.id}/passages/{lamps.id}"
        assert browser.post(page, act).status_code == status
    other = bring(owner, b"Another document.", "other.txt")
    client = client_for(owner)
    address = f"/api/v1/documents/{other.id}/chunks/{lamps.id}"
    assert client.patch(address, {"excluded": True}).status_code == 404
    assert [row.is_excluded for row in passages(source)] == [False] * 3


def test_the_page_offers_and_does_all_of_it(owner: User, source: Source) -> None:
    browser = Client()
    browser.force_login(owner)
    address = f"/documents/{source.id}"
    assert "Set heading" not in browser.get(address).content.decode()
    assert "Set heading" in browser.get(f"{address}?edit=1").content.decode()

    def change(number: int, **wish: object) -> str:
        row = passages(source)[number]
        answer = browser.post(f"{address}/passages/{row.id}", wish, follow=True)
        return answer.content.decode()

    assert "Left out of search" in change(0, act="exclude")
    assert '"passage-note">Left out' not in change(0, act="include")
    assert "A new name" in change(1, act="head", heading="A new name")
    change(0, act="split", at=16)
    assert passages(source)[0].text == "Lamps burn oil."
    change(0, act="join")
    assert len(passages(source)) == 3
    assert "It is the last passage." in change(2, act="join")
    row = passages(source)[0]
    for wrong in ({}, {"act": "x"}, {"act": "split"}, {"act": "split", "at": "-1"}):
        assert browser.post(f"{address}/passages/{row.id}", wrong).status_code == 400
    assert browser.post(f"{address}/passages/{uuid.uuid4()}").status_code == 404
