"""Sends what webhooks are to be told, beside the other work of its process.

Receivers are slow and there are many, so requests wait in threads; everything that touches the
database is done by one thread, the courier. It looks whenever something may have ended, and every
few seconds, because rows say what is to be told and messages may be lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from celery import signals
from django.conf import settings
from django.db import connection

from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common import outbound
from webapp.common.problems import DATABASE_OUTAGES
from webapp.jobs import operations as jobs
from webapp.webhooks import operations
from webapp.webhooks.operations import Message, Outcome
from webapp.webhooks.queries import may_have_work

logger = logging.getLogger(__name__)

#: Requests in flight, in all and to one endpoint: a slow receiver leaves room for the others.
MAX_IN_FLIGHT = 8
MAX_PER_ENDPOINT = 2
#: How long a process that is told to stop waits for what it has sent.
STOP_SECONDS = 4.0
#: Seconds between looks, however much happens.
_LEAST_PAUSE = 0.2
_FORGET_EVERY_SECONDS = 3600.0
_USER_AGENT = "Pinakes-Webhooks/1"


class Process(Protocol):
    """What delivering needs of the worker process that it runs in."""

    nudged: threading.Event

    @property
    def id(self) -> int: ...

    @property
    def accepts_work(self) -> bool: ...


@app.task(name=queueing.DELIVER)
def deliver(**_: Any) -> None:
    """There is something to deliver: the courier looks."""
    queueing.forget_wake(queueing.WEBHOOKS_QUEUE)
    this_process().nudged.set()


class Courier:
    """Claims deliveries, has them sent, and records what came of them."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._senders = ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="webhook")
        self._in_flight: dict[Future[Outcome], Message] = {}
        self._forget_at = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether something was sent of which nothing is recorded yet."""
        return bool(self._in_flight)

    def run_forever(self) -> None:
        """Never returns; a database that is away is waited for."""
        while True:
            self._process.nudged.wait(settings.JOBS_IDLE_LOOK_INTERVAL)
            self._process.nudged.clear()
            try:
                while self.step():
                    pass
            except DATABASE_OUTAGES as error:
                logger.warning("webhooks wait for the database: %s", error)
                connection.close()
            except Exception:
                # The boundary of a thread that must not end: the rows are looked at again.
                logger.exception("webhooks")
                connection.close()
            time.sleep(_LEAST_PAUSE)

    def step(self) -> bool:
        """Record what came back and send what is due; whether there may be more to send."""
        self._record()
        if not self._process.accepts_work:
            return False
        self._forget()
        if not may_have_work():
            return False
        operations.queue_due_messages()
        return self._send()

    def stop(self) -> None:
        """Wait for what is in flight, and give back what does not return in time."""
        until = time.monotonic() + STOP_SECONDS
        while self._in_flight and time.monotonic() < until:
            time.sleep(0.05)
        for message in list(self._in_flight.values()):
            jobs.release_job(job_id=message.job.id, fence=message.job.fence)

    def _record(self) -> None:
        for future in [each for each in self._in_flight if each.done()]:
            error = future.exception()
            # Whatever a request may raise is this message's failure, not the courier's.
            outcome = Outcome(0, error=repr(error)) if error else future.result()
            operations.record_outcome(message=self._in_flight[future], outcome=outcome)
            del self._in_flight[future]

    def _send(self) -> bool:
        free = MAX_IN_FLIGHT - len(self._in_flight)
        if free <= 0:
            return False
        per_endpoint = Counter(str(message.endpoint_id) for message in self._in_flight.values())
        claimed = jobs.claim_jobs(
            worker_id=self._process.id,
            queues=[queueing.WEBHOOKS_QUEUE],
            limit=min(free, MAX_PER_ENDPOINT),
            room={key: MAX_PER_ENDPOINT - count for key, count in per_endpoint.items()},
        )
        for message in operations.prepare_messages(claimed):
            future = self._senders.submit(send, message)
            self._in_flight[future] = message
            future.add_done_callback(lambda _: self._process.nudged.set())
        return bool(claimed)

    def _forget(self) -> None:
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + _FORGET_EVERY_SECONDS
            operations.forget_old_attempts()


def send(message: Message) -> Outcome:
    """Send one request and say what came of it; touches no database."""
    start = time.monotonic()

    def took() -> int:
        return round((time.monotonic() - start) * 1000)

    try:
        answer = outbound.post(
            message.url,
            body=message.body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": _USER_AGENT,
                **message.headers,
            },
            total_seconds=operations.ANSWER_SECONDS,
            max_answer_bytes=operations.KEPT_ANSWER_BYTES,
        )
    except outbound.Forbidden as error:
        return Outcome(took(), error=f"The address {error}.")
    except outbound.Unreachable as error:
        return Outcome(took(), error=str(error))
    asked = answer.headers.get("retry-after", "")
    return Outcome(
        took(),
        status=answer.status,
        answer=answer.body,
        retry_after_seconds=float(asked) if asked.isascii() and asked.isdigit() else None,
    )


@signals.worker_process_init.connect
def _start_courier(**_: Any) -> None:
    process = this_process()
    if queueing.WEBHOOKS_QUEUE in process.queues:
        courier = Courier(process)
        process.farewells.append(courier.stop)
        threading.Thread(target=courier.run_forever, name="courier", daemon=True).start()
