"""A server that speaks the OpenAI protocol: lists a model, and writes word by word."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "tiny-chat:1b"


@dataclass
class ModelServer:
    """What came, and how it is answered.

    A prompt that begins with `status N` is answered with that status, one with `break` breaks
    off, one with `fault` tells of one; any other with its own words.
    """

    port: int = 0
    key: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    #: Cleared, the server writes one word, and then waits and listens whether it is still heard.
    may_go_on: threading.Event = field(default_factory=threading.Event)
    #: Set when somebody hung up on it.
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """As an admin would type it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def allowed(self) -> frozenset[str]:
        """PINAKES_OUTBOUND_ALLOW with this server in it."""
        return frozenset({f"127.0.0.1:{self.port}"})


class _Handler(BaseHTTPRequestHandler):
    model: ModelServer

    def do_GET(self) -> None:
        if self.model.key and self.headers["Authorization"] != f"Bearer {self.model.key}":
            self._whole(401, {"error": {"message": "no"}})
        elif self.path == "/v1/models":
            self._whole(200, {"data": [{"id": MODEL}, {"id": "other"}]})
        else:
            self._whole(404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body["path"], body["authorization"] = self.path, self.headers["Authorization"]
        self.model.asked.append(body)
        said = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        words = said.split()
        if words[0] == "status":
            self._whole(int(words[1]), {"error": {"message": "the reason"}})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        try:
            self._write(words)
        except OSError:
            self.model.left.set()

    def _write(self, words: list[str]) -> None:
        is_chat = self.path.endswith("/chat/completions")
        for place, word in enumerate(words):
            text = word if place == 0 else f" {word}"
            added: dict[str, object] = {"delta": {"content": text}} if is_chat else {"text": text}
            self._say({"choices": [{"index": 0, "finish_reason": None, **added}]})
            if words[0] == "break":
                return
            if words[0] == "fault":
                self._say({"error": {"message": "out of memory"}})
                return
            while not self.model.may_go_on.wait(0.02):
                self.wfile.write(b": still there\n\n")
        end = {"choices": [{"index": 0, "finish_reason": "stop", "delta": {}, "text": ""}]}
        self._say(end)
        self._say({"choices": [], "usage": {"completion_tokens": len(words)}})
        self.wfile.write(b"data: [DONE]\n\n")

    def _say(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()

    def _whole(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running_model_server() -> Iterator[ModelServer]:
    """A server on a free port of this machine, for as long as this lasts."""
    model = ModelServer()
    model.may_go_on.set()
    handler = type("Handler", (_Handler,), {"model": model})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    model.port = server.server_address[1]
    # `shutdown` waits for the next poll; the default would cost each test half a second.
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        yield model
    finally:
        model.may_go_on.set()
        server.shutdown()
        server.server_close()
