"""The message that wakes a generation worker, and what its process keeps between messages."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from typing import Any

from celery import signals
from django.db import connection

from genmodels.checkpoint import UnableToLoadCheckpoint
from tasks.generation_loop import GenerationLoop, checkpoint_folder
from tasks.generators import LoadedGenerators, loader_for
from tasks.worker import this_process
from webapp import queueing
from webapp.catalog.queries import list_checkpoints
from webapp.celery import app
from webapp.common.problems import DATABASE_OUTAGES

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _generators() -> LoadedGenerators:
    return LoadedGenerators(loader_for(this_process().slot))


@app.task(name=queueing.DRAIN)
def drain(**_: Any) -> None:
    """Run everything that waits in the queues of this process, until nothing is left."""
    process = this_process()
    with process.working():
        for queue in process.queues:
            queueing.forget_wake(queue)
        GenerationLoop(process=process, generators=_generators()).run_until_idle()


@signals.worker_process_init.connect
def _warm_up(**_: Any) -> None:
    threading.Thread(target=_load_checkpoints, name="warm-up", daemon=True).start()


def _load_checkpoints() -> None:
    """Load what this process may be asked for, so that the first prompt does not wait for it."""
    families = {
        queue.removeprefix("family.")
        for queue in this_process().queues
        if queue.startswith("family.")
    }
    if not families:
        return
    try:
        rows = list(list_checkpoints().filter(family__in=families, available=True))
    except DATABASE_OUTAGES as error:
        logger.warning("not warmed up: %s", error)
        return
    finally:
        connection.close()
    for row in rows:
        try:
            _generators().get(f"{row.slug}@{row.revision}", checkpoint_folder(row))
        except UnableToLoadCheckpoint as error:
            logger.warning("%s cannot be loaded: %s", row.slug, error)
    logger.info("warmed up %s checkpoints", len(rows))
