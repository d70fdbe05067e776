"""Server-sent events: where a reader stands, and the text that grows from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from pinakes_client.calls import Call
from pinakes_client.plans import Retries
from pinakes_client.problems import UnableToReach

#: What ends the stream of one generation.
LAST_EVENT = "generation.finished"
_GOODBYE = "bye"


@dataclass(frozen=True)
class Event:
    """Something that happened; docs/live-streams.md lists the types and their data."""

    id: str
    type: str
    data: dict[str, Any]


class Following:
    """Where the reader of one stream stands, over any number of connections."""

    def __init__(self, path: str, *, until: str | None, retries: Retries) -> None:
        self._call = Call[None](
            method="GET", path=path, headers={"Accept": "text/event-stream"}, is_streamed=True
        )
        self._until = until
        self._retries = retries
        self._last_id = ""
        self._num_broken = 0
        self.is_over = False

    def call(self) -> Call[None]:
        """The next connection; it goes on after the last event that was read."""
        if not self._last_id:
            return self._call
        headers = {**self._call.headers, "Last-Event-ID": self._last_id}
        return replace(self._call, headers=headers)

    def take(self, received: httpx2.ServerSentEvent) -> Event | None:
        """The event for the caller; None for one between the server and us."""
        self._num_broken = 0
        self._last_id = received.id or self._last_id
        # What only says how soon to come back has no data, and is no event.
        if received.event == _GOODBYE or not received.data:
            return None
        self.is_over = received.event == self._until
        return Event(received.id, received.event, json.loads(received.data))

    def pause_after_end(self, failure: httpx2.TransportError | None) -> float:
        """Seconds until the next connection. Raises UnableToReach after too many in silence."""
        self._num_broken += 1
        pause = self._retries.pause_after(self._num_broken, failure, is_repeatable=True)
        if pause is None:
            raise UnableToReach(f"{self._call.path}: the stream broke off") from failure
        return pause


class GrowingText:
    """The text of a generation, put together from the events of its stream."""

    def __init__(self) -> None:
        self._text = ""

    def take(self, event: Event) -> str:
        """What an event adds at the end; an event that comes again adds nothing."""
        match event.type:
            case "generation.delta":
                whole = self._text[: event.data["offset"]] + event.data["text"]
            case "generation.preview" | "generation.finished":
                whole = event.data.get("text") or ""
            case _:
                return ""
        added: str = whole[len(self._text) :]
        self._text += added
        return added
