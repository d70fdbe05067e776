"""What the parts of the site that speak ASGI themselves share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from django.db import connections

Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
Answer = TypeVar("Answer")


@dataclass
class CaughtAnswer:
    """A whole answer, caught on its way out."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def catch(self, message: dict[str, Any]) -> None:
        """Take what an application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
        else:
            self.body += message.get("body", b"")

    def header(self, name: bytes) -> str:
        """The value of a header by its name in small letters; empty where it is not there."""
        return next(
            (value.decode("latin-1") for key, value in self.headers if key.lower() == name), ""
        )

    async def send_through(self, send: Send) -> None:
        """Send it as it is now."""
        headers = [pair for pair in self.headers if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(self.body)).encode()))
        start = {"type": "http.response.start", "status": self.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


async def in_thread(work: Callable[[], Answer]) -> Answer:
    """Run what asks the database in a thread, which gives its connection back at once."""

    def call() -> Answer:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has left; what it still sends is not read."""
    while (await receive())["type"] != "http.disconnect":
        pass
