"""A language model behind the OpenAI chat protocol: messages go out, text comes back as it grows.

Only the operator says where the server is, and it gets nothing but the messages: no tools, no
files, no address to call. What it answers is text that nobody trusts yet.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings

from webapp.common import chat_protocol, outbound
from webapp.common.outbound import Abort
from webapp.grounding.answerers import UnableToAnswer

#: What is read of one answer at most. A stream says each few letters in some 200 bytes.
_MAX_ANSWER_BYTES = 4_000_000
MAX_TEXT_CHARACTERS = 40_000
#: Seconds between two calls of `on_text`.
_PACE_SECONDS = 0.25

#: What models that think aloud write before they answer.
_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff]")


@dataclass(frozen=True)
class ChatServer:
    """Where the server is, which of its models is used, and how long one answer may take."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    seconds: float = 120.0


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


def configured_server() -> ChatServer | None:
    """The server of the settings, or None where there is none."""
    if not settings.PINAKES_LLM_URL:
        return None
    return ChatServer(
        url=settings.PINAKES_LLM_URL,
        model=settings.PINAKES_LLM_MODEL,
        key=settings.PINAKES_LLM_KEY,
        seconds=float(settings.PINAKES_LLM_SECONDS),
    )


def complete_chat(
    server: ChatServer,
    messages: Sequence[Message],
    *,
    temperature: float,
    max_tokens: int,
    on_text: Callable[[str], None],
    abort: Abort,
) -> str:
    """What the model says next; `on_text` gets all of it so far, a few times per second.

    Raises UnableToAnswer for everything else than a whole text.
    """
    body = {
        "model": server.model,
        "messages": [{"role": each.role, "content": each.content} for each in messages],
        "stream": True,
        "temperature": temperature,
        "max_tokens": max_tokens,
    }
    try:
        destination = outbound.parse_destination(
            f"{server.url}/chat/completions", is_operators=True
        )
        with outbound.streaming_post(
            destination,
            body=json.dumps(body).encode(),
            headers=chat_protocol.request_headers(server.key),
            total_seconds=server.seconds,
            max_answer_bytes=_MAX_ANSWER_BYTES,
            abort=abort,
        ) as answer:
            text = _read(answer, on_text)
    except outbound.Forbidden as error:
        raise UnableToAnswer(
            "connector_refused",
            "The address of the language model is not usable.",
            transient=False,
            trace=f"PINAKES_LLM_URL {error}",
        ) from error
    except outbound.Unreachable as error:
        raise UnableToAnswer(
            "connector_unreachable",
            "The language model did not answer, or broke off.",
            transient=True,
            trace=str(error),
        ) from error
    if not text:
        detail = "The language model answered without a word."
        raise UnableToAnswer("connector_silent", detail, transient=False)
    return text


def _read(answer: outbound.Streamed, on_text: Callable[[str], None]) -> str:
    if answer.status != 200:
        beginning = b"".join(answer.lines)[:2000].decode(errors="replace")
        busy = chat_protocol.is_busy(answer.status)
        raise UnableToAnswer(
            "connector_failed" if busy else "connector_refused",
            f"The language model's server answered with status {answer.status}.",
            transient=busy,
            trace=beginning,
        )
    text, told_at = "", 0.0
    try:
        for delta in chat_protocol.read_deltas(answer):
            text += delta.text
            if len(text) > MAX_TEXT_CHARACTERS:
                detail = f"The language model wrote more than {MAX_TEXT_CHARACTERS} characters."
                raise UnableToAnswer("connector_overlong", detail, transient=False)
            if delta.text and time.monotonic() - told_at >= _PACE_SECONDS:
                told_at = time.monotonic()
                on_text(clean_text(text))
    except chat_protocol.Garbled as error:
        detail = "The language model's server does not speak the OpenAI chat protocol."
        raise UnableToAnswer(
            "connector_garbled", detail, transient=False, trace=str(error)
        ) from error
    except chat_protocol.ToldOfFailure as error:
        detail = "The language model's server could not go on."
        raise UnableToAnswer(
            "connector_failed", detail, transient=True, trace=str(error)
        ) from error
    return clean_text(text)


def clean_text(text: str) -> str:
    """Text without control characters and without what the model thought aloud."""
    return _CONTROL.sub("", _THOUGHTS.sub("", text.replace("\r\n", "\n"))).strip()
