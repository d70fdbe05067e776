"""Has runs of chains go on, beside the other work of the library's process.

The rows say which runs have a step that ended (`list_due_runs`), so nothing has to be told. The
conductor looks as soon as it hears that a result was stored, which is when the index hears it, and
every few seconds besides: a step that failed, or a wake-up that was lost, is found then.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Protocol

from celery import signals
from django.conf import settings
from django.db import connection

from tasks.worker import this_process
from webapp import queueing
from webapp.chains.run_operations import give_up, go_on
from webapp.chains.run_queries import list_due_runs
from webapp.common.problems import DATABASE_OUTAGES

logger = logging.getLogger(__name__)

#: Runs that are looked at before it is asked again which are due.
_AT_ONCE = 50
_LEAST_PAUSE = 0.05


class Process(Protocol):
    """What the conductor needs of the worker process that it runs in."""

    @property
    def accepts_work(self) -> bool: ...


class Conductor:
    """Finds runs of which a step has ended, and has them go on."""

    def __init__(self, process: Process) -> None:
        self.nudged = threading.Event()
        self._process = process

    def listen_forever(self) -> None:
        """Hear of results that were stored; never returns."""
        for _ in queueing.listen([queueing.INDEXING_QUEUE]):
            self.nudged.set()

    def run_forever(self) -> None:
        """Never returns; a database that is away is waited for."""
        while True:
            self.nudged.wait(settings.JOBS_IDLE_LOOK_INTERVAL)
            self.nudged.clear()
            try:
                self.step()
            except DATABASE_OUTAGES as error:
                logger.warning("chains wait for the database: %s", error)
                connection.close()
            except Exception:
                # The boundary of a thread that must not end: the rows are looked at again.
                logger.exception("chains")
                connection.close()
            time.sleep(_LEAST_PAUSE)

    def step(self) -> None:
        """Look once; one run that cannot go on holds up no other."""
        if not self._process.accepts_work:
            return
        for run_id in list_due_runs(limit=_AT_ONCE):
            try:
                go_on(run_id=run_id)
            except DATABASE_OUTAGES:
                raise
            except Exception:
                # A task boundary: this run's failure, not that of those after it.
                logger.exception("run %s", run_id)
                give_up(run_id=run_id)


@signals.worker_process_init.connect
def _start_conductor(**_: Any) -> None:
    process = this_process()
    if queueing.INDEXING_QUEUE in process.queues:
        conductor = Conductor(process)
        for life in (conductor.listen_forever, conductor.run_forever):
            threading.Thread(target=life, name=f"chains-{life.__name__}", daemon=True).start()
