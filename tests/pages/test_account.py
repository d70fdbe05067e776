"""The account page: keys that are shown once, and how the pages look."""

from __future__ import annotations

import re

from django.test import Client

from webapp.accounts.models import ApiKey, User
from webapp.accounts.queries import find_live_key


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


def test_the_theme_can_be_chosen_without_scripts(page: Client) -> None:
    page.post("/account/theme", {"theme": "night"})
    assert 'data-theme="night"' in page.get("/account").content.decode()
    page.post("/account/theme", {"theme": ""})
    assert "data-theme" not in page.get("/account").content.decode()


def test_an_unknown_theme_is_not_kept(page: Client) -> None:
    response = page.post("/account/theme", {"theme": "neon"})
    assert "pinakes_theme" not in response.cookies
