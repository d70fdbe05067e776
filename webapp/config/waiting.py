"""`Prefer: wait=N` (RFC 7240): an answer that can wait is held back until the end of its object.

The views answer at once. Here, where a waiting client costs a few kilobytes and no thread, a 202
is kept until what it points to has ended, and then answered with that.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from redis import RedisError

from webapp.common.asgi import Application, CaughtAnswer, Receive, Send
from webapp.common.live import Hub

MAX_WAIT_SECONDS = 30
#: How often an object is looked at of which nothing is heard: while something can be, and not.
_LOOK_SECONDS = 5.0
_DEAF_LOOK_SECONDS = 0.5
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def preferred_wait(scope: dict[str, Any]) -> int:
    """The seconds that a POST prefers to wait, at most MAX_WAIT_SECONDS; 0 for every other."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return 0
    for name, value in scope["headers"]:
        if name == b"prefer":
            for preference in bytes(value).decode("latin-1").split(","):
                key, _, seconds = preference.strip().partition("=")
                if key.strip().lower() == "wait" and seconds.strip().isdecimal():
                    return min(int(seconds.strip()[:6]), MAX_WAIT_SECONDS)
    return 0


async def answer_when_ended(
    views: Application,
    hub: Hub,
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
    *,
    seconds: int,
) -> None:
    """Answer a POST with what it made, once that has ended or the time is over."""
    answer = CaughtAnswer()
    until = time.monotonic() + seconds
    await views(scope, receive, answer.catch)
    location = answer.header(b"location")
    found = _ID.search(location)
    if answer.status == 202 and found is not None:
        answer.headers.append((b"preference-applied", f"wait={seconds}".encode()))
        ended = await _wait_for_end(views, hub, scope, location, found[0], until=until)
        if ended is not None:
            answer.status, answer.body = 201, ended.body
    await answer.send_through(send)


async def _wait_for_end(
    views: Application,
    hub: Hub,
    scope: dict[str, Any],
    location: str,
    object_id: str,
    *,
    until: float,
) -> CaughtAnswer | None:
    """The object at `location` once it is terminal; None when the time is over before."""
    async with hub.listen(object_id, only="generation.changed") as subscription:
        is_to_look = await _may_have_changed(hub, object_id)
        while True:
            answer = await _look(views, scope, location) if is_to_look else None
            if answer and answer.status == 200 and json.loads(answer.body).get("terminal"):
                return answer
            is_to_look = True
            # Only generations are told of; the ends of documents and answers have to be seen.
            is_told = hub.is_connected and "/generations/" in location
            pause = _LOOK_SECONDS if is_told else _DEAF_LOOK_SECONDS
            await subscription.take(wait_seconds=min(pause, until - time.monotonic()))
            if time.monotonic() >= until:
                return None


async def _may_have_changed(hub: Hub, object_id: str) -> bool:
    """Whether more was told of an object than that it was made, before we listened."""
    try:
        told = [event.type for event in await hub.newest(object_id)]
    except RedisError:
        return True
    return told.count("generation.changed") != 1


async def _look(views: Application, scope: dict[str, Any], location: str) -> CaughtAnswer:
    """GET `location` as the same client."""
    kept = {b"authorization", b"cookie", b"host", b"accept", b"user-agent"}
    inner = {
        **scope,
        "method": "GET",
        "path": location,
        "raw_path": location.encode(),
        "query_string": b"",
        "headers": [pair for pair in scope["headers"] if pair[0] in kept],
    }

    async def nothing_to_receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    answer = CaughtAnswer()
    await views(inner, nothing_to_receive, answer.catch)
    return answer
