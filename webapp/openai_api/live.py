"""The live side of `/openai/v1`: keeps what a view accepted until it ends, or streams it.

A waiting client costs a few kilobytes and no thread. One that leaves takes what it was waiting for
with it: nobody else knows of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from webapp.accounts.models import User
from webapp.accounts.sessions import user_of_connection
from webapp.common.asgi import (
    Application,
    CaughtAnswer,
    Receive,
    Send,
    in_thread,
    wait_for_disconnect,
)
from webapp.common.live import Hub, LiveEvent, Subscription
from webapp.common.problems import DATABASE_OUTAGES
from webapp.generations import queries as generations
from webapp.generations.operations import cancel_generation
from webapp.grounding import queries as answers
from webapp.grounding.writing import cancel_answer
from webapp.openai_api.pending import Pending
from webapp.openai_api.representation import (
    Outcome,
    first_chunk,
    last_chunk,
    outcome_of_answer,
    outcome_of_generation,
    text_chunk,
    usage_chunk,
    whole_answer,
)

#: What is served here; everything else of the protocol is answered by its view at once.
PATHS = frozenset(
    f"/openai/v1/{name}" for name in ("chat/completions", "completions", "images/generations")
)

#: How often a row is looked at of which nothing is heard: while something can be, and not.
_LOOK_SECONDS = 5.0
_DEAF_LOOK_SECONDS = 0.5
#: A comment this often keeps proxies from closing a quiet stream.
_PING_SECONDS = 15.0

_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]

Tell = Callable[[str], Awaitable[None]]


async def serve(
    views: Application, hub: Hub, scope: dict[str, Any], receive: Receive, send: Send
) -> None:
    """Answer a POST to one of PATHS."""
    caught = CaughtAnswer()
    await views(scope, receive, caught.catch)
    if caught.status != 202:
        await caught.send_through(send)
        return
    call = _Call(hub, Pending.from_json(caught.body), caught, scope, send)
    await call.run(receive)


class _Call:
    """One client that waits."""

    def __init__(
        self,
        hub: Hub,
        pending: Pending,
        caught: CaughtAnswer,
        scope: dict[str, Any],
        send: Send,
    ) -> None:
        self._hub = hub
        self._pending = pending
        self._caught = caught
        self._scope = scope
        self._send = send
        self._user: User | None = None
        self._said_at = 0.0

    async def run(self, receive: Receive) -> None:
        """Answer, unless the client leaves before."""
        self._user = await in_thread(partial(user_of_connection, self._scope))
        answering = asyncio.create_task(
            self._stream() if self._pending.streams else self._answer_whole()
        )
        gone = asyncio.create_task(wait_for_disconnect(receive))
        await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        has_left = not answering.done()
        for task in (answering, gone):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task
        if has_left:
            await in_thread(self._cancel)

    async def _answer_whole(self) -> None:
        outcomes = await asyncio.gather(*(self._end_of(each) for each in self._pending.ids))
        fault = _fault_of(outcomes)
        self._caught.status = 500 if fault else 200
        if fault:
            # The client would have the same made again, and again.
            self._caught.headers.append((b"x-should-retry", b"false"))
        body = fault or whole_answer(self._pending, outcomes)
        self._caught.body = json.dumps(body, ensure_ascii=False).encode()
        await self._caught.send_through(self._send)

    async def _stream(self) -> None:
        kept = [pair for pair in self._caught.headers if pair[0].lower() == b"x-request-id"]
        headers = [*_STREAM_HEADERS, *kept]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        pinging = asyncio.create_task(self._ping())
        try:
            outcomes = await asyncio.gather(
                *(self._stream_choice(place) for place in range(len(self._pending.ids)))
            )
        finally:
            pinging.cancel()
        fault = _fault_of(outcomes)
        if fault:
            await self._write(fault)
        elif self._pending.tells_usage:
            await self._write(usage_chunk(self._pending, outcomes))
        await self._write_text("data: [DONE]\n\n")
        await self._send({"type": "http.response.body", "body": b""})

    async def _stream_choice(self, place: int) -> Outcome:
        """One choice, piece by piece; what the pieces lacked comes before its end."""
        opening = first_chunk(self._pending, place)
        if opening is not None:
            await self._write(opening)
        told = ""

        async def tell(text: str) -> None:
            """Tell what was added; a text that was rewritten cannot be taken back."""
            nonlocal told
            if len(text) > len(told) and text.startswith(told):
                added, told = text[len(told) :], text
                await self._write(text_chunk(self._pending, place, added))

        outcome = await self._end_of(self._pending.ids[place], tell)
        if not outcome.fault:
            await tell(outcome.text)
            await self._write(last_chunk(self._pending, place, outcome))
        return outcome

    async def _end_of(self, object_id: str, tell: Tell | None = None) -> Outcome:
        """Wait for an object to end; `tell` gets its text whenever it has grown."""
        text = ""
        async with self._hub.listen(object_id) as subscription:
            is_to_look = True
            while True:
                outcome = await self._look(object_id) if is_to_look else None
                if outcome is not None:
                    return outcome
                events = await self._hear(subscription)
                # Silence may be the loss of what was said.
                is_to_look = not events
                for event in events:
                    if event.type == "generation.changed":
                        is_to_look = True
                    elif tell is not None:
                        text = _grown(text, event)
                        await tell(text)

    async def _hear(self, subscription: Subscription) -> Sequence[LiveEvent]:
        # The ends of answers are told to nobody, and have to be seen.
        is_told = self._hub.is_connected and not self._pending.is_answer
        pause = _LOOK_SECONDS if is_told else _DEAF_LOOK_SECONDS
        return await subscription.take(wait_seconds=pause)

    async def _look(self, object_id: str) -> Outcome | None:
        try:
            return await in_thread(partial(self._read, uuid.UUID(object_id)))
        except DATABASE_OUTAGES:
            await asyncio.sleep(_DEAF_LOOK_SECONDS)
            return None

    def _read(self, object_id: uuid.UUID) -> Outcome | None:
        """How it ended; None while it has not."""
        if self._user is None:
            return Outcome(fault="The API key was revoked meanwhile.")
        try:
            if self._pending.is_answer:
                answer = answers.get_answer(user=self._user, answer_id=object_id)
                read = answers.read_answer(user=self._user, answer=answer)
                return outcome_of_answer(answer, read) if answer.terminal else None
            generation = generations.get_generation(user=self._user, generation_id=object_id)
        except (answers.UnableToFindAnswer, generations.UnableToFindGeneration):
            return Outcome(fault="It was taken away meanwhile.")
        if not generation.job.terminal:
            return None
        return outcome_of_generation(generation, self._pending)

    def _cancel(self) -> None:
        """Stop what nobody waits for any more."""
        for each in map(uuid.UUID, self._pending.ids):
            with contextlib.suppress(
                answers.UnableToFindAnswer, generations.UnableToFindGeneration
            ):
                self._cancel_one(each)

    def _cancel_one(self, object_id: uuid.UUID) -> None:
        assert self._user is not None, "only members are let in"
        if self._pending.is_answer:
            cancel_answer(answer=answers.get_answer(user=self._user, answer_id=object_id))
        else:
            generation = generations.get_generation(user=self._user, generation_id=object_id)
            cancel_generation(generation=generation)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            if time.monotonic() - self._said_at >= _PING_SECONDS:
                await self._write_text(": ping\n\n")

    async def _write(self, chunk: Mapping[str, Any]) -> None:
        await self._write_text(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n")

    async def _write_text(self, text: str) -> None:
        self._said_at = time.monotonic()
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _grown(text: str, event: LiveEvent) -> str:
    """A text after an event about it: a whole, or what was added behind so many characters."""
    data = json.loads(event.data)
    if event.type in {"generation.preview", "answer.preview"}:
        return str(data.get("text", text))
    if event.type == "generation.delta" and data["offset"] == len(text):
        return text + str(data["text"])
    return text


def _fault_of(outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
    for outcome in outcomes:
        if outcome.fault:
            error = {"type": "server_error", "param": None, "code": "generation_failed"}
            return {"error": {"message": outcome.fault, **error}}
    return None
