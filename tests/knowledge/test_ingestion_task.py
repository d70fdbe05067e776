"""The worker's side of documents: every job ends, whatever the document does to it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError
from numpy.typing import NDArray

from genmodels.embedding import UnableToEmbed, install_embedder
from tasks import ingestion_line
from tasks.ingestion_line import Line
from tests.factories import make_user, make_worker
from tests.knowledge.documents import make_pdf
from tests.search.factories import EMBEDDER
from webapp import queueing
from webapp.accounts.models import User
from webapp.common.storage import blob_path
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState
from webapp.knowledge.ingestion import ClaimedSource, ReadSource, read_source, store_sources
from webapp.knowledge.models import Resemblance, Source
from webapp.knowledge.operations import submit_source
from webapp.knowledge.queries import passages_of
from webapp.search.models import Passage, PassageVector

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


class WatchedEmbedder:
    """Calls back, in the thread that embeds, with the texts that it is about to embed."""

    def __init__(self, call: Callable[[Sequence[str]], None]) -> None:
        self.name, self.dims, self._call = EMBEDDER.name, EMBEDDER.dims, call

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._call(texts)
        return EMBEDDER.embed(texts)


def watch(call: Callable[[Sequence[str]], None]) -> None:
    """Put up a watched embedder, to be taken down with the test."""
    install_embedder(WatchedEmbedder(call))


def job_of(source: Source) -> Job:
    return Source.objects.select_related("job").get(id=source.id).job


def long_text(name: str) -> bytes:
    """About 80 passages."""
    return b"\n\n".join(b"Lamp %s %d. " % (name.encode(), n) * 50 for n in range(80))


def test_documents_are_read_until_none_is_left(owner: User, process: FakeProcess) -> None:
    names = [f"{number}.txt" for number in range(20)]
    sources = [submit(owner, f"Lamp in {name}".encode(), name) for name in names]
    Line(process).run()
    assert process.held == []
    assert {job_of(source).state for source in sources} == {JobState.SUCCEEDED}
    for name, source in zip(names, sources, strict=True):
        assert [passage.text for passage in passages_of(source)] == [f"Lamp in {name}"]


def test_short_documents_are_embedded_together_and_long_ones_claimed_alone(
    owner: User, process: FakeProcess
) -> None:
    together: list[int] = []
    watch(lambda texts: together.append(len(texts)))
    submit(owner, long_text("long"), "long.txt")
    for number in range(8):
        submit(owner, b"Lamp number %d." % number, f"{number}.txt")
    waiting = jobs.claim_jobs(
        worker_id=process.id, queues=[queueing.DOCUMENTS_QUEUE], limit=8, room={"": 1}
    )
    assert len(waiting) == 1, "the long one"
    jobs.release_job(job_id=waiting[0].id, fence=waiting[0].fence)
    Line(process).run()
    assert sum(together) == Passage.objects.count()
    assert max(together) == 64
    assert len(together) < Source.objects.count() == 9


def test_documents_that_are_stored_together_are_compared_with_each_other(
    owner: User, process: FakeProcess
) -> None:
    words = " ".join(f"wick{number}" for number in range(60))
    first = submit(owner, f"{words}.".encode(), "first.txt")
    second = submit(owner, f"{words}!".encode(), "second.txt")
    other = submit(make_user(), f"{words}!".encode(), "second.txt")
    watch(lambda _texts: None)
    Line(process).run()
    [original], [repeat], [elsewhere] = map(passages_of, (first, second, other))
    assert (original.repeat_group, repeat.repeat_group) == (None, original.id)
    assert elsewhere.repeat_group is None
    alike = Resemblance.objects.values_list("source_id", "other_id")
    assert set(alike) == {(first.id, second.id), (second.id, first.id)}


def test_a_refused_document_fails_with_its_reason_and_is_not_tried_again(
    owner: User, process: FakeProcess
) -> None:
    locked = submit(owner, make_pdf(["secret"], password="hidden"), "locked.pdf")
    after = submit(owner, b"Lamps.", "a.txt")
    Line(process).run()
    job = job_of(locked)
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "encrypted", 1)
    assert "password" in job.error_detail
    assert job_of(after).state == JobState.SUCCEEDED
    assert not passages_of(locked).exists()


def test_a_fault_of_the_server_is_tried_again_later(owner: User, process: FakeProcess) -> None:
    source = submit(owner, b"Lamps.", "a.txt")
    blob_path(source.sha256).unlink()
    Line(process).run()
    job = job_of(source)
    assert (job.state, job.error_code, job.attempt) == (JobState.QUEUED, "internal_error", 1)
    assert "BlobMissing" in job.attempts.get().error
    assert str(blob_path(source.sha256)) not in job.error_detail


def test_what_cannot_be_embedded_or_stored_does_no_harm_to_the_others(
    owner: User, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["good", "unembeddable", "unstorable", "canceled", "fine"]
    sources = {name: submit(owner, f"A {name} lamp.".encode(), f"{name}.txt") for name in names}

    all_read = threading.Event()

    def refuse(texts: Sequence[str]) -> None:
        assert all_read.wait(60), "so that they are embedded together"
        if any("unembeddable" in text for text in texts):
            raise ValueError("no such text")

    def read_and_break(claimed: ClaimedSource, **how: Any) -> ReadSource | None:
        read = read_source(claimed, **how)
        if read is not None and claimed.source.id == sources["unstorable"].id:
            read.passages[0].text = "no \x00 bytes"
        if claimed.source.id == sources["fine"].id:
            all_read.set()
        return read

    def cancel_and_store(read: Sequence[ReadSource], **how: Any) -> JobState | None:
        jobs.cancel_job(job_id=sources["canceled"].job_id)
        return store_sources(read, **how)

    watch(refuse)
    monkeypatch.setattr(ingestion_line, "read_source", read_and_break)
    monkeypatch.setattr(ingestion_line, "store_sources", cancel_and_store)
    Line(process).run()
    states = {name: job_of(source).state for name, source in sources.items()}
    assert states == {
        "good": JobState.SUCCEEDED,
        "unembeddable": JobState.QUEUED,
        "unstorable": JobState.QUEUED,
        "canceled": JobState.CANCELED,
        "fine": JobState.SUCCEEDED,
    }
    assert {passage.text for passage in Passage.objects.all()} == {"A good lamp.", "A fine lamp."}
    assert process.held == []


def test_a_cancel_between_slices_ends_the_job_as_canceled(
    owner: User, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion_line, "LOOK_SECONDS", 0.0)
    source = submit(owner, long_text("long"), "long.txt")
    may_go_on = threading.Event()

    def wait(_texts: Sequence[str]) -> None:
        assert may_go_on.wait(60)

    watch(wait)
    told: list[object] = []
    record = jobs.record_progress_together

    def cancel(progress: Sequence[jobs.JobProgress]) -> int:
        told.extend(each.facts for each in progress)
        if progress[0].facts["total"]:
            jobs.cancel_job(job_id=source.job_id)
            may_go_on.set()
        return record(progress)

    monkeypatch.setattr(jobs, "record_progress_together", cancel)
    Line(process).run()
    assert job_of(source).state == JobState.CANCELED
    assert told[-1] == {"stage": "embedding", "done": 0, "total": 80, "unit": "passage"}
    assert not passages_of(source).exists()


def test_a_process_that_is_told_to_stop_gives_its_documents_back(
    owner: User, process: FakeProcess
) -> None:
    sources = [submit(owner, b"Lamp %d." % number, "a.txt") for number in range(3)]
    watch(lambda _texts: setattr(process, "accepts_work", False))
    Line(process).run()
    assert {(job_of(each).state, job_of(each).attempt) for each in sources} == {
        (JobState.QUEUED, 0)
    }
    Line(process).run()
    assert {job_of(each).state for each in sources} == {JobState.QUEUED}, "it takes no more"
    process.accepts_work = True
    watch(lambda _texts: None)
    Line(process).run()
    assert {job_of(each).state for each in sources} == {JobState.SUCCEEDED}


def test_an_outage_of_the_database_gives_the_documents_back(
    owner: User, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [submit(owner, b"Lamp %d." % number, "a.txt") for number in range(3)]

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(ingestion_line, "store_sources", fail)
    with pytest.raises(OperationalError):
        Line(process).run()
    assert {job_of(each).state for each in sources} == {JobState.QUEUED}
    assert process.held == []


def test_without_its_embedder_a_document_is_found_by_words(
    owner: User, process: FakeProcess
) -> None:
    asked: list[int] = []

    def be_away(texts: Sequence[str]) -> None:
        asked.append(len(texts))
        raise UnableToEmbed("nobody answers")

    watch(be_away)
    source = submit(owner, long_text("long"), "long.txt")
    Line(process).run()
    assert job_of(source).state == JobState.SUCCEEDED
    assert passages_of(source).count() == 80
    assert not PassageVector.objects.filter(passage__source=source).exists()
    assert asked == [64], "it is not asked for each slice"
