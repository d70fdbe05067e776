"""Live streams of generations: server-sent events by a small ASGI application.

A stream starts with a snapshot from Postgres, or where the client left off. What happens then
comes through the process's one connection to Redis (`common.live.Hub`); without it the streams go
on, by one look at the rows a second for all of them together. The stream of a generation ends with
the whole object; that of everything of one's own goes on until the client leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from redis import RedisError

from webapp.accounts.models import User
from webapp.accounts.sessions import user_of_connection
from webapp.common.asgi import Receive, Send, in_thread, wait_for_disconnect
from webapp.common.live import Hub, LiveEvent, Subscription, order_of
from webapp.common.problems import (
    CONTENT_TYPE,
    DATABASE_OUTAGES,
    Problem,
    database_unavailable,
    problem_response,
)
from webapp.generations import queries
from webapp.generations.broadcast import topic_of_owner
from webapp.generations.representation import describe_generation

#: A comment this often keeps proxies from closing a quiet stream.
PING_SECONDS = 15.0
#: How often the right to read on is looked at again.
CHECK_SECONDS = 30.0
#: How often the rows are looked at for what nobody told.
LOOK_SECONDS = 1.0
#: Streams of one user on one process.
MAX_STREAMS_PER_USER = 200
RETRY_MILLISECONDS = 2000

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class _Ended(Exception):
    """The generation is over, or the right to see it is."""


class LiveStreams:
    """The streams of this process."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._streams: set[_Stream] = set()
        self._per_user: Counter[int] = Counter()
        self._looking: asyncio.Task[None] | None = None

    async def serve_generation(
        self, scope: dict[str, Any], receive: Receive, send: Send, generation_id: uuid.UUID
    ) -> None:
        """Answer `GET /api/v1/generations/{id}/events`."""
        await self._serve(_GenerationStream(self.hub, scope, send, generation_id), receive)

    async def serve_owner(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer `GET /api/v1/events`."""
        await self._serve(_OwnerStream(self.hub, scope, send), receive)

    async def say_goodbye(self) -> None:
        """End all streams, because the server stops: clients come back to the next one."""
        for stream in list(self._streams):
            stream.is_closing = True
            if stream.subscription is not None:
                stream.subscription.wake()

    async def close(self) -> None:
        """Let go of Redis."""
        if self._looking is not None:
            self._looking.cancel()
        await self.hub.close()

    async def _serve(self, stream: _Stream, receive: Receive) -> None:
        try:
            await stream.sign_in()
            self._refuse_too_many(stream.user)
        except Problem as problem:
            await _refuse(stream.send, problem)
            return
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_forever())
        self._streams.add(stream)
        self._per_user[stream.user.pk] += 1
        try:
            await self._run(stream, receive)
        finally:
            self._streams.discard(stream)
            self._per_user[stream.user.pk] -= 1

    def _refuse_too_many(self, user: User) -> None:
        if self._per_user[user.pk] >= MAX_STREAMS_PER_USER:
            detail = f"You have {MAX_STREAMS_PER_USER} open streams. Close some first."
            raise Problem(429, "too_many_streams", detail, headers={"Retry-After": "5"})

    @staticmethod
    async def _run(stream: _Stream, receive: Receive) -> None:
        running = asyncio.create_task(stream.run())
        gone = asyncio.create_task(wait_for_disconnect(receive))
        await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        pending = {task for task in (running, gone) if not task.done()}
        while pending:
            # Again and again: a cancel that meets a reply of Redis half-way is swallowed there.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.1)
        if not running.cancelled():
            with contextlib.suppress(OSError):
                running.result()

    async def _look_forever(self) -> None:
        """Notice changes that nobody told of, with one query for all streams."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            streams = list(self._streams)
            if not streams:
                continue
            with contextlib.suppress(*DATABASE_OUTAGES):
                found = await in_thread(
                    partial(
                        queries.list_status_numbers,
                        generation_ids=[key for each in streams for key in each.watched_ids],
                        owner_ids=[key for each in streams for key in each.watched_owners],
                    )
                )
                for stream in streams:
                    stream.compare(found)


class _Stream(ABC):
    """One client's view of one topic."""

    def __init__(self, hub: Hub, scope: dict[str, Any], send: Send) -> None:
        self.send = send
        self.is_closing = False
        self.subscription: Subscription | None = None
        self.watched_ids: Sequence[uuid.UUID] = ()
        self.watched_owners: Sequence[int] = ()
        self.user: User
        self._hub = hub
        self._scope = scope
        self._after = "0"
        self._said_at = self._checked_at = time.monotonic()

    async def sign_in(self) -> None:
        """Find out who reads, and whether they may. Raises Problem."""
        self.user = await in_thread(partial(self._check, self._scope))

    async def run(self) -> None:
        """Send everything until it is over."""
        await self.send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._write(f"retry: {RETRY_MILLISECONDS}\n\n")
        try:
            async with self._hub.listen(self.topic) as subscription:
                self.subscription = subscription
                await self._begin(_last_event_id(self._scope))
                while not self.is_closing:
                    await self._pass_on(subscription)
        except _Ended:
            pass
        else:
            await self._write("event: bye\nretry: 1000\ndata: {}\n\n")
        await self.send({"type": "http.response.body", "body": b""})

    @property
    @abstractmethod
    def topic(self) -> str: ...

    @abstractmethod
    def compare(self, status_numbers: Mapping[uuid.UUID, tuple[int, int]]) -> None:
        """Have changes told that the rows show: generation id to owner id and `status_seq`."""

    @abstractmethod
    def _check(self, scope: dict[str, Any]) -> User:
        """Who reads; in a thread. Raises Problem where they may not."""

    @abstractmethod
    async def _show_snapshot(self) -> None:
        """Send what there is to know now."""

    @abstractmethod
    async def _tell_change(self, event: LiveEvent) -> None:
        """Send what the row says now that an event points to it."""

    async def _begin(self, wanted: str) -> None:
        """Go on where the client left off, or start with a snapshot and the latest key frame."""
        try:
            if wanted and await self._hub.holds(self.topic, wanted):
                self._after = wanted
                missed = await self._hub.replay(self.topic, after=wanted)
            else:
                latest = await self._hub.newest(self.topic)
                if latest:
                    self._after = latest[-1].id
                await self._show_snapshot()
                for event in _needed_to_catch_up(latest):
                    self._after = event.id
                    await self._event(event)
                missed = []
        except RedisError:
            await self._show_snapshot()
            return
        for event in missed:
            await self._tell(event)

    async def _pass_on(self, subscription: Subscription) -> None:
        for event in await subscription.take(wait_seconds=LOOK_SECONDS):
            if not event.id or order_of(event.id) > order_of(self._after):
                await self._tell(event)
        if subscription.has_gap:
            subscription.has_gap = False
            await self._show_snapshot()
        now = time.monotonic()
        if now > self._checked_at + CHECK_SECONDS:
            self._checked_at = now
            await self._check_again()
        if now > self._said_at + PING_SECONDS:
            await self._write(": ping\n\n")

    async def _check_again(self) -> None:
        try:
            await in_thread(partial(self._check, self._scope))
        except Problem as problem:
            if problem.code != "database_unavailable":
                raise _Ended from problem

    async def _tell(self, event: LiveEvent) -> None:
        if event.id:
            self._after = event.id
        if event.type in {"generation.changed", "generation.status"}:
            await self._tell_change(event)
        else:
            await self._event(event)

    async def _event(self, event: LiveEvent) -> None:
        await self._write(f"id: {self._after}\nevent: {event.type}\ndata: {event.data}\n\n")

    async def _object(self, event_type: str, body: Mapping[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False)
        await self._event(LiveEvent(self._after, event_type, data))

    async def _write(self, text: str) -> None:
        self._said_at = time.monotonic()
        await self.send({"type": "http.response.body", "body": text.encode(), "more_body": True})


class _GenerationStream(_Stream):
    """The stream of one generation."""

    def __init__(
        self, hub: Hub, scope: dict[str, Any], send: Send, generation_id: uuid.UUID
    ) -> None:
        super().__init__(hub, scope, send)
        self._generation_id = generation_id
        self._status_seq = 0
        self.watched_ids = (generation_id,)

    @property
    def topic(self) -> str:
        return str(self._generation_id)

    def compare(self, status_numbers: Mapping[uuid.UUID, tuple[int, int]]) -> None:
        _, status_seq = status_numbers.get(self._generation_id, (0, 0))
        if status_seq != self._status_seq and self.subscription is not None:
            self.subscription.put(LiveEvent("", "generation.changed", "{}"))

    def _check(self, scope: dict[str, Any]) -> User:
        user = _signed_in(scope)
        with _as_problems():
            queries.get_generation(user=user, generation_id=self._generation_id)
        return user

    async def _show_snapshot(self) -> None:
        await self._show("stream.snapshot")

    async def _tell_change(self, event: LiveEvent) -> None:
        del event
        await self._show("generation.status")

    async def _show(self, event_type: str) -> None:
        """Tell what the row says, where that is new; the end ends the stream."""
        try:
            body = await in_thread(self._describe)
        except Problem as problem:
            if problem.code == "database_unavailable":
                return
            raise _Ended from problem
        if body["terminal"]:
            await self._object("generation.finished", body)
            raise _Ended
        if body["status_seq"] != self._status_seq or event_type == "stream.snapshot":
            self._status_seq = body["status_seq"]
            await self._object(event_type, body)

    def _describe(self) -> dict[str, Any]:
        with _as_problems():
            return describe_generation(
                queries.get_generation(user=self.user, generation_id=self._generation_id),
                viewer=self.user,
            )


class _OwnerStream(_Stream):
    """Everything that happens to one's own generations."""

    def __init__(self, hub: Hub, scope: dict[str, Any], send: Send) -> None:
        super().__init__(hub, scope, send)
        self._told: dict[uuid.UUID, int] = {}

    async def sign_in(self) -> None:
        await super().sign_in()
        self.watched_owners = (self.user.pk,)

    @property
    def topic(self) -> str:
        return topic_of_owner(self.user.pk)

    def compare(self, status_numbers: Mapping[uuid.UUID, tuple[int, int]]) -> None:
        mine = {
            generation_id: status_seq
            for generation_id, (owner_id, status_seq) in status_numbers.items()
            if owner_id == self.user.pk
        }
        for generation_id, status_seq in mine.items():
            if self._told.get(generation_id) != status_seq and self.subscription is not None:
                data = json.dumps({"id": str(generation_id)})
                self.subscription.put(LiveEvent("", "generation.changed", data))
        # What ended a while ago will not change, and is forgotten with the rows looked at.
        self._told = {key: seq for key, seq in self._told.items() if key in mine}

    def _check(self, scope: dict[str, Any]) -> User:
        return _signed_in(scope)

    async def _show_snapshot(self) -> None:
        try:
            bodies = await in_thread(self._describe_recent)
        except Problem:
            return
        self._told = {uuid.UUID(body["id"]): body["status_seq"] for body in bodies}
        await self._object("stream.snapshot", {"data": bodies})

    async def _tell_change(self, event: LiveEvent) -> None:
        generation_id = uuid.UUID(json.loads(event.data)["id"])
        try:
            body = await in_thread(partial(self._describe, generation_id))
        except Problem:
            return
        if self._told.get(generation_id) == body["status_seq"]:
            return
        self._told[generation_id] = body["status_seq"]
        await self._object(
            "generation.finished" if body["terminal"] else "generation.status", body
        )

    def _describe(self, generation_id: uuid.UUID) -> dict[str, Any]:
        with _as_problems():
            return describe_generation(
                queries.get_generation(user=self.user, generation_id=generation_id),
                viewer=self.user,
            )

    def _describe_recent(self) -> list[dict[str, Any]]:
        with _as_problems():
            rows = queries.list_recent(owner=self.user)
            return [describe_generation(row, brief=True, viewer=self.user) for row in rows]


def _needed_to_catch_up(events: Sequence[LiveEvent]) -> list[LiveEvent]:
    """What shows a new reader as much as others see.

    Of each generation the last key frame, what was added since, and the latest progress; of an
    answer that is written all there was of it last.
    """
    owners = [json.loads(event.data).get("id", "") for event in events]
    last: dict[tuple[str, str], int] = {
        (owner, event.type): place
        for place, (owner, event) in enumerate(zip(owners, events, strict=True))
    }
    return [
        event
        for place, (owner, event) in enumerate(zip(owners, events, strict=True))
        if (
            event.type in {"generation.progress", "answer.preview"}
            and place == last[owner, event.type]
        )
        or (
            event.type in {"generation.preview", "generation.delta"}
            and place >= last.get((owner, "generation.preview"), len(events))
        )
    ]


def _signed_in(scope: dict[str, Any]) -> User:
    with _as_problems():
        user = user_of_connection(scope)
    if user is None:
        raise Problem(401, "not_authenticated", "Sign in, or send an API key.")
    return user


@contextlib.contextmanager
def _as_problems() -> Iterator[None]:
    """Turn what reading raises into what is answered."""
    try:
        yield
    except queries.UnableToFindGeneration as error:
        detail = "There is no such generation, or it is not yours."
        raise Problem(404, "not_found", detail) from error
    except DATABASE_OUTAGES as error:
        raise database_unavailable() from error


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
