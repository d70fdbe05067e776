"""What is done in which order, written once for both transports.

A plan is a generator: it yields what it needs (an answer, a pause) and is sent what came of it.
So it never waits itself, and the same plan serves threads and event loops.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias, TypeVar

import httpx2

from pinakes_client.calls import Call, Received
from pinakes_client.problems import (
    StillRunning,
    UnableToReach,
    problem_of,
    seconds_of_retry_after,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Pause:
    """Wait this long, then go on."""

    seconds: float


#: What a plan may be sent: an answer, why there is none, or nothing after a pause.
Reply: TypeAlias = httpx2.Response | httpx2.TransportError | None
Plan: TypeAlias = Generator[Call[Any] | Pause, Reply, T]

_PASSING_STATUSES = frozenset({429, 502, 503, 504})
_LONGEST_POLL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often and how patiently a request is sent again."""

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0

    def pause_after(self, attempt: int, reply: Reply, *, is_repeatable: bool) -> float | None:
        """Seconds until the next attempt; None where this reply is the last word.

        429 comes before anything was accepted, and so does a connection that was never made:
        after these, everything may be sent again, after the others only what is repeatable.
        """
        if attempt >= self.attempts:
            return None
        asked = None
        if isinstance(reply, httpx2.Response):
            if reply.status_code not in _PASSING_STATUSES:
                return None
            was_refused = reply.status_code == 429
            asked = seconds_of_retry_after(reply.headers)
        else:
            was_refused = isinstance(reply, httpx2.ConnectError | httpx2.ConnectTimeout)
        if not (is_repeatable or was_refused):
            return None
        if asked is not None and asked > self.longest_pause:
            return None
        backoff = min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)
        # Jitter, so that many clients do not come back at the same moment.
        jitter: float = random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
        return (asked or 0.0) + backoff * jitter


def exchange(call: Call[Any], retries: Retries) -> Plan[httpx2.Response]:
    """Send a request until it is answered. Raises Problem, UnableToReach."""
    for attempt in count(1):
        reply = yield call
        pause = retries.pause_after(attempt, reply, is_repeatable=call.is_repeatable)
        if pause is None:
            break
        yield Pause(pause)
    if not isinstance(reply, httpx2.Response):
        reason = str(reply) or type(reply).__name__
        raise UnableToReach(f"{call.method} {call.path}: {reason}") from reply
    if reply.status_code >= 400:
        raise problem_of(reply)
    return reply


def read(call: Call[T], retries: Retries) -> Plan[T]:
    """The JSON of an answer; None of one without a body."""
    response = yield from exchange(call, retries)
    received: Any = response.json() if response.content else None
    if isinstance(received, dict):
        received = Received(received)
        received.etag = response.headers.get("ETag")
    result: T = received
    return result


def watch(
    call: Call[T],
    first: T,
    retries: Retries,
    *,
    timeout: float | None,
    on_progress: Callable[[T], None] | None,
) -> Plan[T]:
    """Read an object again until it is `terminal`; `on_progress` gets each state that is new.

    Raises StillRunning after `timeout` seconds, Problem, UnableToReach.
    """
    give_up_at = None if timeout is None else time.monotonic() + timeout
    pause = 0.1
    now = first
    told: T | None = None
    while True:
        if on_progress is not None and now != told:
            on_progress(now)
            told = now
        if _member(now, "terminal"):
            return now
        left = pause if give_up_at is None else give_up_at - time.monotonic()
        if left <= 0:
            raise StillRunning(f"{call.path} has not ended after {timeout:g} s", last=now)
        yield Pause(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
        now = yield from read(call, retries)


def id_of(value: object) -> str:
    """The id of an object that was begun."""
    return str(_member(value, "id"))


def _member(value: object, name: str) -> Any:  # noqa: ANN401 -- whatever the member holds
    return value[name] if isinstance(value, Mapping) else None
