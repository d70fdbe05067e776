"""How many requests and live streams one web process carries: `python -m bench.api`.

A complete Pinakes whose workers are stopped, so that only the web process, the databases and the
clients use the processors; all share this machine. Requests come in closed loops over 64 kept-open
connections of 16 owners. Streams are those of single generations: every second each hears one
progress event, while generations are submitted at a fixed rate; the lag runs from before the event
is published until the client has read it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench.load import UNLIMITED, Connection, ask_in_turns
from bench.quiet import refuse_unless_quiet
from webapp.embedded.instance import Instance, running_instance

_NUM_OWNERS = 16
_NUM_CONNECTIONS = 64
_WISH = {"model": "gpt-shakespeare", "prompt": "ROMEO:", "seed": 1}
_PATH = "/api/v1/generations"
_MAKE_KEYS = """
from webapp.accounts.models import Role
from webapp.accounts.operations import create_api_key, create_user
for number in range({count}):
    roles = frozenset({{Role.AUTHOR}})
    owner = create_user(username=f"owner{{number}}", password="x" * 20, roles=roles)
    print("key", create_api_key(user=owner, name="bench").secret)
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.api")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args(arguments)
    refuse_unless_quiet()
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    home = Path(tempfile.mkdtemp(prefix="pinakes-b"))
    os.environ["PINAKES_MAX_QUEUED_PER_OWNER"] = "5000"
    try:
        with running_instance(home=home, variables=UNLIMITED) as instance:
            headers = _make_owners(instance)
            stopped = _stop_workers(instance)
            try:
                _measure(instance, headers, options.streams, options.seconds)
            finally:
                for process in stopped:
                    process.send_signal(signal.SIGCONT)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make_owners(instance: Instance) -> list[dict[str, str]]:
    printed = instance.manage("shell", "-c", _MAKE_KEYS.format(count=_NUM_OWNERS))
    keys = [line.split()[1] for line in printed.splitlines() if line.startswith("key ")]
    return [{"Authorization": f"Bearer {key}"} for key in keys]


def _stop_workers(instance: Instance) -> list[psutil.Process]:
    names = instance.process_ids()
    parents = [psutil.Process(names[name]) for name in names if name.startswith(("worker", "lib"))]
    everybody = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
    for process in everybody:
        process.send_signal(signal.SIGSTOP)
    return everybody


def _measure(
    instance: Instance, headers: list[dict[str, str]], num_streams: int, seconds: int
) -> None:
    first = psutil.Process(instance.process_ids()["web"])
    web = [first, *first.children(recursive=True)]
    rows = _measure_requests(instance, headers, web)[:num_streams]
    if len(rows) < num_streams:
        rows += _post(instance, headers, [_WISH] * (num_streams - len(rows)))
    streams = asyncio.run(_Streams(instance, headers, rows, seconds).run())
    largest = max(each.memory_info().rss for each in web) / 2**20
    sys.stdout.write(streams + f"; largest web process {largest:.0f} MB\n")


def _processor_seconds(processes: Sequence[psutil.Process]) -> float:
    return float(sum(sum(each.cpu_times()[:2]) for each in processes))


def _post(
    instance: Instance, headers: Sequence[Mapping[str, str]], bodies: Sequence[object]
) -> list[tuple[str, int]]:
    """The identifiers of what was made, each with the number of its owner."""
    load = asyncio.run(
        ask_in_turns(
            instance.base_url,
            headers=headers,
            method="POST",
            path=_PATH,
            bodies=bodies,
            num_clients=_NUM_CONNECTIONS,
        )
    )
    failed = [answer for answer in load.answers if answer.status != 202]
    sys.stdout.write(
        f"POST {load.per_second:6.0f}/s  median {load.median * 1000:.0f} ms  "
        f"p99 {load.percentile(0.99) * 1000:.0f} ms  errors {len(failed)}\n"
    )
    made = [answer.json() for answer in load.answers]
    return [(row["id"], int(row["owner"].removeprefix("owner"))) for row in made]


def _measure_requests(
    instance: Instance, headers: list[dict[str, str]], web: Sequence[psutil.Process]
) -> list[tuple[str, int]]:
    _post(instance, headers, [_WISH] * 64)  # warms every thread
    clients_before, web_before = time.process_time(), _processor_seconds(web)
    rows = _post(instance, headers, [_WISH] * 1600)
    sys.stdout.write(
        f"     of the processors: web {_processor_seconds(web) - web_before:.1f} s, "
        f"clients {time.process_time() - clients_before:.1f} s\n"
    )
    name, owner = rows[0]
    load = asyncio.run(
        ask_in_turns(
            instance.base_url,
            headers=[headers[owner]],
            method="GET",
            path=f"{_PATH}/{name}",
            bodies=[None] * 3000,
            num_clients=_NUM_CONNECTIONS,
        )
    )
    failed = sum(answer.status != 200 for answer in load.answers)
    sys.stdout.write(
        f"GET  {load.per_second:6.0f}/s  median {load.median * 1000:.0f} ms  "
        f"p99 {load.percentile(0.99) * 1000:.0f} ms  errors {failed}\n"
    )
    return rows


class _Streams:
    """Many clients, one publisher, and somebody who submits meanwhile."""

    def __init__(
        self,
        instance: Instance,
        headers: list[dict[str, str]],
        rows: list[tuple[str, int]],
        seconds: int,
    ) -> None:
        self._instance = instance
        self._headers = headers
        self._rows = rows
        self._seconds = seconds
        self._lags: list[float] = []
        self._open = 0
        self._posted: list[float] = []

    async def run(self) -> str:
        started_at = time.monotonic()
        readers = [
            asyncio.create_task(self._read(name, self._headers[owner]))
            for name, owner in self._rows
        ]
        while self._open < len(readers) and time.monotonic() < started_at + 60:
            await asyncio.sleep(0.05)
        connected_after = time.monotonic() - started_at
        num_open = self._open
        publisher = threading.Thread(target=self._publish)
        publisher.start()
        submitting = asyncio.create_task(self._submit())
        await asyncio.sleep(self._seconds + 2)
        publisher.join()
        await submitting
        for reader in readers:
            reader.cancel()
        lags = sorted(self._lags)
        posted = sorted(self._posted)
        return (
            f"SSE  {num_open} streams open after {connected_after:.1f} s; "
            f"{len(lags)} of {num_open * self._seconds} events, "
            f"lag median {_share(lags, 0.5):.0f} ms, p99 {_share(lags, 0.99):.0f} ms; "
            f"meanwhile {len(posted) / self._seconds:.0f} POST/s, "
            f"p99 {_share(posted, 0.99):.0f} ms"
        )

    async def _read(self, name: str, headers: Mapping[str, str]) -> None:
        address = urlsplit(self._instance.base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        fields = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        line = f"GET {_PATH}/{name}/events HTTP/1.1\r\n"
        writer.write(f"{line}Host: {address.netloc}\r\n{fields}\r\n".encode())
        try:
            while received := await reader.readline():
                if received.startswith(b"event: stream.snapshot"):
                    self._open += 1
                elif received.startswith(b"data: ") and b'"sent_at"' in received:
                    sent_at = json.loads(received[6:])["sent_at"]
                    self._lags.append(time.time() - sent_at)
        finally:
            writer.close()

    def _publish(self) -> None:
        addresses = json.loads((self._instance.home / "addresses.json").read_text("utf-8"))
        os.environ.update(addresses)
        os.environ["PINAKES_HOME"] = str(self._instance.home)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
        # Only now, because settings are read from the environment.
        from webapp.common import live

        names = [name for name, _ in self._rows]
        chunk = max(1, len(names) // 20)
        for _ in range(self._seconds):
            begun_at = time.monotonic()
            for start in range(0, len(names), chunk):
                now = time.time()
                live.publish_all(
                    [
                        live.NewEvent([name], "generation.progress", {"id": name, "sent_at": now})
                        for name in names[start : start + chunk]
                    ]
                )
                # Spread over the second, as the events of many workers are.
                next_at = begun_at + (start + chunk) / len(names)
                time.sleep(max(0.0, next_at - time.monotonic()))

    async def _submit(self, per_second: int = 100) -> None:
        connections = [
            Connection(self._instance.base_url, self._headers[number % _NUM_OWNERS])
            for number in range(_NUM_CONNECTIONS)
        ]
        free = asyncio.Queue[Connection]()
        for connection in connections:
            free.put_nowait(connection)
        tasks = set()

        async def post(connection: Connection) -> None:
            answer = await connection.ask("POST", _PATH, _WISH)
            assert answer.status == 202, answer.body
            self._posted.append(answer.seconds)
            free.put_nowait(connection)

        begun_at = time.monotonic()
        for number in range(per_second * self._seconds):
            await asyncio.sleep(max(0.0, begun_at + number / per_second - time.monotonic()))
            if time.monotonic() > begun_at + self._seconds:
                break
            tasks.add(asyncio.create_task(post(await free.get())))
        await asyncio.gather(*tasks)


def _share(ordered: Sequence[float], share: float) -> float:
    """The milliseconds below which this share lies; NaN of nothing."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


if __name__ == "__main__":
    main(sys.argv[1:])
