"""The worker's side of documents: every job ends, whatever the document does to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.db import OperationalError

from genmodels.embedding import install_embedder
from tasks import ingestion
from tests.factories import make_user, make_worker
from tests.knowledge.documents import make_pdf
from tests.search.factories import EMBEDDER
from webapp import queueing
from webapp.accounts.models import User
from webapp.common.storage import blob_path
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState
from webapp.knowledge.models import Source
from webapp.knowledge.operations import submit_source
from webapp.knowledge.queries import passages_of

pytestmark = pytest.mark.django_db


@dataclass
class FakeProcess:
    """A worker process that exists as a row only."""

    id: int
    accepts_work: bool = True
    held: list[uuid.UUID] = field(default_factory=list)

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None:
        assert seconds > 0
        self.held.append(job_id)

    def let_go(self, job_id: uuid.UUID) -> None:
        self.held.remove(job_id)


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def process() -> FakeProcess:
    return FakeProcess(make_worker(queues=[queueing.DOCUMENTS_QUEUE]).id)


def submit(owner: User, content: bytes, name: str) -> Source:
    submitted = submit_source(owner=owner, content=content, file_name=name)
    return Source.objects.get(id=submitted.source_id)


def job_of(source: Source) -> Job:
    return Source.objects.select_related("job").get(id=source.id).job


def test_documents_are_read_one_after_the_other_until_none_is_left(
    owner: User, process: FakeProcess
) -> None:
    sources = [submit(owner, b"Lamp number %d." % number, "a.txt") for number in range(3)]
    while ingestion.ingest_next(process):
        assert process.held == []
    assert {job_of(source).state for source in sources} == {JobState.SUCCEEDED}
    assert ingestion.ingest_next(process) is False


def test_a_refused_document_fails_with_its_reason_and_is_not_tried_again(
    owner: User, process: FakeProcess
) -> None:
    locked = submit(owner, make_pdf(["secret"], password="hidden"), "locked.pdf")
    after = submit(owner, b"Lamps.", "a.txt")
    while ingestion.ingest_next(process):
        pass
    job = job_of(locked)
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "encrypted", 1)
    assert "password" in job.error_detail
    assert job_of(after).state == JobState.SUCCEEDED
    assert not passages_of(locked).exists()


def test_a_fault_of_the_server_is_tried_again_later(owner: User, process: FakeProcess) -> None:
    source = submit(owner, b"Lamps.", "a.txt")
    blob_path(source.sha256).unlink()
    ingestion.ingest_next(process)
    job = job_of(source)
    assert (job.state, job.error_code, job.attempt) == (JobState.QUEUED, "internal_error", 1)
    assert "BlobMissing" in job.attempts.get().error
    assert str(blob_path(source.sha256)) not in job.error_detail


def test_a_cancel_between_batches_ends_the_job_as_canceled(
    owner: User, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "LOOK_SECONDS", 0.0)
    source = submit(owner, b"\n\n".join(b"Lamp %d. " % n * 70 for n in range(80)), "a.txt")
    seen: list[int] = []
    record = jobs.record_progress

    def cancel_after_first(**arguments: object) -> bool:
        seen.append(1)
        jobs.cancel_job(job_id=source.job_id)
        return record(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "record_progress", cancel_after_first)
    ingestion.ingest_next(process)
    assert job_of(source).state == JobState.CANCELED
    assert len(seen) == 1
    assert not passages_of(source).exists()


def test_a_process_that_is_told_to_stop_gives_its_document_back(
    owner: User, process: FakeProcess
) -> None:
    source = submit(owner, b"Lamps.", "a.txt")
    process.accepts_work = False
    ingestion.ingest_next(process)
    job = job_of(source)
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    process.accepts_work = True
    ingestion.ingest_next(process)
    assert job_of(source).state == JobState.SUCCEEDED


def test_an_outage_of_the_database_gives_the_document_back(
    owner: User, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = submit(owner, b"Lamps.", "a.txt")

    def fail(**_: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(ingestion, "ingest_source", fail)
    ingestion.ingest_next(process)
    assert job_of(source).state == JobState.QUEUED
