"""The live stream of one generation: server-sent events by a small ASGI application.

A stream starts with a snapshot from Postgres, or where the client left off, and ends with the
whole object. Redis carries what happens in between; without it the stream goes on, by looking at
the row every second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

from django.db import connections
from redis import RedisError
from redis.asyncio import Redis as AsyncRedis

from webapp.accounts.sessions import user_of_connection
from webapp.common import live
from webapp.common.problems import (
    CONTENT_TYPE,
    DATABASE_OUTAGES,
    Problem,
    database_unavailable,
    problem_response,
)
from webapp.generations import queries
from webapp.generations.representation import describe_generation

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = TypeVar("Answer")

#: A comment this often keeps proxies from closing a quiet stream.
PING_SECONDS = 15
#: How often the row is looked at while nothing comes from Redis.
LOOK_SECONDS = 1.0
RETRY_MILLISECONDS = 2000

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class _Ended(Exception):
    """The generation is over, or the right to see it is."""


async def generation_events(
    scope: dict[str, Any], receive: Receive, send: Send, *, generation_id: uuid.UUID
) -> None:
    """Answer `GET /api/v1/generations/{id}/events`."""
    try:
        first = await _in_thread(partial(_describe, scope, generation_id))
    except Problem as problem:
        await _refuse(send, problem)
        return
    stream = asyncio.create_task(_Stream(scope, send, generation_id).run(first))
    gone = asyncio.create_task(_wait_for_disconnect(receive))
    await asyncio.wait({stream, gone}, return_when=asyncio.FIRST_COMPLETED)
    pending = {task for task in (stream, gone) if not task.done()}
    while pending:
        # Again and again: a cancel that meets a reply of Redis half-way is swallowed there.
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.1)
    if not stream.cancelled():
        with contextlib.suppress(OSError):
            stream.result()


class _Stream:
    """One client's view of one generation."""

    def __init__(self, scope: dict[str, Any], send: Send, generation_id: uuid.UUID) -> None:
        self._scope = scope
        self._send = send
        self._generation_id = generation_id
        self._topic = str(generation_id)
        self._after = "0"
        self._status_seq = 0
        self._said_at = time.monotonic()

    async def run(self, first: dict[str, Any]) -> None:
        """Send everything until the generation is over."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._write(f"retry: {RETRY_MILLISECONDS}\n\n")
        reader = live.open_reader()
        try:
            if not await self._resume(reader):
                await self._show(first, "stream.snapshot")
            while True:
                await self._forward(reader)
        except _Ended:
            await self._send({"type": "http.response.body", "body": b""})
        finally:
            await reader.aclose()

    async def _resume(self, reader: AsyncRedis) -> bool:
        """Find where to begin; True when the client has seen everything up to there."""
        wanted = _last_event_id(self._scope)
        try:
            if wanted and await live.holds(reader, self._topic, wanted):
                self._after = wanted
                return True
            self._after = await live.newest_id(reader, self._topic)
        except RedisError:
            return False
        # The row was read before the stream's end was, so what came in between may be told twice.
        return False

    async def _forward(self, reader: AsyncRedis) -> None:
        """Pass on what comes within a moment, or look at the row."""
        heard = False
        try:
            events = live.read(reader, self._topic, after=self._after, wait_seconds=LOOK_SECONDS)
            async for event in events:
                heard = True
                self._after = event.id
                if event.type in {"generation.changed", "generation.status"}:
                    await self._look()
                else:
                    await self._event(event.type, event.data)
        except RedisError:
            await asyncio.sleep(LOOK_SECONDS)
        if not heard:
            await self._look()
        if time.monotonic() - self._said_at > PING_SECONDS:
            await self._write(": ping\n\n")

    async def _look(self) -> None:
        """Read the row, if it may still be read, and tell what has changed in it."""
        try:
            body = await _in_thread(partial(_describe, self._scope, self._generation_id))
        except Problem as problem:
            if problem.code == "database_unavailable":
                return
            raise _Ended from problem
        if body["status_seq"] != self._status_seq:
            await self._show(body, "generation.status")

    async def _show(self, body: dict[str, Any], event_type: str) -> None:
        self._status_seq = body["status_seq"]
        if not body["terminal"]:
            await self._event(event_type, body)
            return
        await self._event("generation.finished", body)
        raise _Ended

    async def _event(self, event_type: str, data: Mapping[str, Any]) -> None:
        payload = json.dumps(data, ensure_ascii=False)
        await self._write(f"id: {self._after}\nevent: {event_type}\ndata: {payload}\n\n")

    async def _write(self, text: str) -> None:
        self._said_at = time.monotonic()
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _describe(scope: dict[str, Any], generation_id: uuid.UUID) -> dict[str, Any]:
    """The object as this connection's user may see it now; raises Problem."""
    try:
        user = user_of_connection(scope)
        if user is None:
            raise Problem(401, "not_authenticated", "Sign in, or send an API key.")
        return describe_generation(queries.get_generation(user=user, generation_id=generation_id))
    except queries.UnableToFindGeneration as error:
        detail = "There is no such generation, or it is not yours."
        raise Problem(404, "not_found", detail) from error
    except DATABASE_OUTAGES as error:
        raise database_unavailable() from error


async def _in_thread(read: Callable[[], Answer]) -> Answer:
    """Run a read of the database in a thread, which gives its connection back at once."""

    def call() -> Answer:
        try:
            return read()
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, problem: Problem) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    body = problem_response(problem, None).content
    await send({"type": "http.response.body", "body": body})


def _last_event_id(scope: dict[str, Any]) -> str:
    """From the header that browsers send when they reconnect, or `?after=` for other clients."""
    for name, value in scope["headers"]:
        if name == b"last-event-id":
            return bytes(value).decode("latin-1")
    query = bytes(scope.get("query_string", b"")).decode("latin-1")
    return parse_qs(query).get("after", [""])[0]
