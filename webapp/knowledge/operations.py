"""Writes on documents: bringing them, reading them into passages, and the trash."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from genmodels.embedding import Embedder
from webapp import queueing
from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.common.storage import BlobMissing, blob_path, store_bytes
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState
from webapp.jobs.operations import NewJob
from webapp.knowledge.media import UnableToReadDocument, recognise
from webapp.knowledge.models import Source
from webapp.knowledge.reader import read_document
from webapp.search.operations import prepare_source_passages, store_source_passages
from webapp.search.segments import cut_into_segments

JOB_KIND = "ingestion"
_ENDPOINT = "documents"

#: A document of the greatest length takes about this long to embed on one core, in seconds.
_ATTEMPT_SECONDS = 1_800
_MAX_TITLE_LENGTH = 300
_MAX_FILE_NAME_LENGTH = 255


class UnableToTakeDocument(UnableToReadDocument):
    """Refused before anything was stored."""


@dataclass(frozen=True)
class SubmittedSource:
    """The source that holds these bytes for this owner; `is_new` unless it was there before."""

    source_id: uuid.UUID
    is_new: bool


def submit_source(
    *,
    owner: User,
    content: bytes,
    file_name: str = "",
    claimed_type: str = "",
    title: str = "",
    idempotency_key: str | None = None,
) -> SubmittedSource:
    """Keep a document and queue the job that reads it.

    The same bytes again are the same source: taken out of the trash if it was there, and read
    again if that had failed. So a key is needed only to refuse another document under it. Raises
    UnableToTakeDocument for what is refused at first sight, or UnableToReuseIdempotencyKey.
    """
    if len(content) > settings.PINAKES_MAX_UPLOAD_BYTES:
        limit = settings.PINAKES_MAX_UPLOAD_BYTES / 1e6
        raise UnableToTakeDocument("too_large", f"The file is larger than {limit:g} MB.")
    file_name = _clean_name(file_name)
    try:
        media_type = recognise(content=content, file_name=file_name, claimed_type=claimed_type)
    except UnableToReadDocument as error:
        raise UnableToTakeDocument(error.code, error.detail) from error
    sha256 = store_bytes(content)
    title = " ".join(title.replace("\x00", " ").split()) or PurePath(file_name).stem or "Untitled"
    try:
        with transaction.atomic():
            source = Source.objects.create(
                owner=owner,
                job=_queue_reading(owner),
                title=title[:_MAX_TITLE_LENGTH],
                file_name=file_name,
                media_type=media_type,
                sha256=sha256,
                size=len(content),
            )
            _bind_key(owner=owner, key=idempotency_key, source=source)
    except IntegrityError:
        with transaction.atomic():
            source = _bring_back(owner=owner, sha256=sha256)
            _bind_key(owner=owner, key=idempotency_key, source=source)
        return SubmittedSource(source.id, is_new=False)
    return SubmittedSource(source.id, is_new=True)


def _bind_key(*, owner: User, key: str | None, source: Source) -> None:
    if key is not None:
        jobs.claim_idempotency_key(
            owner=owner,
            endpoint=_ENDPOINT,
            key=key,
            request_sha256=source.sha256,
            object_id=source.id,
        )


def _clean_name(file_name: str) -> str:
    """The last part of a path in either spelling, without what no file name should hold."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[
        -_MAX_FILE_NAME_LENGTH:
    ]


def _queue_reading(owner: User) -> Job:
    job = NewJob(
        id=uuid7(),
        kind=JOB_KIND,
        queue=queueing.DOCUMENTS_QUEUE,
        attempt_seconds=_ATTEMPT_SECONDS,
    )
    return jobs.submit_jobs(owner=owner, jobs=[job])[0]


def _bring_back(*, owner: User, sha256: str) -> Source:
    """Only inside a transaction: the row is locked until its end."""
    source = (
        Source.objects.select_for_update(of=("self",))
        .select_related("job")
        .get(owner=owner, sha256=sha256)
    )
    source.trashed_at = None
    if source.job.terminal and source.job.state != JobState.SUCCEEDED:
        source.job = _queue_reading(owner)
    source.save(update_fields=["trashed_at", "job"])
    return source


def ingest_source(
    *,
    source: Source,
    fence: int,
    embedder: Embedder,
    report: Callable[[int, int], None],
) -> JobState | None:
    """Read, cut, embed and store a source, and end its job; None when the lease was lost.

    1. The file is read in a confined child process.
    2. The text is cut, analysed and embedded outside of any transaction; `report(done, total)` is
       called
       between batches and may raise to stop.
    3. Passages, vectors and the end of the job are one transaction, so nothing half-read is ever
       found.

    Raises UnableToReadDocument with the reason for the owner.
    """
    path = blob_path(source.sha256)
    if not path.exists():
        raise BlobMissing(source.sha256)
    read = read_document(path=path, media_type=source.media_type)
    segments = cut_into_segments(
        read.text,
        headings=read.headings,
        page_starts=read.page_starts,
        pages_join=read.pages_join,
    )
    if not segments:
        raise UnableToReadDocument("empty", "It holds no text beside its headings.")
    text_sha256 = store_bytes(read.text.encode())
    prepared = prepare_source_passages(
        owner=source.owner,
        source_id=source.id,
        segments=segments,
        embedder=embedder,
        report=report,
    )
    with transaction.atomic():
        state = jobs.finish_job(job_id=source.job_id, fence=fence)
        if state == JobState.SUCCEEDED:
            store_source_passages(source_id=source.id, prepared=prepared)
            Source.objects.filter(id=source.id).update(
                text_sha256=text_sha256,
                num_characters=len(read.text),
                num_pages=len(read.page_starts) or None,
                num_passages=len(prepared.passages),
            )
    return state


def trash_source(*, source: Source) -> None:
    """Put a document in the trash: it is no longer found nor cited; reading it stops."""
    jobs.cancel_job(job_id=source.job_id)
    Source.objects.filter(id=source.id, trashed_at__isnull=True).update(trashed_at=timezone.now())


def restore_source(*, source: Source) -> None:
    """Take a document out of the trash; it is read again if that had not been finished."""
    with transaction.atomic():
        _bring_back(owner=source.owner, sha256=source.sha256)
