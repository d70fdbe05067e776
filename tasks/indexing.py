"""The message that wakes a worker for the index: make findable what is not found yet."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import connection

from genmodels.embedding import UnableToEmbed, load_embedder
from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common.problems import DATABASE_OUTAGES
from webapp.search.operations import fill_missing, refresh_outdated_statistics
from webapp.search.word_operations import forget_lost_words, keep_words

logger = logging.getLogger(__name__)

#: How long a new result may wait for others, to be made findable together with them.
GATHER_SECONDS = 1.0


@app.task(name=queueing.INDEX)
def index(**_: Any) -> None:
    """Fill the index until nothing is missing; the rows say what is, so the message names none."""
    process = this_process()
    with process.working():
        # What ends meanwhile is indexed in one go, instead of one message and one pass for each.
        time.sleep(GATHER_SECONDS)
        queueing.forget_wake(queueing.INDEXING_QUEUE)
        try:
            while process.accepts_work and fill_missing(embedder=load_embedder()).anything:
                pass
            refresh_outdated_statistics()
            while process.accepts_work and keep_words():
                pass
            forget_lost_words()
            queueing.wake(queueing.GRAPH_QUEUE)
        except DATABASE_OUTAGES as error:
            # What is missing is still missing: the next look finds it.
            logger.warning("the index waits for the database: %s", error)
            connection.close()
        except UnableToEmbed as error:
            # The same holds for passages without a vector.
            logger.warning("the index waits for the embedder: %s", error)
