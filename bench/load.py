"""Load from clients that each wait for their answer before they ask again (a closed loop)."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

#: Settings of an instance that is to be loaded by a few users.
UNLIMITED = {"PINAKES_REQUESTS_PER_MINUTE": "0"}


@dataclass(frozen=True)
class Answered:
    """One request's answer, and the seconds it took."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Load:
    """What came of a load."""

    answers: Sequence[Answered]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the answers came; the largest of few."""
        ordered = sorted(answer.seconds for answer in self.answers)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def median(self) -> float:
        return statistics.median(answer.seconds for answer in self.answers)


class Connection:
    """A kept-alive HTTP/1.1 connection; as little of the protocol as our servers need."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        address = urlsplit(base_url)
        assert address.hostname is not None
        self._host, self._port = address.hostname, address.port or 80
        fields = {"Host": f"{self._host}:{self._port}", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: object = None) -> Answered:
        """Send a request and read its whole answer."""
        content = b"" if body is None else json.dumps(body).encode()
        started_at = time.perf_counter()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        head = (
            f"{method} {path} HTTP/1.1\r\n{self._headers}Content-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
        }
        received = await _read_body(reader, fields)
        if fields.get("connection", "").lower() == "close":
            self.close()
        return Answered(int(lines[0].split()[1]), received, time.perf_counter() - started_at)

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read_body(reader: asyncio.StreamReader, fields: Mapping[str, str]) -> bytes:
    if fields.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(fields.get("content-length", "0")))
    received = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        received += chunk[:-2]
        if size == 0:
            return received


async def ask_in_turns(
    base_url: str,
    *,
    headers: Sequence[Mapping[str, str]],
    method: str,
    path: str,
    bodies: Sequence[object],
    num_clients: int,
) -> Load:
    """Have `num_clients` clients send these bodies; client i uses headers i, over and over."""
    left = list(enumerate(bodies))[::-1]
    answers: dict[int, Answered] = {}

    async def client(number: int) -> None:
        connection = Connection(base_url, headers[number % len(headers)])
        while left:
            index, body = left.pop()
            answers[index] = await connection.ask(method, path, body)
        connection.close()

    started_at = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(num_clients)))
    seconds = time.perf_counter() - started_at
    return Load([answers[index] for index in range(len(bodies))], seconds)
