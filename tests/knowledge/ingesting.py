"""Ingestion without a worker process: claim and read in the test itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.factories import make_worker
from tests.search.factories import EMBEDDER
from webapp import queueing
from webapp.accounts.models import User
from webapp.jobs import operations as jobs
from webapp.jobs.models import JobState
from webapp.jobs.operations import ClaimedJob
from webapp.knowledge.ingestion import Reports, ingest_source
from webapp.knowledge.models import Source
from webapp.knowledge.operations import submit_source


def claim() -> ClaimedJob:
    """The next document, held by a worker of its own."""
    worker = make_worker(queues=[queueing.DOCUMENTS_QUEUE])
    (job,) = jobs.claim_jobs(worker_id=worker.id, queues=[queueing.DOCUMENTS_QUEUE], limit=1)
    return job


def ingest(
    job: ClaimedJob, report: Callable[[int, int], None] = lambda _done, _total: None
) -> JobState | None:
    """Read a claimed document."""
    source = Source.objects.get(job_id=job.id)
    reports = Reports(count=report)
    return ingest_source(source=source, fence=job.fence, embedder=EMBEDDER, reports=reports)


def bring(owner: User, content: bytes, file_name: str = "notes.md", **wish: Any) -> Source:
    """A document that was brought and read."""
    submitted = submit_source(owner=owner, content=content, file_name=file_name, **wish)
    ingest(claim())
    return Source.objects.select_related("job").get(id=submitted.source_id)
