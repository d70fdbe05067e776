"""`Prefer: wait=N`, through the whole server application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from a2wsgi import WSGIMiddleware
from django.db import connections

from tests.factories import make_checkpoint, make_user
from webapp.accounts.operations import create_api_key
from webapp.config import asgi, waiting, wsgi
from webapp.config.waiting import preferred_wait
from webapp.generations.events import LiveStreams
from webapp.generations.models import Generation
from webapp.generations.operations import cancel_generation

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"model": "toy-text", "prompt": "a red house"}


def post(
    secret: str, *, prefer: str, body: Any = None, meanwhile: Callable[[], object] | None = None
) -> tuple[int, dict[str, str], Any]:
    """Send a POST to the application as the web server does."""
    content = json.dumps(BODY if body is None else body).encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/generations",
        "raw_path": b"/api/v1/generations",
        "root_path": "",
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"authorization", f"Bearer {secret}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"prefer", prefer.encode()),
        ],
    }
    told: list[dict[str, Any]] = []

    async def run() -> None:
        asgi._streams = LiveStreams()
        parts = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if parts:
                return parts.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        later = None if meanwhile is None else asyncio.create_task(_soon(meanwhile))
        await asyncio.wait_for(asgi.application(scope, receive, send), 120)
        if later is not None:
            await later
        await asgi._streams.close()

    asyncio.run(run())
    headers = {name.decode().lower(): value.decode() for name, value in told[0]["headers"]}
    answer = b"".join(message.get("body", b"") for message in told[1:])
    assert int(headers["content-length"]) == len(answer)
    return told[0]["status"], headers, json.loads(answer)


async def _soon(work: Callable[[], object]) -> None:
    def call() -> None:
        work()
        connections.close_all()

    await asyncio.sleep(0.5)
    await asyncio.to_thread(call)


@pytest.fixture(autouse=True)
def closed_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's threads keep their connections; those of a test would outlive its database."""

    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        try:
            yield from wsgi.application(environ, start_response)
        finally:
            connections.close_all()

    monkeypatch.setattr(asgi, "_views", WSGIMiddleware(cast("Any", application), workers=2))


@pytest.fixture
def secret() -> str:
    make_checkpoint()
    return create_api_key(user=make_user(), name="waiting").secret


def cancel_it() -> None:
    cancel_generation(generation=Generation.objects.get())


def test_waiting_ends_with_the_end(secret, monkeypatch):
    # Longer than this test may take: the answer did not come because the time was over.
    monkeypatch.setattr(waiting, "MAX_WAIT_SECONDS", 3600)
    status, headers, body = post(secret, prefer="respond-async, wait=3600", meanwhile=cancel_it)
    assert status == 201
    assert body["status"] == "canceled"
    assert body["terminal"]
    assert headers["preference-applied"] == "wait=3600"
    assert headers["location"].endswith(body["id"])


def test_waiting_ends_when_the_time_is_over(secret):
    status, headers, body = post(secret, prefer="wait=1")
    assert (status, body["status"]) == (202, "queued")
    assert headers["preference-applied"] == "wait=1"


def test_a_fault_is_told_at_once(secret):
    status, headers, body = post(secret, prefer="wait=30", body={"prompt": ""})
    assert (status, body["status"]) == (422, 422)
    assert "preference-applied" not in headers


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, WAIT = 7", 7),
        ("wait=99999999999", 30),
        ("wait=-1", 0),
        ("wait", 0),
        ("return=minimal", 0),
    ],
)
def test_what_is_preferred(prefer, seconds):
    scope = {"type": "http", "method": "POST", "headers": [(b"prefer", prefer.encode())]}
    assert preferred_wait(scope) == seconds
    assert preferred_wait({**scope, "method": "GET"}) == 0
