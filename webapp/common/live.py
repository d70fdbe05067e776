"""Live events: what happens to an object right now, for whoever is looking.

Events go to one Redis stream per topic, short-lived and bounded, and at the same moment to those
who listen. They may be lost: readers then fall back on the rows in Postgres, which are the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis import RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from webapp.common.redis_client import impatient_redis

logger = logging.getLogger(__name__)

_MAX_EVENTS = 1024
_KEEP_SECONDS = 3600
_PAUSE_SECONDS = 1.0
_paused_until = 0.0

#: Events that wait for one slow listener; with more it has to begin again.
_MAX_BEHIND = 256
#: Events that a new listener looks back over.
_MAX_REPLAYED = 256
#: How long a listener waits for Redis to confirm, before it goes on without.
_CONFIRM_SECONDS = 1.0
#: Keeps the hub's connection in its listening state while nobody listens.
_IDLE_CHANNEL = "live"

# One call for all streams of an event. Listeners hear it under the id that the stream gave it.
_PUBLISH = """
for _, key in ipairs(KEYS) do
  local id = redis.call('XADD', key, 'MAXLEN', '~', ARGV[3], '*', 'type', ARGV[1], 'data', ARGV[2])
  redis.call('EXPIRE', key, ARGV[4])
  redis.call('PUBLISH', key, id .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
end
"""


@dataclass(frozen=True)
class LiveEvent:
    """One event; `id` starts with the time, so it grows across a restart of Redis too.

    `data` is JSON, as it was published.
    """

    id: str
    type: str
    data: str


def _key(topic: str) -> str:
    return f"live:{topic}"


@dataclass(frozen=True)
class NewEvent:
    """An event to be published to several topics."""

    topics: Sequence[str]
    type: str
    data: Mapping[str, Any]


def publish(topics: Sequence[str], event_type: str, data: Mapping[str, Any]) -> None:
    """Add an event to the streams of `topics`; never raises, never waits long."""
    publish_all([NewEvent(topics, event_type, data)])


def publish_all(events: Sequence[NewEvent]) -> None:
    """`publish` for several events, in one exchange with Redis."""
    global _paused_until  # noqa: PLW0603 -- a pause is a fact about this process's Redis
    if not events or time.monotonic() < _paused_until:
        return
    try:
        redis = impatient_redis()
        script = redis.register_script(_PUBLISH)
        pipeline = redis.pipeline(transaction=False)
        for event in events:
            data = json.dumps(event.data, ensure_ascii=False)
            keys = [_key(topic) for topic in event.topics]
            script(keys=keys, args=[event.type, data, _MAX_EVENTS, _KEEP_SECONDS], client=pipeline)
        pipeline.execute()
    except RedisError as error:
        _paused_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("%s live events lost: %s", len(events), error)


def _open_redis() -> AsyncRedis:
    return AsyncRedis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=0.5,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
    )


class Subscription:
    """What one listener has not taken yet. `has_gap` says that something may have been missed.

    With `only`, events of other types are not for it.
    """

    def __init__(self, topic: str, *, only: str | None = None) -> None:
        self.topic = topic
        self._only = only
        self.has_gap = False
        self._waiting: deque[LiveEvent] = deque()
        self._something = asyncio.Event()

    async def take(self, *, wait_seconds: float) -> list[LiveEvent]:
        """What has come, oldest first, waiting for the first; nothing when the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._something.wait(), wait_seconds)
        self._something.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def put(self, event: LiveEvent) -> None:
        """Add an event; a listener that is far behind loses all and has a gap."""
        if self._only is not None and event.type != self._only:
            return
        if len(self._waiting) >= _MAX_BEHIND:
            self._waiting.clear()
            self.has_gap = True
        else:
            self._waiting.append(event)
        self._something.set()

    def wake(self, *, has_gap: bool = False) -> None:
        """End the wait without an event."""
        self.has_gap = self.has_gap or has_gap
        self._something.set()


class Hub:
    """All listeners of this process behind one connection to Redis."""

    def __init__(self) -> None:
        self.is_connected = False
        self._topics: dict[str, set[Subscription]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._redis: AsyncRedis | None = None
        self._channels: PubSub | None = None
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def listen(self, topic: str, *, only: str | None = None) -> AsyncIterator[Subscription]:
        """Hear what is published to `topic` from now on, all of it or one type of event."""
        if self._task is None:
            self._task = asyncio.create_task(self._run_forever())
        subscription = Subscription(topic, only=only)
        is_first = topic not in self._topics
        self._topics.setdefault(topic, set()).add(subscription)
        if is_first:
            self._confirmed[topic] = asyncio.Event()
            await self._say("subscribe", topic)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._confirmed[topic].wait(), _CONFIRM_SECONDS)
            yield subscription
        finally:
            self._topics[topic].discard(subscription)
            if not self._topics[topic]:
                del self._topics[topic], self._confirmed[topic]
                await self._say("unsubscribe", topic)

    def all_subscriptions(self) -> list[Subscription]:
        """Everybody who listens now."""
        return [each for listeners in self._topics.values() for each in listeners]

    async def replay(self, topic: str, *, after: str) -> list[LiveEvent]:
        """The events that the stream still has after an id. Raises RedisError."""
        entries: Any = await self._client().xrange(_key(topic), min=f"({after}")
        return [_event(entry) for entry in entries]

    async def newest(self, topic: str) -> list[LiveEvent]:
        """The latest events of the stream, oldest first. Raises RedisError."""
        entries: Any = await self._client().xrevrange(_key(topic), count=_MAX_REPLAYED)
        return [_event(entry) for entry in reversed(entries)]

    async def holds(self, topic: str, event_id: str) -> bool:
        """Whether nothing after `event_id` has been dropped yet. Raises RedisError."""
        oldest: Any = await self._client().xrange(_key(topic), count=1)
        return bool(oldest) and order_of(event_id) >= order_of(str(oldest[0][0]))

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._redis is not None:
            await self._redis.aclose()

    def _client(self) -> AsyncRedis:
        if self._redis is None:
            self._redis = _open_redis()
        return self._redis

    async def _say(self, command: str, topic: str) -> None:
        """Change what is listened to; without a connection the next one will know."""
        if self._channels is None or not self.is_connected:
            return
        with contextlib.suppress(RedisError):
            await getattr(self._channels, command)(_key(topic))

    async def _run_forever(self) -> None:
        is_first = True
        while True:
            try:
                async with self._client().pubsub() as channels:
                    self._channels = channels
                    await channels.subscribe(_IDLE_CHANNEL, *map(_key, self._topics))
                    self.is_connected = True
                    for subscription in () if is_first else self.all_subscriptions():
                        subscription.wake(has_gap=True)
                    is_first = False
                    await self._pass_on(channels)
            except RedisError as error:
                logger.warning("live events pause: %s", error)
            self.is_connected = False
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _pass_on(self, channels: PubSub) -> None:
        while True:
            message = await channels.get_message(timeout=_PAUSE_SECONDS)
            if message is None:
                continue
            topic = str(message["channel"]).removeprefix("live:")
            if message["type"] == "subscribe" and topic in self._confirmed:
                self._confirmed[topic].set()
            elif message["type"] == "message":
                event = LiveEvent(*message["data"].split(" ", 2))
                for subscription in self._topics.get(topic, ()):
                    subscription.put(event)


def _event(entry: Sequence[Any]) -> LiveEvent:
    event_id, fields = entry
    return LiveEvent(str(event_id), fields["type"], fields["data"])


def order_of(event_id: str) -> tuple[int, int]:
    """The sort order of stream ids, `milliseconds-sequence`; what is no id comes before all."""
    head, _, tail = event_id.partition("-")
    if not (head.isdecimal() and (tail or "0").isdecimal()):
        return (0, 0)
    return int(head), int(tail or 0)
