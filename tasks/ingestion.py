"""The message that wakes a worker for documents: read what waits, one document after the other."""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from functools import partial
from typing import Any, Protocol

from django.db import connection

from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common.problems import DATABASE_OUTAGES
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.operations import ClaimedJob
from webapp.knowledge.ingestion import Reports, ingest_source
from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.models import Source
from webapp.search.embedders import embedder_in_use

logger = logging.getLogger(__name__)


#: Seconds between looks at the lease, and writes of the progress, while a document is read.
LOOK_SECONDS = 1.0
#: How long a job is tried to be given back while Postgres is away.
GIVE_BACK_SECONDS = 120


class Process(Protocol):
    """What reading documents needs of the worker process that it runs in."""

    @property
    def id(self) -> int: ...

    @property
    def accepts_work(self) -> bool: ...

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None: ...

    def let_go(self, job_id: uuid.UUID) -> None: ...


class _Canceled(Exception):
    """The owner does not want it any more, or the job is somebody else's by now."""


class _Interrupted(Exception):
    """This process is told to stop, or cannot be sure of its lease."""


@app.task(name=queueing.INGEST)
def ingest(**_: Any) -> None:
    """Read documents until none is left that this process may take."""
    process = this_process()
    with process.working():
        queueing.forget_wake(queueing.DOCUMENTS_QUEUE)
        try:
            while process.accepts_work and ingest_next(process):
                queueing.wake(queueing.GRAPH_QUEUE)
        except DATABASE_OUTAGES as error:
            logger.warning("documents wait for the database: %s", error)
            connection.close()


def ingest_next(process: Process) -> bool:
    """Take the next document and end its job; False when none waits."""
    claimed = jobs.claim_jobs(worker_id=process.id, queues=[queueing.DOCUMENTS_QUEUE], limit=1)
    if not claimed:
        return False
    job = claimed[0]
    source = Source.objects.select_related("job", "owner").filter(job_id=job.id).first()
    if source is None:
        # It was read again under a later job.
        jobs.fail_job(
            job_id=job.id, fence=job.fence, code="superseded", detail="", transient=False
        )
        return True
    process.hold(job.id, seconds=source.job.attempt_seconds)
    try:
        run_ingestion(process=process, job=job, source=source)
    finally:
        process.let_go(job.id)
    return True


def run_ingestion(*, process: Process, job: ClaimedJob, source: Source) -> None:
    """Read one claimed document and end its job, whatever it does to us."""
    last_look = 0.0
    last_stage = ""

    def report(stage: str, done: int | None = None, total: int | None = None) -> None:
        nonlocal last_look, last_stage
        if not process.accepts_work:
            raise _Interrupted
        if stage == last_stage and time.monotonic() - last_look < LOOK_SECONDS:
            return
        last_look, last_stage = time.monotonic(), stage
        _check_lease(job.id, job.fence)
        progress = {"stage": stage, "done": done, "total": total, "unit": "passage"}
        jobs.record_progress(job_id=job.id, fence=job.fence, progress=progress)

    reports = Reports(look=report, count=partial(report, "embedding"))
    try:
        ingest_source(source=source, fence=job.fence, embedder=embedder_in_use(), reports=reports)
    except UnableToReadDocument as error:
        jobs.fail_job(
            job_id=job.id,
            fence=job.fence,
            code=error.code,
            detail=error.detail,
            transient=error.transient,
        )
    except _Canceled:
        # The cancel flag is set, so this can only end as canceled.
        jobs.finish_job(job_id=job.id, fence=job.fence)
    except (_Interrupted, *DATABASE_OUTAGES) as error:
        logger.warning("document %s is given back: %s", source.id, error)
        _give_back(job)
    except Exception as error:
        # A task boundary: one document must not take the process down with it.
        logger.exception("document %s", source.id)
        jobs.fail_job(
            job_id=job.id,
            fence=job.fence,
            code="internal_error",
            detail="Reading it failed on the server.",
            transient=True,
            error="".join(traceback.format_exception(error))[-8000:],
        )


def _check_lease(job_id: uuid.UUID, fence: int) -> None:
    held = job_queries.look_at_jobs([job_id]).get(job_id)
    if held is None or held.fence != fence or held.cancel_requested:
        raise _Canceled


def _give_back(job: ClaimedJob) -> None:
    """Release a job as soon as the database answers, or it would wait for its deadline."""
    until = time.monotonic() + GIVE_BACK_SECONDS
    while True:
        try:
            jobs.release_job(job_id=job.id, fence=job.fence)
        except DATABASE_OUTAGES:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return
