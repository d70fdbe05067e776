"""How often something may happen: one atomic count in Redis for all web processes.

The generic cell rate algorithm (ITU-T I.371): it keeps one moment per key, the time at which the
bucket would be full again, so a window has no edge at which twice as much could be let through.
Without Redis nothing is refused: limits are a courtesy between clients, quotas are kept in
Postgres.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from redis import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from webapp.common.redis_client import impatient_redis

if TYPE_CHECKING:
    # The framework's views import this module through its settings.
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

# In microseconds of Redis' own clock, which all processes share. The key goes with the bucket.
_SPEND = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local step, full, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = empty_at + step * math.max(cost, 1)
if after - full > now then
  return {0, 0, math.ceil(after - full - now), math.ceil(empty_at - now)}
end
if cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
end
local left = math.floor((full - (after - now)) / step)
return {1, left, 0, math.ceil(after - now)}
"""
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Rate:
    """At most `count` in `seconds`, all at once or spread out."""

    count: int
    seconds: int


@dataclass(frozen=True)
class Standing:
    """Whether it was allowed, how many more are, and the seconds until one is or all are again."""

    is_allowed: bool
    left: int
    retry_seconds: int
    reset_seconds: int


def spend(key: str, rate: Rate, *, cost: int = 1) -> Standing | None:
    """Count something under a key; a cost of 0 only asks. None where Redis is away."""
    step = rate.seconds * _MICROSECONDS / rate.count
    try:
        redis = impatient_redis()
        found = redis.register_script(_SPEND)(
            keys=[f"rate:{key}"], args=[step, rate.seconds * _MICROSECONDS, cost]
        )
    except RedisError as error:
        logger.warning("rates are not kept: %s", error)
        return None
    is_allowed, left, retry, reset = map(int, found)
    return Standing(bool(is_allowed), left, _seconds(retry), _seconds(reset))


def forget(key: str) -> None:
    """Begin anew under a key."""
    try:
        impatient_redis().delete(f"rate:{key}")
    except RedisError as error:
        logger.warning("rates are not kept: %s", error)


def _seconds(microseconds: int) -> int:
    return math.ceil(microseconds / _MICROSECONDS)


class RequestRate(BaseThrottle):
    """So many requests a minute for each user of the REST interfaces, whatever their keys.

    The answer tells where the client stands (`RateLimit` of draft-ietf-httpapi-ratelimit-headers);
    the middleware puts it there.
    """

    def __init__(self) -> None:
        self._wait = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count a request, or refuse it."""
        del view
        count = settings.PINAKES_REQUESTS_PER_MINUTE
        if not count or request.user.pk is None:
            return True
        standing = spend(f"requests:{request.user.pk}", Rate(count, 60))
        if standing is None:
            return True
        self._wait = standing.retry_seconds
        request._request.rate_headers = {  # type: ignore[attr-defined]  # noqa: SLF001 -- the one
            # that passes through the middleware
            "RateLimit-Policy": f'"requests";q={count};w=60',
            "RateLimit": f'"requests";r={standing.left};t={standing.reset_seconds}',
        }
        return standing.is_allowed

    def wait(self) -> float | None:
        """The seconds of `Retry-After`."""
        return self._wait
