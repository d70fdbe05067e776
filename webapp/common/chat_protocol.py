"""The OpenAI protocol of language models on servers: what their answers say.

Servers of many makers speak it (vLLM, llama.cpp, Ollama), each with its own extras, which are
passed over. What comes is text that nobody trusts yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webapp.common import outbound

USER_AGENT = "Pinakes/1"
#: Answers that say: not now, but perhaps later.
_BUSY = frozenset({408, 409, 425, 429})


class Garbled(ValueError):
    """What came is not this protocol; the message is its beginning."""


class ToldOfFailure(Exception):
    """The server said amid its answer that it cannot go on; the message is its own."""


@dataclass(frozen=True)
class Delta:
    """What one event added: text, or what the model thinks aloud, and why it ended if it did.

    `num_tokens` is the count of all that was written, where the server gives it.
    """

    text: str = ""
    thought: str = ""
    finish_reason: str = ""
    num_tokens: int | None = None


def request_headers(key: str) -> dict[str, str]:
    """The headers of a request; the key, if there is one, as a bearer token."""
    return {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "User-Agent": USER_AGENT,
        **({"Authorization": f"Bearer {key}"} if key else {}),
    }


def is_busy(status: int) -> bool:
    """Whether the same request may succeed later."""
    return status in _BUSY or status >= 500


def read_deltas(answer: outbound.Streamed) -> Iterator[Delta]:
    """What an answer of status 200 adds, event by event, or all at once from servers that wait.

    Raises Garbled, ToldOfFailure, or Unreachable where the stream ends before the text does.
    """
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        yield from _read_stream(answer.lines)
        return
    raw = b"".join(answer.lines)
    delta = _read_event(raw)
    if delta is None:
        raise Garbled(raw[:2000].decode(errors="replace"))
    yield delta


def _read_stream(lines: Iterator[bytes]) -> Iterator[Delta]:
    is_whole = False
    for line in lines:
        if not line.startswith(b"data:"):
            continue
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            return
        delta = _read_event(data)
        if delta is not None:
            is_whole = is_whole or bool(delta.finish_reason)
            yield delta
    if not is_whole:
        raise outbound.Unreachable("the stream ended before the answer did")


def _read_event(data: bytes) -> Delta | None:
    """One event, or a whole answer; None for one that tells nothing of the text."""
    try:
        event: Any = json.loads(data)
        if event.get("error"):
            raise ToldOfFailure(_message_of(event["error"]))
        usage = event.get("usage") or {}
        num_tokens = usage.get("completion_tokens")
        if not event.get("choices"):
            # Some servers tell of usage, or that they are alive, in an event of its own.
            return Delta(num_tokens=num_tokens) if isinstance(num_tokens, int) else None
        choice = event["choices"][0]
        # Of chats: what was added, or the whole message. Of plain completions: the text.
        said = choice.get("delta") or choice.get("message") or {}
        text = said.get("content", choice.get("text"))
        thought = said.get("reasoning_content", said.get("reasoning"))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Garbled(data[:2000].decode(errors="replace")) from error
    return Delta(
        text=text if isinstance(text, str) else "",
        thought=thought if isinstance(thought, str) else "",
        finish_reason=str(choice.get("finish_reason") or ""),
        num_tokens=num_tokens if isinstance(num_tokens, int) else None,
    )


def _message_of(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return str(message)[:2000]
