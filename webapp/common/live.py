"""Live events: what happens to an object right now, for whoever is looking.

Events go to one Redis stream per object, short-lived and bounded. They may be lost: readers then
fall back on the rows in Postgres, which are the truth.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis import RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from webapp.common.redis_client import impatient_redis

logger = logging.getLogger(__name__)

_MAX_EVENTS = 1024
_KEEP_SECONDS = 3600
_PAUSE_SECONDS = 1.0
_paused_until = 0.0


@dataclass(frozen=True)
class LiveEvent:
    """One event; `id` starts with the time, so it grows across a restart of Redis too."""

    id: str
    type: str
    data: Mapping[str, Any]


def _key(topic: str) -> str:
    return f"live:{topic}"


def publish(topic: str, event_type: str, data: Mapping[str, Any]) -> None:
    """Add an event to the stream of `topic`; never raises, never waits long."""
    global _paused_until  # noqa: PLW0603 -- a pause is a fact about this process's Redis
    if time.monotonic() < _paused_until:
        return
    try:
        pipeline = impatient_redis().pipeline(transaction=False)
        pipeline.xadd(
            _key(topic), {"type": event_type, "data": json.dumps(data)}, maxlen=_MAX_EVENTS
        )
        pipeline.expire(_key(topic), _KEEP_SECONDS)
        pipeline.execute()
    except RedisError as error:
        _paused_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("live event of %s lost: %s", topic, error)


def open_reader() -> AsyncRedis:
    """An asynchronous client for `read`; close it with `aclose`."""
    return AsyncRedis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=0.5,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
    )


async def read(
    reader: AsyncRedis, topic: str, *, after: str, wait_seconds: float
) -> AsyncIterator[LiveEvent]:
    """The events after an id, oldest first, waiting up to `wait_seconds` for the first.

    Raises RedisError when Redis cannot be asked.
    """
    # redis-py types its answers for every protocol at once; ours decodes to lists of pairs.
    answer: Any = await reader.xread(
        {_key(topic): after}, count=200, block=int(wait_seconds * 1000)
    )
    for _, entries in answer or ():
        for event_id, fields in entries:
            yield LiveEvent(event_id, fields["type"], json.loads(fields["data"]))


async def newest_id(reader: AsyncRedis, topic: str) -> str:
    """The id of the newest event, from which a reader that has the row can go on; `0` if none."""
    entries: Any = await reader.xrevrange(_key(topic), count=1)
    return str(entries[0][0]) if entries else "0"


async def holds(reader: AsyncRedis, topic: str, event_id: str) -> bool:
    """Whether nothing after `event_id` has been dropped from the stream yet."""
    oldest: Any = await reader.xrange(_key(topic), count=1)
    return bool(oldest) and _order(event_id) >= _order(str(oldest[0][0]))


def _order(event_id: str) -> tuple[int, int]:
    """The sort order of stream ids, `milliseconds-sequence`; what is no id comes before all."""
    head, _, tail = event_id.partition("-")
    if not (head.isdecimal() and (tail or "0").isdecimal()):
        return (0, 0)
    return int(head), int(tail or 0)
