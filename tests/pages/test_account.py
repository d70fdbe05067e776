"""The account page: keys that are shown once, and how the pages look."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.factories import make_card, make_checkpoint
from tests.pages.conftest import browser_of
from webapp.accounts.models import ApiKey, User
from webapp.accounts.operations import change_preferences
from webapp.accounts.queries import find_live_key
from webapp.catalog.models import Checkpoint


def test_a_new_key_is_shown_once_and_works(page: Client, author: User) -> None:
    html = page.post(
        "/account/keys", {"name": "notebook", "scope": ["read", "write"]}
    ).content.decode()
    match = re.search(r'id="new-key"[^>]*>(pnk_[^<]+)<', html)
    assert match is not None
    key = find_live_key(match[1])
    assert key is not None
    assert key.user == author
    assert match[1] not in page.get("/account").content.decode()


def test_the_answer_with_the_key_is_kept_nowhere(page: Client) -> None:
    response = page.post("/account/keys", {"name": "notebook", "scope": ["read", "write"]})
    assert "no-store" in response.headers["Cache-Control"]


def test_a_key_needs_a_name(page: Client) -> None:
    for name in ("", "   ", "x" * 101):
        assert page.post("/account/keys", {"name": name}).status_code == 422
    assert not ApiKey.objects.exists()


def test_a_revoked_key_is_dead(page: Client) -> None:
    page.post("/account/keys", {"name": "notebook", "scope": ["read", "write"]})
    key = ApiKey.objects.get()
    response = page.post(f"/account/keys/{key.id}/revoke", follow=True)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "The key is revoked." in response.content.decode()


def test_preferences_are_kept_without_scripts(page: Client, author: User) -> None:
    checkpoint = make_checkpoint(make_card(slug="other-text"))
    wish = {"theme": "night", "model": checkpoint.slug}
    assert page.post("/account/preferences", wish).cookies["pinakes_theme"].value == "night"
    html = page.get("/").content.decode()
    assert 'data-theme="night"' in html
    assert 'data-previews="off"' in html
    assert re.search(r'value="other-text"[^>]*\schecked', html)
    assert not re.search(
        r'value="other-text"[^>]*\schecked', page.get("/?model=auto").content.decode()
    )
    elsewhere = browser_of(author)
    assert 'data-theme="night"' in elsewhere.get("/account").content.decode()
    page.post("/account/preferences", {"theme": "system", "model": "auto", "previews": "on"})
    html = page.get("/account").content.decode()
    assert "data-theme" not in html
    assert "data-previews" not in html
    Checkpoint.objects.filter(pk=checkpoint.pk).update(enabled=False)
    page.post("/account/preferences", wish)
    assert re.search(r'value="auto"[^>]*\schecked', page.get("/").content.decode())


@pytest.mark.parametrize("wish", [{"theme": "neon"}, {"model": "no slug"}, {"model": "x" * 65}])
def test_what_is_not_offered_is_not_kept(page: Client, author: User, wish: dict[str, str]) -> None:
    page.post("/account/preferences", {"theme": "night", "model": "auto", **wish})
    author.refresh_from_db()
    assert author.preferences == {}


def test_before_a_choice_the_browser_decides(page: Client, author: User) -> None:
    page.cookies["pinakes_theme"] = "night"
    assert 'data-theme="night"' in page.get("/account").content.decode()
    change_preferences(user=author, changes={"theme": "system"})
    assert "data-theme" not in page.get("/account").content.decode()
