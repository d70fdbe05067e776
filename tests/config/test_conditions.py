"""Reads that need not be sent again, and changes that depend on what was read."""

from __future__ import annotations

import pytest
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from tests.factories import make_user
from webapp.chats.models import Chat
from webapp.common.conditions import wanted_revision
from webapp.common.refusals import ChangedSinceRead
from webapp.search.saved_operations import save_search

pytestmark = pytest.mark.django_db


def sent(tag: str | None) -> Request:
    headers = {} if tag is None else {"If-Match": tag}
    return Request(APIRequestFactory().patch("/", headers=headers))


@pytest.mark.parametrize(
    ("tag", "revision"),
    [
        (None, None),
        ("*", None),
        ('"7"', 7),
        ('"7-0a1b"', 7),
        ('"6-ff", "7-0a1b"', 7),
        ('W/"9-ff", "7-0a1b"', 7),
    ],
)
def test_a_change_depends_on_the_newest_strong_tag(tag, revision):
    assert wanted_revision(sent(tag)) == revision


@pytest.mark.parametrize("tag", ['W/"7-0a1b"', "7", '"seven"', '"7-XY"', ""])
def test_a_tag_that_was_never_given_out_is_not_there_any_more(tag):
    with pytest.raises(ChangedSinceRead):
        wanted_revision(sent(tag))


def test_a_read_is_answered_once_and_a_late_change_is_told_what_is_there():
    owner = make_user()
    saved = save_search(owner=owner, name="Boats", parameters={"q": "boat"})
    client = APIClient()
    client.force_authenticate(owner)
    address = f"/api/v1/saved-searches/{saved.id}"
    first = client.get(address)
    assert first["Cache-Control"] == "private, no-cache"
    for tag in (first["ETag"], f"W/{first['ETag']}", f'"other", {first["ETag"]}', "*"):
        again = client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    changed = client.patch(
        address, {"name": "Ships"}, format="json", headers={"If-Match": first["ETag"]}
    )
    assert (changed.status_code, changed.json()["name"]) == (200, "Ships")
    now = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (now.status_code, now["ETag"]) == (200, changed["ETag"])
    late = client.patch(
        address, {"name": "Late"}, format="json", headers={"If-Match": first["ETag"]}
    )
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert late["ETag"] == changed["ETag"]
    assert client.patch(address, {"name": "Last"}, format="json").json()["name"] == "Last"


def test_chats_endpoints_and_lists_have_tags_as_well():
    owner = make_user()
    chat = Chat.objects.create(owner=owner, title="Old", grounded=True, answerer="quotes")
    client = APIClient()
    client.force_authenticate(owner)
    listed = client.get("/api/v1/chats")
    tag = {"If-None-Match": listed["ETag"]}
    assert client.get("/api/v1/chats", headers=tag).status_code == 304
    address = f"/api/v1/chats/{chat.id}"
    read = client.get(address)["ETag"]
    for title, status in (("New", 200), ("Late", 412)):
        answer = client.patch(address, {"title": title}, format="json", headers={"If-Match": read})
        assert answer.status_code == status
    chat.refresh_from_db()
    assert (chat.title, chat.revision) == ("New", 2)
