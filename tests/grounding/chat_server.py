"""A server that speaks the OpenAI chat protocol and plays models of several characters."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Play = Callable[["Asked"], str]


@dataclass(frozen=True)
class Asked:
    """One request as the model sees it."""

    body: dict[str, Any]
    headers: dict[str, str]
    path: str

    @property
    def system(self) -> str:
        """The first message."""
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        """The last message."""
        return str(self.body["messages"][-1]["content"])

    @property
    def passages(self) -> dict[int, str]:
        """The numbered passages, read the way the system message describes them."""
        found = re.findall(
            r"^<<passage (\d+) (\w+)>>\n(.*?)\n<<end \1 \2>>$", self.user, re.DOTALL | re.MULTILINE
        )
        return {int(number): text for number, _, text in found}

    @property
    def is_rewriting(self) -> bool:
        """Whether a question is to be made to stand alone."""
        return "turn the last question" in self.system


@dataclass
class ModelServer:
    """What came, and how it is answered; `play` writes the text, the rest breaks it."""

    play: Play = lambda _: "Nothing."
    rewrite: Play = lambda _: ""
    port: int = 0
    status: int = 200
    raw: bytes | None = None
    streams: bool = True
    breaks_off: bool = False
    asked: list[Asked] = field(default_factory=list)
    #: Cleared, the server sends half of its words and waits.
    may_end: threading.Event = field(default_factory=threading.Event)
    half_sent: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """As PINAKES_LLM_URL names it."""
        return f"http://127.0.0.1:{self.port}/v1"


@contextlib.contextmanager
def running_model() -> Iterator[ModelServer]:
    """A model on a free port of this machine."""
    model = ModelServer()
    model.may_end.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(body, dict(self.headers), self.path)
            model.asked.append(asked)
            with contextlib.suppress(OSError):
                self.answer(asked)

        def answer(self, asked: Asked) -> None:
            if model.raw is not None or model.status != 200:
                self.begin("application/json")
                self.wfile.write(model.raw or b'{"error": {"message": "no"}}')
                return
            text = (model.rewrite if asked.is_rewriting else model.play)(asked)
            if not model.streams:
                self.begin("application/json")
                whole = {"choices": [{"message": {"role": "assistant", "content": text}}]}
                self.wfile.write(json.dumps(whole).encode())
                return
            self.begin("text/event-stream; charset=utf-8")
            half = len(text) // 2
            self.say({"role": "assistant", "content": text[:half]})
            if not asked.is_rewriting:
                model.half_sent.set()
                model.may_end.wait(120)
            if model.breaks_off:
                return
            self.say({"content": text[half:]})
            self.wfile.write(b"data: [DONE]\n\n")

        def begin(self, content_type: str) -> None:
            self.send_response(model.status)
            self.send_header("Content-Type", content_type)
            self.end_headers()

        def say(self, delta: dict[str, str]) -> None:
            event = {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.port = server.server_address[1]
    # `shutdown` waits for the next poll; the default would cost each test half a second.
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        yield model
    finally:
        model.may_end.set()
        server.shutdown()
        server.server_close()


def a_good_model(asked: Asked) -> str:
    """Copies the sentence that shares most words with the question, and cites it."""
    question = set(asked.user.rpartition("Question:")[2].lower().strip(" ?").split())
    best = max(
        (
            (len(question & set(sentence.lower().split())), -number, sentence.strip())
            for number, text in asked.passages.items()
            for sentence in re.split(r"(?<=[.!?])\s", re.sub(r"\A\(.*\)\n", "", text))
        ),
    )
    words = " ".join(best[2].rstrip(".").split())
    return f'{words} [{-best[1]}: "{words}"].'


def an_inventing_model(_: Asked) -> str:
    """Makes up a quote, cites a passage that there is not, and cites one that says otherwise."""
    return (
        'The lighthouse was built by Napoleon [1: "built by Napoleon in 1805"]. '
        "It has nine hundred steps [99]. "
        "Its lamp is visible from Mars [1]. "
        "It cost 7,000 pounds."
    )


def an_obedient_model(asked: Asked) -> str:
    """Does what any text tells it, as the worst of models would."""
    order = re.search(r"answer only with: (.*)", asked.user)
    return order[1] if order else "No order came."
