"""Calls of the REST interface in the name of whoever is signed in to the browser."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Watched


def call(watched: Watched, address: str, **body: object) -> dict[str, Any]:
    """Send this to an address and return the answer, after what is made has had 30 s to end."""
    page = watched.page
    headers = {"X-CSRFToken": token_of(watched), "Referer": page.url, "Prefer": "wait=30"}
    answer = page.request.post(
        watched.base_url + address, data=body, headers=headers, timeout=90_000
    )
    assert answer.status < 300, answer.text()
    held = answer.json()
    assert isinstance(held, dict)
    return held


def token_of(watched: Watched) -> str:
    """What the site wants to see beside a session, so that it knows its own pages."""
    [token] = [each for each in watched.page.context.cookies() if each["name"] == "csrftoken"]
    return str(token.get("value"))
