"""A model on a server, in the step contract: a pass takes what has come by itself.

Each run has an exchange of its own with the server, read by a thread. Nothing tells a generator
that a run was canceled; it is let go of, and with it ends the exchange.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from genmodels.contract import (
    Card,
    FailedRuns,
    GenerationRequest,
    Preview,
    Progress,
    Run,
    Sample,
    UnableToGenerate,
)
from genmodels.text.knobs import read_stops
from webapp.catalog.models import Protocol
from webapp.catalog.served_models import ServedModel
from webapp.common import chat_protocol, outbound
from webapp.common.chat_protocol import Delta

logger = logging.getLogger(__name__)

#: How long a pass waits for news. Other models of the process wait with it, so it is short.
_PATIENCE_SECONDS = 0.02
#: What is read of one answer at most. A stream says each few letters in some 200 bytes.
_MAX_ANSWER_BYTES = 16_000_000
_MAX_TEXT_CHARACTERS = 200_000
#: Servers keep seeds in integers of different widths.
_SEEDS = 2**31


@dataclass
class _Inbox:
    """What the thread of an exchange hands to the run; whoever touches it holds the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    deltas: list[Delta] = field(default_factory=list)
    has_ended: bool = False
    error: Exception | None = None

    def put(self, delta: Delta) -> None:
        with self.lock:
            self.deltas.append(delta)

    def end(self, error: Exception | None) -> None:
        with self.lock:
            self.has_ended, self.error = True, error

    def take(self) -> tuple[list[Delta], bool, Exception | None]:
        with self.lock:
            deltas, self.deltas = self.deltas, []
            return deltas, self.has_ended, self.error


class ServedRun:
    """One answer of a server on its way."""

    def __init__(self, request: GenerationRequest, inbox: _Inbox) -> None:
        self._request = request
        self._inbox = inbox
        self._text = ""
        self._thoughts = ""
        self._finish_reason = ""
        self._num_events = 0
        self._num_tokens: int | None = None
        self._total = int(request.parameters["max_new_tokens"])
        self._is_done = False

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        """Events count as tokens, which they are on most servers, until the server tells."""
        done = self._num_events if self._num_tokens is None else self._num_tokens
        return Progress(done=min(done, self._total), total=self._total, unit="token")

    @property
    def done(self) -> bool:
        return self._is_done

    def preview(self) -> Preview:
        """The text so far."""
        return Preview(media_type="text/plain", text=self._text)

    @property
    def sample(self) -> Sample:
        """The text; `extra` tells why it ended, and what the model thought aloud."""
        assert self._is_done, "a sample is asked for when the run is done"
        extra = {"finish_reason": self._finish_reason, "thoughts": self._thoughts}
        return Sample(
            content=self._text.encode(),
            media_type="text/plain",
            text=self._text,
            metrics={"tokens": float(self.progress.done)},
            extra={name: text for name, text in extra.items() if text},
        )

    def take(self) -> None:
        """Take what has come; raises UnableToGenerate where no more will."""
        deltas, has_ended, error = self._inbox.take()
        for delta in deltas:
            self._text += delta.text.replace("\x00", "")
            self._thoughts += delta.thought.replace("\x00", "")
            self._finish_reason = delta.finish_reason or self._finish_reason
            self._num_events += bool(delta.text or delta.thought)
            if delta.num_tokens is not None:
                self._num_tokens = delta.num_tokens
        if error is not None:
            raise error
        if len(self._text) + len(self._thoughts) > _MAX_TEXT_CHARACTERS:
            detail = f"The server wrote more than {_MAX_TEXT_CHARACTERS:,} characters."
            raise UnableToGenerate("connector_overlong", detail, transient=False)
        if has_ended and not self._text:
            detail = "The server answered without a word."
            if self._thoughts:
                detail = "The model was still thinking when its length was used up. Allow more."
            raise UnableToGenerate("connector_silent", detail, transient=False)
        self._is_done = has_ended


class ServedGenerator:
    """A model on a server."""

    def __init__(self, *, card: Card, served: ServedModel, slots: int) -> None:
        self._card = card
        self._served = served
        self._slots = slots
        self._has_news = threading.Event()

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return self._slots

    def open(self, request: GenerationRequest) -> ServedRun:
        """Send the request; whatever is wrong with it is told by a pass."""
        inbox, abort = _Inbox(), outbound.Abort()
        run = ServedRun(request, inbox)
        # The thread must not hold the run, or nobody would ever let go of it.
        weakref.finalize(run, abort.now)
        threading.Thread(
            target=_exchange,
            args=(self._served, _body_of(self._served, request), inbox, self._has_news, abort),
            name="served-run",
            daemon=True,
        ).start()
        return run

    def advance(self, runs: Sequence[Run]) -> None:
        """Take what has come for these runs, waiting a moment where nothing has."""
        self._has_news.wait(_PATIENCE_SECONDS)
        # Forgotten before it is taken: what comes in between is news again.
        self._has_news.clear()
        failures: list[tuple[Run, Exception]] = []
        for run in cast("Sequence[ServedRun]", runs):
            try:
                run.take()
            except UnableToGenerate as error:
                # Without its frames, which hold all runs of the pass: nobody would let go of them.
                failures.append((run, error.with_traceback(None)))
        if failures:
            raise FailedRuns(failures)


def _body_of(served: ServedModel, request: GenerationRequest) -> bytes:
    parameters = request.parameters
    body: dict[str, Any] = {
        "model": served.model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": parameters["max_new_tokens"],
        "temperature": parameters["temperature"],
        "top_p": parameters["top_p"],
        "seed": request.seed % _SEEDS,
    }
    stops = read_stops(parameters)
    if stops:
        body["stop"] = list(stops)
    if served.protocol == Protocol.COMPLETION:
        return json.dumps({**body, "prompt": request.prompt}).encode()
    messages = [{"role": "user", "content": request.prompt}]
    if parameters["system"]:
        messages.insert(0, {"role": "system", "content": str(parameters["system"])})
    return json.dumps({**body, "messages": messages}).encode()


def _exchange(
    served: ServedModel,
    body: bytes,
    inbox: _Inbox,
    has_news: threading.Event,
    abort: outbound.Abort,
) -> None:
    """Read one answer to its end, whatever that is."""
    started_at = time.monotonic()
    error: Exception | None = None
    try:
        with outbound.streaming_post(
            outbound.parse_destination(served.address),
            body=body,
            headers=chat_protocol.request_headers(served.key),
            total_seconds=served.seconds,
            max_answer_bytes=_MAX_ANSWER_BYTES,
            abort=abort,
        ) as answer:
            for delta in _deltas(served, answer):
                inbox.put(delta)
                has_news.set()
    except Exception as raised:
        # The boundary of a thread: whatever it is, the run has to hear of it.
        error = _named(served, raised, seconds=time.monotonic() - started_at)
    inbox.end(error)
    has_news.set()


def _deltas(served: ServedModel, answer: outbound.Streamed) -> Iterator[Delta]:
    if answer.status != 200:
        raise _refusal(served, answer)
    yield from chat_protocol.read_deltas(answer)


def _refusal(served: ServedModel, answer: outbound.Streamed) -> UnableToGenerate:
    beginning = b"".join(answer.lines)[:2000].decode(errors="replace")
    status = answer.status
    if chat_protocol.is_busy(status):
        detail = f"{served.host} is too busy or in trouble (status {status})."
        error = UnableToGenerate("connector_failed", detail, transient=True)
    elif status in {401, 403}:
        detail = f"{served.host} refuses the key that it is sent (status {status})."
        error = UnableToGenerate("connector_refused", detail, transient=False)
    elif status == 404:
        detail = f"{served.host} has no model {served.model}, or not at this address."
        error = UnableToGenerate("connector_refused", detail, transient=False)
    else:
        detail = f"{served.host} refuses the request (status {status})."
        error = UnableToGenerate("connector_refused", detail, transient=False)
    error.add_note(beginning)
    return error


def _named(served: ServedModel, error: Exception, *, seconds: float) -> Exception:
    """The error as those hear of it who asked."""
    match error:
        case UnableToGenerate():
            return error
        case outbound.Forbidden():
            code, detail = "connector_refused", f"The address of {served.model} {error}."
            named = UnableToGenerate(code, detail, transient=False)
        case outbound.Unreachable() if seconds >= served.seconds:
            detail = f"{served.host} took longer than {served.seconds:g} seconds."
            named = UnableToGenerate("connector_slow", detail, transient=False)
        case outbound.Unreachable():
            detail = f"{served.host} does not answer, or broke off."
            named = UnableToGenerate("connector_unreachable", detail, transient=True)
        case chat_protocol.Garbled():
            detail = f"{served.host} does not speak the OpenAI protocol."
            named = UnableToGenerate("connector_garbled", detail, transient=False)
        case chat_protocol.ToldOfFailure():
            detail = f"{served.host} could not go on."
            named = UnableToGenerate("connector_failed", detail, transient=True)
        case _:
            logger.error("reading from %s", served.host, exc_info=error)
            detail = f"What {served.host} answers could not be read."
            named = UnableToGenerate("connector_failed", detail, transient=False)
    named.add_note(str(error))
    return named
