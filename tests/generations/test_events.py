"""The live stream: what it tells, where it goes on, and when it ends."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis

from tests.factories import make_checkpoint, make_generation, make_user, make_worker
from webapp.accounts.models import User
from webapp.accounts.operations import create_api_key
from webapp.common import live
from webapp.generations.events import generation_events
from webapp.generations.models import Generation
from webapp.jobs import operations as jobs

pytestmark = pytest.mark.django_db(transaction=True)


class Reader:
    """A client of the stream that reads until a condition holds, then hangs up."""

    def __init__(
        self, user: User | None, generation_id: uuid.UUID, last_event_id: str = ""
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
            "path": f"/api/v1/generations/{generation_id}/events",
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
                    if self._until(event):
                        gone.set()
            if meanwhile is not None and len(self.events) == 1:
                await asyncio.to_thread(meanwhile)

        await generation_events(self._scope, receive, send, generation_id=self._generation_id)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@pytest.fixture
def owner():
    make_checkpoint()
    return make_user()


@pytest.fixture
def generation(owner) -> Generation:
    return make_generation(owner=owner)


def tell(generation: Generation, done: int) -> None:
    facts = {"done": done, "total": 9, "unit": "step"}
    live.publish(str(generation.id), "generation.progress", facts)


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
        live.publish(str(generation.id), "generation.changed", {})

    reader = Reader(owner, generation.id).read(meanwhile=work)
    assert reader.types == ["stream.snapshot", "generation.progress", "generation.finished"]


def test_a_change_of_state_is_told(owner, generation):
    def work():
        worker = make_worker(queues=[generation.job.queue])
        jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
        live.publish(str(generation.id), "generation.status", {"status": "running"})

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
    assert first.types == ["stream.snapshot"]

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
    monkeypatch.setattr(live, "open_reader", lambda: AsyncRedis(unix_socket_path="/nowhere"))
    reader = Reader(owner, generation.id).read(
        meanwhile=lambda: jobs.cancel_job(job_id=generation.job_id)
    )
    assert reader.types == ["stream.snapshot", "generation.finished"]
