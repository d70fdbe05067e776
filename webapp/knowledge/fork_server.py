"""The other side of `webapp/knowledge/readers`: gives orders, hears children out, ends them."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: A path and a media type; what names a file on Linux has at most 4,096 bytes.
MAX_ORDER_BYTES = 8_192
#: How a child ended: its exit code, or the negative number of the signal that ended it.
STATUS = "=i"

#: Seconds between looks at whether anybody still wants the text.
_LOOK_SECONDS = 0.5
_CHUNK_BYTES = 2**20
_REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


class OutOfTime(Exception):
    """A child took longer than it may; it has been ended."""


@dataclass(frozen=True)
class Ended:
    """What a child said, what it wrote on its standard error, and how it ended (see STATUS)."""

    output: bytes
    trace: bytes
    status: int


class ForkServer:
    """A process whose children read files, one at a time; started when it is needed.

    It outlives them and is ended only together with one that must be stopped, or when this process
    ends and thereby hangs up. Safe to share between threads; a fork of this process has another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._owner = 0

    def read(
        self, *, path: Path, media_type: str, wall_seconds: float, look: Callable[[], None]
    ) -> Ended:
        """Have a file read; raises OutOfTime, and what `look`, called now and then, raises."""
        with self._lock:
            connection = self._connect()
            try:
                heard = _hear_out(connection, path, media_type, wall_seconds, look)
            except BaseException:
                self._end()
                raise
            status = connection.recv(struct.calcsize(STATUS), socket.MSG_WAITALL)
            if not status:
                # The server itself was ended, by the kernel's want of memory perhaps.
                self._end()
                return Ended(*heard, -signal.SIGKILL)
            return Ended(*heard, struct.unpack(STATUS, status)[0])

    def close(self) -> None:
        """End the process; the next file starts another."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _connect(self) -> socket.socket:
        if self._owner == os.getpid():
            if self._socket and self._process and self._process.poll() is None:
                return self._socket
            self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # Without `site`, whose hooks would double its start.
                [sys.executable, "-S", "-m", "webapp.knowledge.readers"],
                cwd=_REPOSITORY_ROOT,
                # Nothing of the server's environment: it holds addresses and secrets.
                env={"PYTHONPATH": _module_path(), "PATH": os.defpath, "PYTHONUTF8": "1"},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # So that it can be ended together with its child.
                start_new_session=True,
            )
        self._socket, self._owner = ours, os.getpid()
        return ours

    def _end(self) -> None:
        if self._socket is None or self._process is None:
            return
        self._socket.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._socket = self._process = None


def _hear_out(
    connection: socket.socket,
    path: Path,
    media_type: str,
    wall_seconds: float,
    look: Callable[[], None],
) -> tuple[bytes, bytes]:
    """Send an order, and collect what its child says and traces until it closes both pipes."""
    (output, their_output), (trace, their_trace) = os.pipe(), os.pipe()
    heard = {output: bytearray(), trace: bytearray()}
    until = time.monotonic() + wall_seconds
    next_look = time.monotonic() + _LOOK_SECONDS
    try:
        try:
            order = json.dumps([str(path), media_type]).encode()
            socket.send_fds(connection, [order], [their_output, their_trace])
        finally:
            os.close(their_output)
            os.close(their_trace)
        with selectors.DefaultSelector() as selector:
            for pipe in heard:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(timeout=max(0.0, next_look - time.monotonic())):
                    chunk = os.read(key.fd, _CHUNK_BYTES)
                    heard[key.fd] += chunk
                    if not chunk:
                        selector.unregister(key.fd)
                if time.monotonic() >= next_look:
                    look()
                    next_look = time.monotonic() + _LOOK_SECONDS
                    if next_look > until:
                        raise OutOfTime
    finally:
        os.close(output)
        os.close(trace)
    return bytes(heard[output]), bytes(heard[trace])


def _module_path() -> str:
    """Where this process finds its modules, so that the child finds the same ones."""
    folders = [str(_REPOSITORY_ROOT), *(folder for folder in sys.path if Path(folder).is_dir())]
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))
