"""The message that wakes a worker for documents: read what waits, until none is left."""

from __future__ import annotations

import logging
from typing import Any

from django.db import connection

from genmodels.embedding import UnableToLoadEmbedder
from tasks.ingestion_line import Line
from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common.problems import DATABASE_OUTAGES

logger = logging.getLogger(__name__)


@app.task(name=queueing.INGEST)
def ingest(**_: Any) -> None:
    """Read documents until none is left that this process may take."""
    process = this_process()
    with process.working():
        queueing.forget_wake(queueing.DOCUMENTS_QUEUE)
        try:
            Line(process).run()
        except UnableToLoadEmbedder as error:
            logger.warning("documents wait for the embedder: %s", error)
        except DATABASE_OUTAGES as error:
            logger.warning("documents wait for the database: %s", error)
            connection.close()
