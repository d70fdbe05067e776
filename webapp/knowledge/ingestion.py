"""Reading documents into passages: fetch, read, cut, embed, and swap in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from genmodels.embedding import Embedder
from webapp.common.storage import BlobMissing, blob_path, store_bytes
from webapp.jobs import operations as jobs
from webapp.jobs.models import JobState
from webapp.knowledge.editing import carve, kept_passages
from webapp.knowledge.fetching import fetch_document
from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.models import Source, SourceVersion
from webapp.knowledge.operations import title_of_address
from webapp.knowledge.reader import read_document
from webapp.knowledge.readers.building import ReadText
from webapp.knowledge.resemblance import (
    fingerprint_of_text,
    mark_repeats,
    store_repeats,
    store_resemblances,
)
from webapp.search.operations import (
    EmbeddedPassages,
    prepare_source_passages,
    store_source_passages,
)
from webapp.search.segments import Segment, cut_into_segments


@dataclass(frozen=True)
class Reports:
    """Whom to tell how far the reading is; both may raise to stop it.

    `look` is called with the stage now and then while nothing can be counted, `count` with the
    number of passages that are embedded and of all.
    """

    look: Callable[[str], None] = lambda _stage: None
    count: Callable[[int, int], None] = lambda _done, _total: None


def ingest_source(
    *, source: Source, fence: int, embedder: Embedder, reports: Reports
) -> JobState | None:
    """Read the newest version of a source and end its job; None when the lease was lost.

    1. What was brought by its address is fetched. Bytes that are those of the version that can be
       found already make no new one.
    2. The file is read in a confined child process.
    3. The text is cut, analysed and embedded outside of any transaction; what the owner had done
       to passages is done again, where the text still says the same.
    4. Passages and documents that say nearly the same are recognised.
    5. Passages, vectors and the end of the job are one transaction, so nothing half-read is ever
       found, and an earlier version is found until then.

    Raises UnableToReadDocument with the reason for the owner.
    """
    version = SourceVersion.objects.get(job_id=source.job_id)
    if not version.sha256:
        reports.look("fetching")
        if not _fetch(source, version):
            return _end_unchanged(source, version, fence)
    path = blob_path(version.sha256)
    if not path.exists():
        raise BlobMissing(version.sha256)
    reports.look("reading")
    read = read_document(
        path=path, media_type=version.media_type, look=lambda: reports.look("reading")
    )
    segments = cut_into_segments(
        read.text,
        headings=read.headings,
        page_starts=read.page_starts,
        pages_join=read.pages_join,
    )
    if not segments:
        raise UnableToReadDocument("empty", "It holds no text beside its headings.")
    text_sha256 = store_bytes(read.text.encode())
    prepared = _prepare(source, read.text, segments, embedder, reports)
    reports.look("comparing")
    repeats = mark_repeats(source=source, passages=prepared.passages)
    alike = fingerprint_of_text(read.text)
    with transaction.atomic():
        state = jobs.finish_job(job_id=version.job_id, fence=fence)
        if state == JobState.SUCCEEDED:
            _swap(source, version, read, text_sha256, prepared)
            store_repeats(repeats=repeats)
            store_resemblances(source=source, found=alike)
    return state


def _fetch(source: Source, version: SourceVersion) -> bool:
    """Fetch the bytes of a version; False if they are those that can be found already."""
    fetched = fetch_document(source.url)
    version.sha256 = store_bytes(fetched.content)
    version.size = len(fetched.content)
    version.media_type = fetched.media_type
    version.file_name = fetched.file_name
    if source.version is not None and version.sha256 == source.sha256:
        return False
    version.save(update_fields=["sha256", "size", "media_type", "file_name"])
    return True


def _end_unchanged(source: Source, version: SourceVersion, fence: int) -> JobState | None:
    with transaction.atomic():
        state = jobs.finish_job(job_id=version.job_id, fence=fence)
        if state == JobState.SUCCEEDED:
            Source.objects.filter(id=source.id).update(fetched_at=Now())
            SourceVersion.objects.filter(id=version.id).delete()
    return state


def _prepare(
    source: Source,
    text: str,
    segments: Sequence[Segment],
    embedder: Embedder,
    reports: Reports,
) -> EmbeddedPassages:
    """Passages with what their owner had done to those of the version before."""
    carved = carve(text, segments, kept_passages(source))
    reports.count(0, len(carved))
    prepared = prepare_source_passages(
        owner=source.owner,
        source_id=source.id,
        segments=[segment for segment, _ in carved],
        embedder=embedder,
        report=reports.count,
    )
    for passage, (_, kept) in zip(prepared.passages, carved, strict=True):
        if kept is not None:
            passage.is_edited, passage.is_excluded = kept.is_edited, kept.is_excluded
    return prepared


def _swap(
    source: Source,
    version: SourceVersion,
    read: ReadText,
    text_sha256: str,
    prepared: EmbeddedPassages,
) -> None:
    """Put the passages of this version in the place of those of the one before."""
    store_source_passages(source_id=source.id, prepared=prepared)
    figures = {
        "text_sha256": text_sha256,
        "num_characters": len(read.text),
        "num_pages": len(read.page_starts) or None,
        "num_passages": len(prepared.passages),
    }
    SourceVersion.objects.filter(id=version.id).update(indexed_at=Now(), **figures)
    Source.objects.filter(id=source.id).update(
        version=version.number,
        sha256=version.sha256,
        size=version.size,
        media_type=version.media_type,
        file_name=version.file_name,
        **figures,
    )
    if source.url:
        Source.objects.filter(id=source.id).update(fetched_at=Now())
        # A document that was brought by its address says itself what it is called.
        if read.title:
            unnamed = Source.objects.filter(id=source.id, title=title_of_address(source.url))
            unnamed.update(title=read.title)
