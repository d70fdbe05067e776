"""Bringing documents: once, whole, and with the reason if not."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from tests.factories import make_user
from tests.knowledge.documents import make_pdf
from tests.knowledge.ingesting import bring, claim, ingest
from tests.search.factories import EMBEDDER
from webapp.accounts.models import User
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState
from webapp.knowledge.models import Source
from webapp.knowledge.operations import (
    UnableToTakeDocument,
    restore_source,
    submit_source,
    trash_source,
)
from webapp.knowledge.queries import passages_of, read_source_text
from webapp.search.queries import hybrid_search

pytestmark = pytest.mark.django_db

NOTES = b"""# Lamps

Lamps burn oil. They smell.

## Keeping them

Trim the wick on Mondays. %s

- fill
- polish
""" % (b"Never leave it alone. " * 60)


@pytest.fixture
def owner() -> User:
    return make_user()


def found_by(user: User, query: str) -> set[object]:
    return {hit.source_id for hit in hybrid_search(user=user, query=query, embedder=EMBEDDER).hits}


def test_a_markdown_file_becomes_passages_that_point_at_its_text(owner: User) -> None:
    source = bring(owner, NOTES)
    assert source.status == "indexed"
    text = read_source_text(source)
    passages = list(passages_of(source))
    assert source.num_passages == len(passages) > 2
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
    assert {passage.heading for passage in passages} == {"Lamps", "Lamps › Keeping them"}
    assert found_by(owner, "trimming a wick") == {source.id}


def test_a_pdf_keeps_its_page_numbers(owner: User) -> None:
    source = bring(owner, make_pdf(["The lamp is lit.", "The wick is long."]), "lamp.pdf")
    assert source.num_pages == 2
    text = read_source_text(source)
    pages = {passage.text: passage.page for passage in passages_of(source)}
    assert pages == {"The lamp is lit.": 1, "The wick is long.": 2}
    for passage in passages_of(source):
        assert text[passage.start : passage.end] == passage.text


def test_nothing_is_found_before_everything_is_stored(owner: User) -> None:
    submitted = submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    source = Source.objects.get(id=submitted.source_id)
    assert source.status == "queued"

    def look() -> None:
        assert found_by(owner, "lamps") == set()
        assert Source.objects.get(id=source.id).status == "running"

    ingest(claim(), before_storing=look)
    assert found_by(owner, "lamps") == {source.id}


def test_a_worker_that_lost_its_lease_stores_nothing(owner: User) -> None:
    submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    job = claim()

    def lose() -> None:
        jobs.release_job(job_id=job.id, fence=job.fence)

    assert ingest(job, before_storing=lose) is None
    assert found_by(owner, "lamps") == set()
    assert ingest(claim()) == JobState.SUCCEEDED
    assert len(found_by(owner, "lamps")) == 1


def test_a_canceled_document_is_not_stored(owner: User) -> None:
    submitted = submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    job = claim()
    jobs.cancel_job(job_id=job.id)
    assert ingest(job) == JobState.CANCELED
    source = Source.objects.get(id=submitted.source_id)
    assert source.status == "canceled"
    assert not passages_of(source).exists()


def test_the_same_file_again_is_the_same_source(owner: User) -> None:
    source = bring(owner, NOTES)
    again = submit_source(owner=owner, content=NOTES, file_name="copy.md")
    assert (again.source_id, again.is_new) == (source.id, False)
    assert Job.objects.filter(kind="ingestion").count() == 1
    assert submit_source(owner=make_user(), content=NOTES, file_name="x.md").is_new


def test_a_document_whose_reading_failed_is_read_again_when_brought_again(owner: User) -> None:
    submitted = submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    job = claim()
    jobs.fail_job(job_id=job.id, fence=job.fence, code="broken", detail="x", transient=False)
    again = submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    assert (again.source_id, again.is_new) == (submitted.source_id, False)
    assert ingest(claim()) == JobState.SUCCEEDED


def test_trash_hides_and_restore_brings_back(owner: User) -> None:
    source = bring(owner, NOTES)
    trash_source(source=source)
    assert found_by(owner, "lamps") == set()
    restore_source(source=source)
    assert found_by(owner, "lamps") == {source.id}
    trash_source(source=source)
    submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    assert found_by(owner, "lamps") == {source.id}


def test_a_document_trashed_while_it_waited_is_read_after_all_when_restored(owner: User) -> None:
    submitted = submit_source(owner=owner, content=NOTES, file_name="lamps.md")
    source = Source.objects.get(id=submitted.source_id)
    trash_source(source=source)
    restore_source(source=source)
    assert ingest(claim()) == JobState.SUCCEEDED
    assert found_by(owner, "lamps") == {source.id}


def test_refusals_store_nothing(owner: User, settings: object) -> None:
    settings.PINAKES_MAX_UPLOAD_BYTES = 100  # type: ignore[attr-defined]
    refused = [(b"", "a.txt"), (b"x" * 101, "a.txt"), (b"text", "a.exe"), (b"t", "a.pdf")]
    for content, name in refused:
        with pytest.raises(UnableToTakeDocument):
            submit_source(owner=owner, content=content, file_name=name)
    assert not Source.objects.exists()
    assert not Job.objects.filter(kind="ingestion").exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "C:\\temp\\evil.txt", "a\r\nb\x00.txt", "x" * 400 + ".txt"]
)
def test_a_file_name_is_only_ever_a_name(owner: User, name: str) -> None:
    submitted = submit_source(owner=owner, content=b"text", file_name=name)
    kept = Source.objects.get(id=submitted.source_id).file_name
    assert kept.endswith(".txt")
    assert len(kept) <= 255
    assert not set(kept) & set("/\\\r\n\x00")


def test_a_stranger_finds_nothing_of_it(owner: User) -> None:
    bring(owner, NOTES)
    assert found_by(make_user(), "lamps") == set()


@pytest.mark.django_db(transaction=True)
def test_the_same_file_from_many_threads_is_one_source() -> None:
    owner = make_user()
    start = threading.Barrier(8)
    made = []

    def work() -> None:
        start.wait()
        try:
            made.append(submit_source(owner=owner, content=NOTES, file_name="lamps.md"))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({submitted.source_id for submitted in made}) == 1
    assert [submitted.is_new for submitted in made].count(True) == 1
    assert Job.objects.filter(kind="ingestion").count() == 1
