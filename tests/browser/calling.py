"""Calls of the REST interface in the name of whoever is signed in to the browser."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Watched


def call(watched: Watched, address: str, **body: object) -> dict[str, Any]:
    """Send this to an address and return the answer; what is made has ended by then."""
    page = watched.page
    [token] = [each for each in page.context.cookies() if each["name"] == "csrftoken"]
    headers = {"X-CSRFToken": token["value"], "Referer": page.url, "Prefer": "wait=30"}
    answer = page.request.post(watched.base_url + address, data=body, headers=headers)
    assert answer.status < 300, answer.text()
    held = answer.json()
    assert isinstance(held, dict)
    return held
