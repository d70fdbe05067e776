"""The live stream: what it tells, where it goes on, and when it ends."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from redis.asyncio import Redis as AsyncRedis

from tests.factories import make_checkpoint, make_generation, make_user, make_worker
from tests.generations.described import faults_of
from webapp.accounts.models import Role, User
from webapp.accounts.operations import create_api_key
from webapp.common import live
from webapp.common.live import Subscription
from webapp.generations import events
from webapp.generations.broadcast import topic_of_owner
from webapp.generations.events import LiveStreams
from webapp.generations.models import Generation
from webapp.generations.operations import cancel_generation
from webapp.jobs import operations as jobs

pytestmark = pytest.mark.django_db(transaction=True)


class Reader:
    """A client of the stream that reads until a condition holds, then hangs up."""

    def __init__(
        self, user: User | None, generation_id: uuid.UUID | None, last_event_id: str = ""
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.status = 0
        self.body = b""
        self._generation_id = generation_id
        self._until: Any = lambda _event: False
        self._after_first: Any = lambda: None
        headers = []
        if user is not None:
            secret = create_api_key(user=user, name="stream").secret
            headers.append((b"authorization", f"Bearer {secret}".encode()))
        if last_event_id:
            headers.append((b"last-event-id", last_event_id.encode()))
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": "the dispatcher has looked at it",
            "query_string": b"",
            "headers": headers,
        }

    def read(self, *, until: Any = None, meanwhile: Any = None) -> Reader:
        """Read to the end, or to what `until` accepts; `meanwhile` runs after the first event."""
        self._until = until or self._until
        asyncio.run(asyncio.wait_for(self._read(meanwhile), timeout=30))
        return self

    async def _read(self, meanwhile: Any) -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                return
            self.body += message["body"]
            for block in message["body"].decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                if "event" in fields:
                    event = {
                        "id": fields["id"],
                        "type": fields["event"],
                        "data": json.loads(fields["data"]),
                    }
                    self.events.append(event)
                    schema = "OwnEvent" if self._generation_id is None else "GenerationEvent"
                    assert faults_of(event["type"], event["data"], schema=schema) == []
                    if self._until(event):
                        gone.set()
            if meanwhile is not None and len(self.events) == 1:
                await asyncio.to_thread(_and_close, meanwhile)

        streams = LiveStreams()
        if self._generation_id is None:
            await streams.serve_owner(self._scope, receive, send)
        else:
            await streams.serve_generation(self._scope, receive, send, self._generation_id)
        await streams.close()

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


def _and_close(work: Callable[[], object]) -> None:
    work()
    connections.close_all()


@pytest.fixture
def owner():
    make_checkpoint()
    return make_user()


@pytest.fixture
def generation(owner) -> Generation:
    return make_generation(owner=owner)


def tell(generation: Generation, done: int) -> None:
    facts = {"id": str(generation.id), "done": done, "total": 9, "unit": "step"}
    topics = [str(generation.id), topic_of_owner(generation.owner_id)]
    live.publish(topics, "generation.progress", facts)


def test_each_kind_of_person_is_let_in_as_to_the_generation_itself(generation, owner):
    viewer = make_user()
    viewer.groups.clear()
    people = {
        None: 401,
        owner: 200,
        make_user(Role.AUTHOR): 404,
        viewer: 404,
        make_user(Role.REVIEWER): 200,
        make_user(Role.ADMIN): 200,
    }
    for user, status in people.items():
        reader = Reader(user, generation.id).read(until=lambda _event: True)
        assert reader.status == status, user


def test_anonymous_readers_and_strangers_are_refused(generation):
    assert Reader(None, generation.id).read().status == 401
    stranger = Reader(make_user(), generation.id).read()
    assert stranger.status == 404
    assert json.loads(stranger.body)["code"] == "not_found"


def test_what_has_ended_is_told_whole_and_at_once(owner, generation):
    jobs.cancel_job(job_id=generation.job_id)
    reader = Reader(owner, generation.id).read()
    assert reader.types == ["generation.finished"]
    assert reader.events[0]["data"]["status"] == "canceled"
    assert reader.events[0]["data"]["id"] == str(generation.id)


def test_a_stream_starts_with_a_snapshot_and_ends_with_the_end(owner, generation):
    def work():
        tell(generation, 1)
        jobs.cancel_job(job_id=generation.job_id)
        live.publish([str(generation.id)], "generation.changed", {})

    reader = Reader(owner, generation.id).read(meanwhile=work)
    assert reader.types == ["stream.snapshot", "generation.progress", "generation.finished"]


def test_a_change_of_state_is_told(owner, generation):
    def work():
        worker = make_worker(queues=[generation.job.queue])
        jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
        live.publish([str(generation.id)], "generation.status", {"status": "running"})

    reader = Reader(owner, generation.id).read(
        meanwhile=work, until=lambda event: event["type"] == "generation.status"
    )
    assert reader.events[-1]["data"]["status"] == "running"


def test_a_reader_goes_on_where_it_left_off(owner, generation):
    for done in range(1, 4):
        tell(generation, done)
    # Something may have been missed since an id from before the stream's beginning.
    first = Reader(owner, generation.id, last_event_id="0-1")
    first.read(until=lambda event: event["type"] == "stream.snapshot")
    assert first.types[0] == "stream.snapshot"

    def tell_the_rest():
        for done in range(4, 7):
            tell(generation, done)

    seen = Reader(owner, generation.id)
    seen.read(
        meanwhile=tell_the_rest,
        until=lambda event: event["data"].get("done") == 6,
    )
    fourth = next(event["id"] for event in seen.events if event["data"].get("done") == 4)
    again = Reader(owner, generation.id, last_event_id=fourth)
    again.read(until=lambda event: event["data"].get("done") == 6)
    told = [event["data"]["done"] for event in again.events if "done" in event["data"]]
    assert told == [5, 6]


def test_without_redis_the_row_still_ends_the_stream(owner, generation, monkeypatch):
    monkeypatch.setattr(live, "_open_redis", lambda: AsyncRedis(unix_socket_path="/nowhere"))
    reader = Reader(owner, generation.id).read(
        meanwhile=lambda: jobs.cancel_job(job_id=generation.job_id)
    )
    assert reader.types == ["stream.snapshot", "generation.finished"]


def test_a_cancel_is_told_at_once_and_not_by_a_look(owner, generation, monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 25.0)
    reader = Reader(owner, generation.id).read(
        meanwhile=lambda: cancel_generation(generation=generation)
    )
    assert reader.types == ["stream.snapshot", "generation.finished"]


def test_a_new_reader_sees_the_text_so_far(owner, generation):
    topics = [str(generation.id), topic_of_owner(owner.pk)]

    def add(kind, **facts):
        progress = {"done": 0, "total": 2, "unit": "token"}
        live.publish(topics, kind, {"id": str(generation.id), **progress, **facts})

    add("generation.preview", media_type="text/plain", text="To be", length=5)
    add("generation.preview", media_type="text/plain", text="To be or", length=8)
    add("generation.delta", offset=8, length=12, text=" not")
    tell(generation, 1)
    tell(generation, 2)
    for topic in (generation.id, None):
        reader = Reader(owner, topic).read(until=lambda event: event["data"].get("done") == 2)
        told = [(event["type"], event["data"].get("text")) for event in reader.events[1:]]
        assert told == [
            ("generation.preview", "To be or"),
            ("generation.delta", " not"),
            ("generation.progress", None),
        ]
        assert len({event["id"] for event in reader.events[1:]}) == 3


def test_everything_of_ones_own_is_on_one_stream(owner, generation):
    def work():
        other = make_generation(owner=owner, prompt="another")
        make_generation(owner=make_user(), prompt="somebody else's")
        worker = make_worker(queues=[generation.job.queue])
        jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
        tell(generation, 1)
        cancel_generation(generation=other)

    reader = Reader(owner, None).read(
        meanwhile=work, until=lambda event: event["type"] == "generation.finished"
    )
    snapshot = reader.events[0]
    assert snapshot["type"] == "stream.snapshot"
    assert [row["id"] for row in snapshot["data"]["data"]] == [str(generation.id)]
    told = [event["data"] for event in reader.events[1:]]
    assert all("somebody" not in json.dumps(data) for data in told)
    assert any(data.get("done") == 1 for data in told)
    [ended] = [event for event in reader.events if event["type"] == "generation.finished"]
    assert ended["data"]["prompt"] == "another"


def test_the_stream_of_ones_own_goes_on_where_it_left_off(owner, generation):
    tell(generation, 1)
    tell(generation, 2)
    first = Reader(owner, None).read(until=lambda event: event["data"].get("done") == 2)
    tell(generation, 3)
    again = Reader(owner, None, last_event_id=first.events[-1]["id"])
    again.read(until=lambda event: event["data"].get("done") == 3)
    assert again.types == ["generation.progress"]


def test_without_redis_the_rows_tell_of_everything(owner, generation, monkeypatch):
    monkeypatch.setattr(live, "_open_redis", lambda: AsyncRedis(unix_socket_path="/nowhere"))

    def work():
        jobs.cancel_job(job_id=generation.job_id)
        make_generation(owner=owner, prompt="another")

    reader = Reader(owner, None).read(
        meanwhile=work, until=lambda event: event["data"].get("prompt") == "another"
    )
    assert set(reader.types[1:]) <= {"generation.finished", "generation.status"}


def test_too_many_streams_are_refused(owner, generation, monkeypatch):
    monkeypatch.setattr(events, "MAX_STREAMS_PER_USER", 0)
    reader = Reader(owner, generation.id).read()
    assert reader.status == 429
    assert json.loads(reader.body)["code"] == "too_many_streams"


def test_who_may_no_longer_read_is_told_no_more(owner, generation, monkeypatch):
    monkeypatch.setattr(events, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.1)

    def lock_out():
        owner.is_active = False
        owner.save()

    reader = Reader(owner, generation.id).read(meanwhile=lock_out)
    assert reader.types == ["stream.snapshot"]


def test_a_slow_listener_loses_events_and_knows_it():
    async def overflow() -> tuple[int, bool]:
        subscription = Subscription("topic")
        for number in range(1000):
            subscription.put(live.LiveEvent(f"{number}-0", "generation.progress", "{}"))
        return len(await subscription.take(wait_seconds=0)), subscription.has_gap

    count, has_gap = asyncio.run(overflow())
    assert count < 300
    assert has_gap


def test_a_server_that_stops_says_goodbye(owner, generation):
    scope = Reader(owner, generation.id)._scope

    async def stop_meanwhile() -> bytes:
        streams = LiveStreams()
        body = b""

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            nonlocal body
            body += message.get("body", b"")
            if b"stream.snapshot" in message.get("body", b""):
                asyncio.get_running_loop().call_later(
                    0.05, lambda: asyncio.ensure_future(streams.say_goodbye())
                )

        await asyncio.wait_for(streams.serve_generation(scope, receive, send, generation.id), 10)
        await streams.close()
        return body

    assert asyncio.run(stop_meanwhile()).endswith(b"event: bye\nretry: 1000\ndata: {}\n\n")
