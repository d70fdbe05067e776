"""What the description of the interface has no words for: the live streams of generations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from pinakes_client.async_transport import AsyncGroup
from pinakes_client.calls import fill
from pinakes_client.streams import LAST_EVENT, Event, GrowingText
from pinakes_client.transport import Group

_PATH = "/generations/{generation_id}/events"


class GenerationStreams(Group):
    """The stream of one generation."""

    def events(self, generation_id: str, /) -> Iterator[Event]:
        """What happens to it up to its end, also over connections that break."""
        path = fill(_PATH, generation_id=generation_id)
        return self._transport.follow(path, until=LAST_EVENT)

    def tokens(self, generation_id: str, /) -> Iterator[str]:
        """Its text, piece by piece as it is written; together they are the whole text."""
        text = GrowingText()
        for event in self.events(generation_id):
            added = text.take(event)
            if added:
                yield added


class AsyncGenerationStreams(AsyncGroup):
    """The stream of one generation."""

    def events(self, generation_id: str, /) -> AsyncIterator[Event]:
        """What happens to it up to its end, also over connections that break."""
        path = fill(_PATH, generation_id=generation_id)
        return self._transport.follow(path, until=LAST_EVENT)

    async def tokens(self, generation_id: str, /) -> AsyncIterator[str]:
        """Its text, piece by piece as it is written; together they are the whole text."""
        text = GrowingText()
        async for event in self.events(generation_id):
            added = text.take(event)
            if added:
                yield added
