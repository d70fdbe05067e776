"""The message that wakes a worker for the knowledge graph: read what no reading exists of."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import connection

from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common.problems import DATABASE_OUTAGES
from webapp.knowledge.graph_reading import fill_graph, prune_graph

logger = logging.getLogger(__name__)

#: After so long the process looks at its other queues first; somebody may wait for a document.
TURN_SECONDS = 2.0


@app.task(name=queueing.READ_GRAPH)
def read_graph(**_: Any) -> None:
    """Read passages into the graph, for a turn; another message follows where more is unread."""
    process = this_process()
    with process.working():
        queueing.forget_wake(queueing.GRAPH_QUEUE)
        try:
            _read_for_a_turn()
        except DATABASE_OUTAGES as error:
            # What is unread is still unread: the next look finds it.
            logger.warning("the graph waits for the database: %s", error)
            connection.close()


def _read_for_a_turn() -> None:
    process = this_process()
    until = time.monotonic() + TURN_SECONDS
    has_read = is_left = False
    while process.accepts_work:
        is_left = time.monotonic() >= until
        if is_left or not fill_graph().passages:
            break
        has_read = True
    if has_read:
        prune_graph()
    if is_left:
        queueing.wake(queueing.GRAPH_QUEUE)
