"""Saved searches: kept, opened, renamed and deleted by their owner alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.factories import PASSWORD, make_checkpoint, make_user
from webapp.accounts.models import User
from webapp.search import saved_operations
from webapp.search.models import SavedSearch

pytestmark = pytest.mark.django_db

LAMPS = {"q": "violet lamp", "mode": "keyword", "kind": "image,text", "from": "2026-01-31"}


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


@pytest.fixture
def browser(owner: User) -> Client:
    make_checkpoint()
    client = Client()
    assert client.login(username=owner.username, password=PASSWORD)
    return client


def save(api: APIClient, name: str = "Lamps", **headers: str) -> dict[str, Any]:
    answer = api.post(
        "/api/v1/saved-searches",
        {"name": name, "parameters": LAMPS},
        format="json",
        headers=headers,
    )
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def test_a_saved_search_is_kept_found_and_run(api):
    made = save(api)
    assert made["parameters"] == LAMPS
    assert made["faults"] == []
    assert api.get("/api/v1/saved-searches").json()["data"] == [made]
    assert api.get(made["links"]["self"]).json() == made
    assert api.get(made["links"]["search"]).status_code == 200


def test_the_same_key_saves_once_and_another_body_is_refused(api):
    first = save(api, **{"Idempotency-Key": "one"})
    assert save(api, **{"Idempotency-Key": "one"}) == first
    other = {"name": "Other", "parameters": LAMPS}
    answer = api.post(
        "/api/v1/saved-searches", other, format="json", headers={"Idempotency-Key": "one"}
    )
    assert answer.json()["code"] == "idempotency_key_reused"
    assert SavedSearch.objects.count() == 1


def test_what_a_search_would_refuse_is_not_saved(api):
    body = {"name": "x" * 101, "parameters": {"q": "", "mode": "x", "limit": "2", "from": "soon"}}
    answer = api.post("/api/v1/saved-searches", body, format="json")
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/name"}
    answer = api.post("/api/v1/saved-searches", {**body, "name": "x"}, format="json")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "/parameters/q", "/parameters/mode", "/parameters", "/parameters/from"
    }  # fmt: skip
    half = b'{"name": "x", "parameters": {"q": "x", "\\ud800": "x"}}'
    answer = api.post("/api/v1/saved-searches", half, content_type="application/json")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/parameters"}
    assert not SavedSearch.objects.exists()


def test_names_are_unique_per_owner_and_limited(api, monkeypatch):
    made, other = save(api), save(api, "Stones")
    clash = {"name": "LAMPS", "parameters": LAMPS}
    assert api.post("/api/v1/saved-searches", clash, format="json").status_code == 409
    renamed = api.patch(other["links"]["self"], {"name": "lamps"}, format="json")
    assert renamed.json()["code"] == "conflict"
    assert api.patch(made["links"]["self"], {"name": "lamps"}, format="json").status_code == 200
    stranger = APIClient()
    stranger.force_authenticate(make_user())
    save(stranger)
    monkeypatch.setattr(saved_operations, "MAX_SAVED_SEARCHES", 2)
    full = api.post("/api/v1/saved-searches", {**clash, "name": "More"}, format="json")
    assert "the most" in full.json()["detail"]


def test_it_is_changed_and_deleted_once(api):
    address = save(api)["links"]["self"]
    changed = api.patch(address, {"parameters": {"q": "stones"}}, format="json").json()
    assert (changed["name"], changed["parameters"]) == ("Lamps", {"q": "stones"})
    assert api.patch(address, {"parameters": {"q": " "}}, format="json").status_code == 422
    assert [api.delete(address).status_code for _ in range(2)] == [204, 404]


def test_the_library_saves_opens_and_forgets_it(browser, owner):
    answer = browser.post("/library/saved", {"name": "Lamps", **LAMPS, "key": "abc"}, follow=True)
    html = answer.content.decode()
    assert "Saved as “<a" in html
    assert answer.request["QUERY_STRING"].startswith("from=2026-01-31&kind=")
    assert '<option value="keyword" selected>' in html
    saved = SavedSearch.objects.get(owner=owner)
    assert (
        browser.post("/library/saved", {"name": "Lamps", **LAMPS, "key": "abc"}).status_code == 302
    )
    again = browser.post("/library/saved", {"name": "lamps", "q": "stones"})
    assert again.status_code == 409
    assert 'value="stones"' in again.content.decode()
    clash = browser.post(f"/library/saved/{saved.id}/rename", {"name": ""})
    assert clash.status_code == 422
    browser.post(f"/library/saved/{saved.id}/rename", {"name": "Purple"})
    assert "Purple" in browser.get("/library").content.decode()
    browser.post(f"/library/saved/{saved.id}/delete")
    assert not SavedSearch.objects.exists()


def test_one_that_is_not_understood_any_more_says_so(browser, owner, api):
    SavedSearch.objects.create(
        owner=owner, name="Old", parameters={"q": "lamp", "family": "steam", "mode": "psychic"}
    )
    html = browser.get("/library/saved").content.decode()
    assert "Not understood any more" in html
    opened = browser.get("/library?q=lamp&family=steam&mode=psychic")
    assert opened.status_code == 200
    assert "There is no family “steam”" in opened.content.decode()
    [row] = api.get("/api/v1/saved-searches").json()["data"]
    assert {fault["pointer"] for fault in row["faults"]} == {"?family", "?mode"}
    assert api.get(row["links"]["search"]).status_code == 422
