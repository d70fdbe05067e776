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
from webapp.knowledge.ingestion import (
    end_unchanged,
    find_claimed,
    read_source,
    store_fetched,
    store_sources,
)
from webapp.knowledge.models import Source
from webapp.knowledge.operations import submit_source
from webapp.search.operations import prepare_passages


def claim() -> ClaimedJob:
    """The next document, held by a worker of its own."""
    worker = make_worker(queues=[queueing.DOCUMENTS_QUEUE])
    (job,) = jobs.claim_jobs(worker_id=worker.id, queues=[queueing.DOCUMENTS_QUEUE], limit=1)
    return job


def ingest(job: ClaimedJob, before_storing: Callable[[], None] = lambda: None) -> JobState | None:
    """Read a claimed document, step by step as a worker does."""
    claimed = find_claimed([job])[job.id]
    try:
        read = read_source(claimed, look=lambda _stage: None)
    finally:
        store_fetched(claimed)
    if read is None:
        return end_unchanged(claimed)
    prepared = prepare_passages(passages=read.passages, embedder=EMBEDDER)
    before_storing()
    return store_sources([read], vectors=prepared.vectors, embedder=EMBEDDER)


def bring(owner: User, content: bytes, file_name: str = "notes.md", **wish: Any) -> Source:
    """A document that was brought and read."""
    submitted = submit_source(owner=owner, content=content, file_name=file_name, **wish)
    ingest(claim())
    return Source.objects.select_related("job").get(id=submitted.source_id)
