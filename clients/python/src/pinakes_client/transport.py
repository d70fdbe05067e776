"""Carries plans out with a blocking client, and gives their results a shape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import httpx2

from pinakes_client import plans
from pinakes_client.calls import Call, fill
from pinakes_client.plans import Pause, Plan, Reply, Retries
from pinakes_client.problems import as_unreachable
from pinakes_client.requests import sending
from pinakes_client.streams import Event, Following

T = TypeVar("T")
Page = TypeVar("Page")
Row = TypeVar("Row")


class Transport:
    """One Pinakes as the owner of an API key."""

    def __init__(self, http: httpx2.Client, retries: Retries) -> None:
        self.http = http
        self.retries = retries

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan. Raises what the plan raises."""
        reply: Reply = None
        while True:
            try:
                step = plan.send(reply)
            except StopIteration as ended:
                result: T = ended.value
                return result
            reply = self._take(step)

    def _take(self, step: Call[Any] | Pause) -> Reply:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            with sending(step, self.http) as request:
                response = self.http.send(request, stream=step.is_streamed)
            if step.is_streamed and response.status_code >= 400:
                with closing(response):
                    response.read()
        except httpx2.TransportError as failure:
            return failure
        return response

    def read(self, call: Call[T]) -> T:
        """The answer of one call."""
        return self.run(plans.read(call, self.retries))

    def start(self, call: Call[T], read: str, **places: str | int) -> Work[T]:
        """A call that begins work; `read` is where its object is read from then on."""
        return Work(self, self.read(call), read, places)

    def listing(self, call: Call[Page]) -> Listing[Page, Any]:
        """A list, of which nothing is read yet."""
        return Listing(self, call)

    def download(self, call: Call[bytes]) -> Download:
        """A file, of which nothing is read yet."""
        return Download(self, call)

    def follow(self, path: str, *, until: str | None = None) -> Iterator[Event]:
        """The events of a stream, over broken connections, up to the event named `until`."""
        following = Following(path, until=until, retries=self.retries)
        while not following.is_over:
            failure: httpx2.TransportError | None = None
            plan = plans.exchange(following.call(), self.retries)
            with closing(self.run(plan)) as response:
                try:
                    for received in httpx2.EventSource(response):
                        event = following.take(received)
                        if event is not None:
                            yield event
                except httpx2.TransportError as broken:
                    failure = broken
            if not following.is_over:
                time.sleep(following.pause_after_end(failure))


class Group:
    """The operations of one kind of resource."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport


class Work(Generic[T]):
    """Something that was accepted and goes on: `data` is its object as it was last read."""

    def __init__(
        self, transport: Transport, data: T, read: str, places: dict[str, str | int]
    ) -> None:
        self.data = data
        self.id = plans.id_of(data)
        path = fill(read, id=self.id, **places)
        self._transport = transport
        self._read = Call[T](method="GET", path=path)

    def refresh(self) -> T:
        """Read it again."""
        self.data = self._transport.read(self._read)
        return self.data

    def wait(
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
        self.data = self._transport.run(watching)
        return self.data


class Listing(Generic[Page, Row]):
    """A list that is read page by page while one goes through it."""

    def __init__(self, transport: Transport, call: Call[Page]) -> None:
        self._transport = transport
        self._call = call

    def page(self) -> Page:
        """The first page with all that it says."""
        return self._transport.read(self._call)

    def pages(self) -> Iterator[Page]:
        """One page after the other."""
        call: Call[Page] | None = self._call
        while call is not None:
            page = self._transport.read(call)
            yield page
            call = next_call(call, page)

    def __iter__(self) -> Iterator[Row]:
        for page in self.pages():
            yield from rows_of(page)


def rows_of(page: Any) -> list[Any]:  # noqa: ANN401 -- a page of any list
    """What a page lists."""
    rows: list[Any] = page["data"]
    return rows


def next_call(call: Call[Page], page: Any) -> Call[Page] | None:  # noqa: ANN401 -- as above
    """The call for the page after this one; None after the last."""
    cursor = page.get("next_cursor")
    return replace(call, query={**call.query, "cursor": cursor}) if cursor else None


class Download:
    """A file that is read when it is asked for, piece by piece where it is to be saved."""

    def __init__(self, transport: Transport, call: Call[bytes]) -> None:
        self._transport = transport
        self._call = replace(call, is_streamed=True)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in pieces."""
        plan = plans.exchange(self._call, self._transport.retries)
        response = self._transport.run(plan)
        with as_unreachable(self._call.path), closing(response):
            yield from response.iter_bytes()

    def read(self) -> bytes:
        """All its bytes."""
        return b"".join(self.chunks())

    def save(self, path: Path | str) -> Path:
        """Write it to a file, which is there only once it is whole."""
        target = Path(path)
        with whole_file(target) as file:
            for chunk in self.chunks():
                file.write(chunk)
        return target


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes its place in the end, or leaves nothing behind."""
    partial = target.with_name(target.name + ".part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
