"""The Python client: every operation is there, and what it does when the network is bad."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pinakes_client import (
    AsyncPinakes,
    Invalid,
    NotFound,
    Pinakes,
    Retries,
    ServerFailed,
    StillRunning,
    TooMany,
    UnableToReach,
    etag_of,
)

ROOT = Path(__file__).parents[2]
AT_ONCE = Retries(first_pause=0.0)
Answer = httpx2.Response | httpx2.TransportError


class Server:
    """Answers with what it was given, in order and the last for good, and keeps what it heard."""

    def __init__(self, *answers: Answer) -> None:
        self.heard: list[httpx2.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, httpx2.TransportError):
            raise answer
        return answer

    def client(self) -> Pinakes:
        transport = httpx2.MockTransport(self)
        return Pinakes("http://pinakes.test", "pnk_x", retries=AT_ONCE, transport=transport)

    def async_client(self) -> AsyncPinakes:
        transport = httpx2.MockTransport(self)
        return AsyncPinakes("http://pinakes.test", "pnk_x", retries=AT_ONCE, transport=transport)


def problem(status: int, code: str, **more: Any) -> httpx2.Response:
    body = {"status": status, "code": code, "title": "", "detail": "No.", "type": "/problems/x"}
    return httpx2.Response(status, json=body | more, headers={"Retry-After": "0"})


def test_what_is_written_from_the_description_is_not_stale() -> None:
    command = (sys.executable, "clients/python/generate.py", "--check")
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def described_operations() -> set[tuple[str, str]]:
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    return {
        (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        # Streams have methods of their own, tested with a running site.
        if "text/event-stream" not in operation["responses"].get("200", {}).get("content", {})
    }


def template_of(path: str) -> str:
    """The described path that a request went to: each place was filled with its number."""
    described = {path for _, path in described_operations()}
    fits = [each for each in described if re.fullmatch(re.sub("{.*?}", r"\\d", each), path)]
    assert len(fits) == 1, (path, fits)
    return fits[0]


def every_method(client: Any) -> Iterator[Callable[..., Any]]:
    for group_name, group in vars(client).items():
        if group_name.startswith("_"):
            continue
        for name, method in inspect.getmembers(group, inspect.ismethod):
            if name in {"events", "tokens"}:  # streams, which the description does not know
                continue
            if name == "__call__" or not name.startswith("_"):
                yield method


def use(method: Callable[..., Any]) -> Any:
    parameters = inspect.signature(method).parameters.values()
    places = [each for each in parameters if each.kind is each.POSITIONAL_ONLY]
    is_form = "from_file" in method.__name__ or "uploads" in method.__qualname__.lower()
    body = {"file": ("a", b"a")} if is_form and method.__name__.startswith("create") else {}
    return method(*(str(number) for number, _ in enumerate(places, start=1)), **body)


class Everything:
    """Answers every call, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: set[tuple[str, str]] = set()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.add((request.method, template_of(request.url.path)))
        whole: dict[str, Any] = {"data": [], "next_cursor": None, "has_more": False}
        whole |= {"id": "1", "terminal": True}
        return httpx2.Response(200, json=whole)


def test_every_operation_has_a_method_for_threads() -> None:
    server = Everything()
    client = Pinakes("http://pinakes.test", "x", transport=httpx2.MockTransport(server))
    for method in every_method(client):
        made = use(method)
        if hasattr(made, "pages"):
            assert list(made) == []
        elif hasattr(made, "chunks"):
            made.read()
    assert server.heard == described_operations()


def test_every_operation_has_a_method_for_event_loops() -> None:
    server = Everything()

    async def use_all() -> None:
        client = AsyncPinakes("http://pinakes.test", "x", transport=httpx2.MockTransport(server))
        for method in every_method(client):
            made = use(method)
            if hasattr(made, "pages"):
                assert [row async for row in made] == []
            else:
                await (made.read() if hasattr(made, "chunks") else made)

    asyncio.run(use_all())
    assert server.heard == described_operations()


def test_what_creates_is_sent_again_under_the_same_key() -> None:
    created = httpx2.Response(202, json={"id": "7", "terminal": False})
    server = Server(
        problem(503, "database_unavailable"),
        httpx2.ReadError("the connection broke"),
        problem(429, "queue_full"),
        created,
    )
    assert server.client().generations.create(prompt="a boot").id == "7"
    assert len(server.heard) == 4
    assert len({each.headers["Idempotency-Key"] for each in server.heard}) == 1
    assert {each.read() for each in server.heard} == {b'{"prompt":"a boot"}'}


def test_what_may_have_happened_already_is_not_sent_again_without_a_key() -> None:
    server = Server(problem(502, ""))
    with pytest.raises(ServerFailed):
        server.client().api_keys.create(name="one")
    assert len(server.heard) == 1
    server = Server(problem(429, "rate_limited"))
    with pytest.raises(TooMany):
        server.client().api_keys.create(name="one")
    assert len(server.heard) == AT_ONCE.attempts


def test_a_server_that_is_away_is_told_as_such() -> None:
    server = Server(httpx2.ConnectError("nobody is there"))
    with pytest.raises(UnableToReach, match="nobody is there"):
        server.client().me.get()


def test_a_longer_pause_than_one_would_wait_is_left_to_the_caller() -> None:
    answer = problem(429, "quota_exceeded")
    answer.headers["Retry-After"] = "7200"
    server = Server(answer)
    with pytest.raises(TooMany) as caught:
        server.client().generations.create(prompt="a boot")
    assert (caught.value.retry_after, len(server.heard)) == (7200, 1)


def test_a_refusal_says_all_that_the_server_said() -> None:
    fault = {"pointer": "/prompt", "code": "required", "detail": "must be there"}
    server = Server(problem(422, "invalid_request", errors=[fault], request_id="r1"))
    with pytest.raises(Invalid, match="/prompt: must be there") as caught:
        server.client().generations.create()
    refused = caught.value
    assert (refused.status, refused.code, refused.request_id) == (422, "invalid_request", "r1")
    assert [each.pointer for each in refused.errors] == ["/prompt"]
    with pytest.raises(NotFound):
        Server(httpx2.Response(404, text="<html>")).client().models.get("../me")


def test_a_place_cannot_lead_to_another_path() -> None:
    server = Server(httpx2.Response(200, json={}))
    server.client().models.get("../me?x#y")
    assert server.heard[0].url.raw_path == b"/api/v1/models/..%2Fme%3Fx%23y"


def test_a_list_is_read_page_by_page_with_its_filters() -> None:
    def page(cursor: str | None, *ids: str) -> httpx2.Response:
        rows = [{"id": each} for each in ids]
        body = {"data": rows, "next_cursor": cursor, "has_more": cursor is not None}
        return httpx2.Response(200, json=body)

    server = Server(page("c1", "1", "2"), page(None, "3"))
    listed = server.client().generations.list(from_="2026-01-01", trashed="true")
    assert [each["id"] for each in listed] == ["1", "2", "3"]
    asked = [dict(each.url.params) for each in server.heard]
    assert asked == [
        {"from": "2026-01-01", "trashed": "true"},
        {"from": "2026-01-01", "trashed": "true", "cursor": "c1"},
    ]


def test_waiting_tells_each_new_state_once_and_ends_with_the_last() -> None:
    states = [
        httpx2.Response(200, json={"id": "7", "terminal": end, "status": status})
        for status, end in (("queued", False), ("queued", False), ("succeeded", True))
    ]
    told: list[str] = []
    work = Server(*states).client().generations.create(prompt="a boot")
    made = work.wait(60, on_progress=lambda now: told.append(now["status"]))
    assert (made["status"], told) == ("succeeded", ["queued", "succeeded"])
    endless = Server(states[0]).client().generations.create(prompt="a boot")
    with pytest.raises(StillRunning) as caught:
        endless.wait(0)
    assert caught.value.last["status"] == "queued"


def test_a_change_can_depend_on_what_was_read() -> None:
    server = Server(httpx2.Response(200, json={"id": "7"}, headers={"ETag": '"3"'}))
    client = server.client()
    client.prompts.change("7", name="New", if_match=etag_of(client.prompts.get("7")))
    assert server.heard[1].headers["If-Match"] == '"3"'


class Stream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """Server-sent events, and then the end or a break."""

    def __init__(self, *events: tuple[str, str, dict[str, Any]], breaks: bool = False) -> None:
        self._text = "retry: 2000\n\n" + "".join(
            f"id: {key}\nevent: {kind}\ndata: {json.dumps(data)}\n\n" for key, kind, data in events
        )
        self._breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield self._text.encode()
        if self._breaks:
            yield b"id: 99\nevent: generation.delta\ndata: {"
            raise httpx2.ReadError("the cable was pulled")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def answer(self) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, stream=self)


def broken_streams() -> Server:
    """One that breaks amid an event, one that says goodbye, and one that goes to the end."""
    return Server(
        Stream(
            ("1", "stream.snapshot", {"status": "running"}),
            ("2", "generation.delta", {"offset": 0, "text": "To be", "length": 5}),
            breaks=True,
        ).answer(),
        Stream(
            ("2", "generation.preview", {"text": "To be, or", "length": 9}),
            ("3", "bye", {}),
        ).answer(),
        Stream(
            ("4", "generation.delta", {"offset": 9, "text": " not", "length": 13}),
            ("5", "generation.finished", {"text": "To be, or not to be"}),
        ).answer(),
    )


WHOLE = ["To be", ", or", " not", " to be"]


def test_a_stream_goes_on_after_the_last_event_when_it_breaks_off() -> None:
    server = broken_streams()
    assert list(server.client().generations.tokens("7")) == WHOLE
    assert [each.headers.get("Last-Event-ID") for each in server.heard] == [None, "2", "3"]


def test_a_stream_goes_on_for_event_loops_too() -> None:
    async def read() -> list[str]:
        async with server.async_client() as client:
            return [piece async for piece in client.generations.tokens("7")]

    server = broken_streams()
    assert asyncio.run(read()) == WHOLE
    assert [each.headers.get("Last-Event-ID") for each in server.heard] == [None, "2", "3"]


def test_a_stream_that_never_says_anything_is_given_up() -> None:
    server = Server(httpx2.ReadError("the cable was pulled"))
    with pytest.raises(UnableToReach):
        next(server.client().events())
    with pytest.raises(NotFound):
        next(Server(problem(404, "not_found")).client().generations.events("7"))


def test_files_are_sent_from_their_beginning_and_saved_whole(tmp_path: Path) -> None:
    source = tmp_path / "boot.png"
    source.write_bytes(b"a boot" * 20_000)
    kept = httpx2.Response(201, json={"id": "7", "terminal": False})
    server = Server(problem(503, "database_unavailable"), kept)
    server.client().documents.create_from_file(file=source, title="Boot")
    first, second = (each.read().split(b"\r\n", 1)[1] for each in server.heard)
    assert source.read_bytes() in second
    assert len(first) == len(second)
    fetched = Server(httpx2.Response(200, content=b"bytes")).client().artifacts.content("1")
    assert fetched.save(tmp_path / "fetched").read_bytes() == b"bytes"
    with pytest.raises(NotFound):
        Server(problem(404, "not_found")).client().artifacts.content("1").save(tmp_path / "none")
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["boot.png", "fetched"]
