"""The one place that knows how work reaches the workers.

Rows are the truth; a message only says that there is something to look for. So a message may be
lost, doubled or late without harm, and none is worth making a request wait: with Redis down, a
wake-up is skipped within milliseconds and the workers find the row by themselves.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from webapp.common.redis_client import impatient_redis

logger = logging.getLogger(__name__)

DRAIN = "pinakes.drain"
INGEST = "pinakes.ingest"
INDEX = "pinakes.index"
DELIVER = "pinakes.deliver"
READ_GRAPH = "pinakes.read_graph"
ANSWER = "pinakes.answer"

DOCUMENTS_QUEUE = "documents"
INDEXING_QUEUE = "indexing"
WEBHOOKS_QUEUE = "webhooks"
GRAPH_QUEUE = "graph"
ANSWERS_QUEUE = "answers"
CONNECTED_QUEUE = "family.connected"

_MESSAGES = {
    DOCUMENTS_QUEUE: INGEST,
    INDEXING_QUEUE: INDEX,
    WEBHOOKS_QUEUE: DELIVER,
    GRAPH_QUEUE: READ_GRAPH,
    ANSWERS_QUEUE: ANSWER,
}

#: A wake-up that waited longer than this has been overtaken by the workers' own look.
_MESSAGE_SECONDS = 60
#: After a failed attempt, further wake-ups are skipped for this long.
_PAUSE_SECONDS = 1.0

#: How long a listener waits before it makes sure that its connection lives.
_LISTEN_SECONDS = 10.0

#: What lets a publisher give up at once instead of retrying for seconds.
IMPATIENT_TRANSPORT = {
    "socket_connect_timeout": 0.2,
    "socket_timeout": 0.5,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}


def family_queue(family: str) -> str:
    """The queue of a model family."""
    return f"family.{family}"


def message_name(queue: str) -> str:
    """The message that wakes the workers of a queue."""
    return _MESSAGES.get(queue, DRAIN)


def _make_producer() -> Celery:
    producer = Celery("pinakes-producer", broker=settings.BROKER_URL, set_as_current=False)
    producer.conf.update(
        task_publish_retry=False,
        task_ignore_result=True,
        broker_transport_options=IMPATIENT_TRANSPORT,
        broker_connection_retry=False,
        broker_connection_timeout=0.5,
    )
    return producer


_producer = _make_producer()
_paused_until = 0.0


def wake(queue: str) -> None:
    """Tell the workers of a queue to look for work; never raises, never waits long.

    Those at work hear it at once (`listen`), the others get a message. Wake-ups that follow each
    other before a worker has looked are sent once: the worker forgets the mark before it looks,
    so a row that it could miss always sends a message of its own.
    """
    global _paused_until  # noqa: PLW0603 -- a pause is a fact about this process's broker
    if time.monotonic() < _paused_until:
        return
    try:
        pipeline = impatient_redis().pipeline(transaction=False)
        pipeline.publish(_channel(queue), b"")
        pipeline.set(f"wake:{queue}", 1, nx=True, px=500)
        _, is_first = pipeline.execute()
        if is_first:
            _producer.send_task(
                message_name(queue), kwargs={"queue": queue}, queue=queue, expires=_MESSAGE_SECONDS
            )
    except (RedisError, BrokerError) as error:
        _paused_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("wake-up for %s skipped: %s", queue, error)


def announce_cancel(*, queue: str, job_id: uuid.UUID) -> None:
    """Tell whoever runs this job that it is to stop; never raises, never waits long."""
    try:
        impatient_redis().publish(_channel(queue), job_id.bytes)
    except RedisError as error:
        logger.warning("cancel of %s is left to the next look: %s", job_id, error)


@dataclass(frozen=True)
class Nudge:
    """There may be new jobs, or one that is to stop."""

    doomed_job_id: uuid.UUID | None


def listen(queues: Sequence[str]) -> Iterator[Nudge]:
    """What is said about these queues, without end; what is said while Redis is away is missed."""
    while True:
        try:
            with impatient_redis().pubsub(  # type: ignore[no-untyped-call]
                ignore_subscribe_messages=True
            ) as subscription:
                subscription.subscribe(*(_channel(queue) for queue in queues))
                while True:
                    message = subscription.get_message(timeout=_LISTEN_SECONDS)
                    if message is None:
                        subscription.ping()
                    elif message["type"] == "message":
                        data: bytes = message["data"]
                        yield Nudge(uuid.UUID(bytes=data) if data else None)
        except RedisError as error:
            logger.warning("listening again in a moment: %s", error)
            time.sleep(_PAUSE_SECONDS)


def _channel(queue: str) -> str:
    return f"nudge:{queue}"


def forget_wake(queue: str) -> None:
    """Called by a worker before it looks for work, so that later rows wake it again."""
    try:
        impatient_redis().delete(f"wake:{queue}")
    except RedisError as error:
        logger.warning("wake mark of %s not removed: %s", queue, error)
