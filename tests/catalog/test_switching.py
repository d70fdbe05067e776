"""Models that admins switch off: no new work, the past as it was, and what is in memory."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.factories import make_card, make_checkpoint, make_user, make_worker
from tests.pages.conftest import browser_of
from tests.pages.makers import make_done
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.jobs.models import Worker
from webapp.review.operations import give_feedback

pytestmark = pytest.mark.django_db
SWITCH = "/api/v1/models/toy-text/enabled"


@pytest.fixture(autouse=True)
def own_blobs(settings, tmp_path):
    settings.PINAKES_BLOBS = tmp_path


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def put(user: User, body: Any) -> Any:
    return client_for(user).put(SWITCH, body, format="json")


def test_what_is_switched_off_takes_no_prompts_and_keeps_its_past():
    author, admin = make_user(), make_user(Role.ADMIN)
    make_checkpoint()
    done = make_done(owner=author)
    assert put(admin, {"enabled": False}).json()["enabled"] is False
    assert put(admin, {"enabled": False}).status_code == 200
    client = client_for(author)
    for body in ({"prompt": "x", "model": "toy-text"}, {"prompt": "x", "model": "auto"}):
        refused = client.post("/api/v1/generations", body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (409, "model_unavailable")
    again = client.post(f"/api/v1/generations/{done.id}/reproduce")
    assert (again.status_code, again.json()["code"]) == (409, "model_unavailable")
    assert client.get(f"/api/v1/generations/{done.id}").json()["text"] == "and so on"
    assert client.get("/api/v1/models/toy-text").json()["enabled"] is False
    assert client.get("/api/v1/models").json()["data"] == []
    assert [row["slug"] for row in client_for(admin).get("/api/v1/models").json()["data"]] == [
        "toy-text"
    ]
    assert put(admin, {"enabled": True}).json()["enabled"] is True
    body = {"prompt": "x", "model": "toy-text"}
    assert client.post("/api/v1/generations", body, format="json").status_code == 202


def test_only_admins_switch_and_only_what_is_there():
    make_checkpoint()
    for role in (Role.AUTHOR, Role.REVIEWER):
        assert put(make_user(role), {"enabled": False}).status_code == 403
    admin = make_user(Role.ADMIN)
    assert put(admin, {}).status_code == 422
    assert put(admin, {"enabled": "maybe"}).status_code == 422
    missing = client_for(admin).put("/api/v1/models/none/enabled", {"enabled": True})
    assert missing.status_code == 404
    assert Checkpoint.objects.get().enabled


def test_processes_that_hold_it_are_counted():
    make_checkpoint()
    make_checkpoint(make_card(slug="toy-other"))
    for slot in range(2):
        worker = make_worker(slot=slot)
        Worker.objects.filter(id=worker.id).update(info={"checkpoints": ["toy-text"]})
    rows = client_for(make_user()).get("/api/v1/models").json()["data"]
    assert {row["slug"]: row["loaded_in"] for row in rows} == {"toy-text": 2, "toy-other": 0}


def test_the_page_switches_and_shows_what_one_liked():
    author = make_user()
    make_checkpoint()
    rows = [make_done(owner=author, prompt=f"number {place}") for place in range(4)]
    theirs = make_done(owner=make_user(), prompt="theirs")
    give_feedback(author=author, generation=rows[0], score=5, comment="")
    html = browser_of(author).get("/models/toy-text").content.decode()
    shown = [row.prompt in html for row in (*rows, theirs)]
    assert shown == [True, False, True, True, False]
    assert "Switch off" not in html
    page: Client = browser_of(make_user(Role.ADMIN))
    assert "Switch off" in page.get("/models/toy-text").content.decode()
    answer = page.post("/models/toy-text/enabled", {"enabled": "off"}, follow=True)
    assert "takes no more prompts" in answer.content.decode()
    html = browser_of(author).get("/models/toy-text").content.decode()
    assert "An admin has switched it off." in html
    assert "Use in the Studio" not in html
    page.post("/models/toy-text/enabled", {})
    assert not Checkpoint.objects.get().enabled
    page.post("/models/toy-text/enabled", {"enabled": "on"})
    assert Checkpoint.objects.get().enabled
