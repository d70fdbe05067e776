"""Carries plans out on an event loop; the counterpart of `transport`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx2

from pinakes_client import plans
from pinakes_client.calls import Call, fill
from pinakes_client.plans import Pause, Plan, Reply, Retries
from pinakes_client.problems import as_unreachable
from pinakes_client.requests import sending
from pinakes_client.streams import Event, Following
from pinakes_client.transport import next_call, rows_of, whole_file

T = TypeVar("T")
Page = TypeVar("Page")
Row = TypeVar("Row")


class AsyncTransport:
    """One Pinakes as the owner of an API key."""

    def __init__(self, http: httpx2.AsyncClient, retries: Retries) -> None:
        self.http = http
        self.retries = retries

    async def run(self, plan: Plan[T]) -> T:
        """Carry out a plan. Raises what the plan raises."""
        reply: Reply = None
        while True:
            try:
                step = plan.send(reply)
            except StopIteration as ended:
                result: T = ended.value
                return result
            reply = await self._take(step)

    async def _take(self, step: Call[Any] | Pause) -> Reply:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            with sending(step, self.http) as request:
                response = await self.http.send(request, stream=step.is_streamed)
            if step.is_streamed and response.status_code >= 400:
                async with aclosing(response):
                    await response.aread()
        except httpx2.TransportError as failure:
            return failure
        return response

    async def read(self, call: Call[T]) -> T:
        """The answer of one call."""
        return await self.run(plans.read(call, self.retries))

    async def start(self, call: Call[T], read: str, **places: str | int) -> AsyncWork[T]:
        """A call that begins work; `read` is where its object is read from then on."""
        return AsyncWork(self, await self.read(call), read, places)

    def listing(self, call: Call[Page]) -> AsyncListing[Page, Any]:
        """A list, of which nothing is read yet."""
        return AsyncListing(self, call)

    def download(self, call: Call[bytes]) -> AsyncDownload:
        """A file, of which nothing is read yet."""
        return AsyncDownload(self, call)

    async def follow(self, path: str, *, until: str | None = None) -> AsyncIterator[Event]:
        """The events of a stream, over broken connections, up to the event named `until`."""
        following = Following(path, until=until, retries=self.retries)
        while not following.is_over:
            failure: httpx2.TransportError | None = None
            plan = plans.exchange(following.call(), self.retries)
            async with aclosing(await self.run(plan)) as response:
                try:
                    async for received in httpx2.EventSource(response):
                        event = following.take(received)
                        if event is not None:
                            yield event
                except httpx2.TransportError as broken:
                    failure = broken
            if not following.is_over:
                await asyncio.sleep(following.pause_after_end(failure))


class AsyncGroup:
    """The operations of one kind of resource."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport


class AsyncWork(Generic[T]):
    """Something that was accepted and goes on: `data` is its object as it was last read."""

    def __init__(
        self, transport: AsyncTransport, data: T, read: str, places: dict[str, str | int]
    ) -> None:
        self.data = data
        self.id = plans.id_of(data)
        path = fill(read, id=self.id, **places)
        self._transport = transport
        self._read = Call[T](method="GET", path=path)

    async def refresh(self) -> T:
        """Read it again."""
        self.data = await self._transport.read(self._read)
        return self.data

    async def wait(
        self, timeout: float | None = None, on_progress: Callable[[T], None] | None = None
    ) -> T:
        """Return the object once it is `terminal`, whichever way it ended.

        `on_progress` gets every new state. Raises StillRunning after `timeout` seconds.
        """
        watching = plans.watch(
            self._read,
            self.data,
            self._transport.retries,
            timeout=timeout,
            on_progress=on_progress,
        )
        self.data = await self._transport.run(watching)
        return self.data


class AsyncListing(Generic[Page, Row]):
    """A list that is read page by page while one goes through it."""

    def __init__(self, transport: AsyncTransport, call: Call[Page]) -> None:
        self._transport = transport
        self._call = call

    async def page(self) -> Page:
        """The first page with all that it says."""
        return await self._transport.read(self._call)

    async def pages(self) -> AsyncIterator[Page]:
        """One page after the other."""
        call: Call[Page] | None = self._call
        while call is not None:
            page = await self._transport.read(call)
            yield page
            call = next_call(call, page)

    async def __aiter__(self) -> AsyncIterator[Row]:
        async for page in self.pages():
            for row in rows_of(page):
                yield row


class AsyncDownload:
    """A file that is read when it is asked for, piece by piece where it is to be saved."""

    def __init__(self, transport: AsyncTransport, call: Call[bytes]) -> None:
        self._transport = transport
        self._call = replace(call, is_streamed=True)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes in pieces."""
        plan = plans.exchange(self._call, self._transport.retries)
        response = await self._transport.run(plan)
        with as_unreachable(self._call.path):
            async with aclosing(response):
                async for chunk in response.aiter_bytes():
                    yield chunk

    async def read(self) -> bytes:
        """All its bytes."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def save(self, path: Path | str) -> Path:
        """Write it to a file, which is there only once it is whole."""
        target = Path(path)
        with whole_file(target) as file:
            async for chunk in self.chunks():
                file.write(chunk)
        return target
