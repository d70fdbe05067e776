"""A socket before Postgres that can cut connections at the worst moment: around a COMMIT."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from pathlib import Path

_SOCKET_NAME = ".s.PGSQL.5432"


class CuttingProxy:
    """Passes bytes on; while `share` is above 0, so many commits end their connection.

    Half of the cuts come before Postgres hears of the commit and half after it has, so that the
    client cannot know which.
    """

    def __init__(self, *, folder: Path, server: Path, seed: int) -> None:
        self.folder = folder
        self.share = 0.0
        self.num_cut = 0
        self._server = server / _SOCKET_NAME
        self._random = random.Random(seed)
        folder.mkdir(parents=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET_NAME))
        self._listener.listen(64)
        threading.Thread(target=self._accept_forever, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept_forever(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            try:
                upstream.connect(str(self._server))
            except OSError:
                client.close()
                upstream.close()
                continue
            pair = (client, upstream)
            threading.Thread(target=self._pass, args=(*pair, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(*reversed(pair), False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, may_cut: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if may_cut and b"COMMIT\x00" in data and self._random.random() < self.share:
                    self.num_cut += 1
                    if self._random.random() < 0.5:
                        target.sendall(data)
                        target.settimeout(0.2)
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
