"""The site's Redis client: it gives up at once, because nothing depends on Redis."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=1)
def impatient_redis() -> Redis:
    """One pool of connections per process. The library's own default would retry for seconds."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.2,
        socket_connect_timeout=0.2,
        retry=Retry(NoBackoff(), 0),
    )
