"""The one place that knows how work reaches the workers.

Rows are the truth; a message only says that there is something to look for. So a message may be
lost, doubled or late without harm, and none is worth making a request wait: with Redis down, a
wake-up is skipped within milliseconds and the workers find the row by themselves.
"""

from __future__ import annotations

import logging
import time

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from webapp.common.redis_client import impatient_redis

logger = logging.getLogger(__name__)

DRAIN = "pinakes.drain"
INGEST = "pinakes.ingest"
INDEX = "pinakes.index"

DOCUMENTS_QUEUE = "documents"
INDEXING_QUEUE = "indexing"

_MESSAGES = {DOCUMENTS_QUEUE: INGEST, INDEXING_QUEUE: INDEX}

#: A wake-up that waited longer than this has been overtaken by the workers' own look.
_MESSAGE_SECONDS = 60
#: After a failed attempt, further wake-ups are skipped for this long.
_PAUSE_SECONDS = 1.0

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

    Wake-ups that follow each other before a worker has looked are sent once: the worker forgets
    the mark before it looks, so a row that it could miss always sends a message of its own.
    """
    global _paused_until  # noqa: PLW0603 -- a pause is a fact about this process's broker
    if time.monotonic() < _paused_until:
        return
    try:
        if impatient_redis().set(f"wake:{queue}", 1, nx=True, px=500):
            _producer.send_task(
                message_name(queue), kwargs={"queue": queue}, queue=queue, expires=_MESSAGE_SECONDS
            )
    except (RedisError, BrokerError) as error:
        _paused_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("wake-up for %s skipped: %s", queue, error)


def forget_wake(queue: str) -> None:
    """Called by a worker before it looks for work, so that later rows wake it again."""
    try:
        impatient_redis().delete(f"wake:{queue}")
    except RedisError as error:
        logger.warning("wake mark of %s not removed: %s", queue, error)
