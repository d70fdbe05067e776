"""The message that wakes a generation worker.

torch takes seconds and hundreds of megabytes, so it is imported by the pool processes of the
families only: not by Celery's parent processes, and not by the library's worker.
"""

from __future__ import annotations

import threading
from typing import Any

from celery import signals

from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app


@app.task(name=queueing.DRAIN)
def drain(**_: Any) -> None:
    """Run everything that waits in the queues of this process, until nothing is left."""
    from tasks.generation_process import run_until_idle  # noqa: PLC0415 -- imports torch

    process = this_process()
    with process.working():
        for queue in process.queues:
            queueing.forget_wake(queue)
        run_until_idle()


@signals.worker_process_init.connect
def _warm_up(**_: Any) -> None:
    families = {
        queue.removeprefix("family.")
        for queue in this_process().queues
        # Those that are connected are large: they are loaded when somebody asks for them.
        if queue.startswith("family.") and queue != queueing.CONNECTED_QUEUE
    }
    if families:
        threading.Thread(
            target=_load_checkpoints, args=(families,), name="warm-up", daemon=True
        ).start()


def _load_checkpoints(families: set[str]) -> None:
    from tasks.generation_process import load_checkpoints  # noqa: PLC0415 -- imports torch

    load_checkpoints(families)
