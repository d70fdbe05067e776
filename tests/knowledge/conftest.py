"""A small server of files, for documents that are brought by their address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from pytest_django import Settings


@dataclass
class Site:
    """What lies where: path to status, headers and body."""

    port: int = 0
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: bytes, kind: str = "text/html", status: int = 200) -> str:
        """Serve a file; returns its address."""
        self.pages[path] = (status, {"Content-Type": kind}, body)
        return self.address(path)

    def send_on(self, path: str, target: str) -> str:
        """Redirect a path to another address; returns the first one."""
        self.pages[path] = (302, {"Location": target}, b"")
        return self.address(path)

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A server on this machine that the operator has allowed, with fetching turned on."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            status, headers, body = served.pages.get(self.path, (404, {}, b"nothing here"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    settings.FETCH_DOCUMENTS = True
    settings.OUTBOUND_ALLOW = frozenset({f"127.0.0.1:{served.port}"})
    # `shutdown` waits for the next poll; the default would cost each test half a second.
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()
