"""Calls as requests of httpx2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx2

from pinakes_client.calls import Call, File

_ROOT = "/api/v1"


@contextmanager
def sending(call: Call[Any], http: httpx2.Client | httpx2.AsyncClient) -> Iterator[httpx2.Request]:
    """The request of a call, made anew for each attempt; its file is closed behind it."""
    with ExitStack() as opened:
        form: Mapping[str, Any] = call.form or {}
        files = {name: _open(form[name], opened) for name in form if name == "file"}
        yield http.build_request(
            call.method,
            _ROOT + call.path,
            params=dict(call.query) or None,
            headers=dict(call.headers),
            json=call.body,
            data={name: value for name, value in form.items() if name != "file"} or None,
            files=files or None,
        )


def _open(file: File, opened: ExitStack) -> tuple[str, bytes | BinaryIO]:
    if isinstance(file, Path):
        return file.name, opened.enter_context(file.open("rb"))
    name, content = file
    if not isinstance(content, bytes):
        content.seek(0)
    return name, content
