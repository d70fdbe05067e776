"""Reading documents into passages: what a worker does with them, step by step.

1. `find_claimed`: which document each claimed job means.
2. `read_source`: fetch, read in a confined child process, cut, analyse. It never asks the
   database, so it may run in a thread beside the rest.
3. The passages are embedded (`search.operations.prepare_passages`), those of several documents
   together.
4. `store_sources`: what is nearly the same is recognised; then passages, vectors and the ends of
   the jobs are one transaction. So nothing half-read is ever found, and an earlier version is
   found until then.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from numpy.typing import NDArray

from genmodels.embedding import Embedder
from webapp.common.storage import BlobMissing, blob_path, store_bytes
from webapp.jobs import operations as jobs
from webapp.jobs.models import JobState
from webapp.jobs.operations import ClaimedJob, FinishedJob
from webapp.knowledge.editing import KeptPassage, carve, kept_passages
from webapp.knowledge.fetching import fetch_document
from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.models import Source, SourceVersion
from webapp.knowledge.operations import title_of_address
from webapp.knowledge.reader import read_document
from webapp.knowledge.resemblance import (
    ComparedSource,
    Prints,
    mark_repeats,
    store_repeats,
    store_resemblances,
    take_prints,
)
from webapp.search.models import Passage
from webapp.search.operations import EmbeddedPassages, passages_of_source, store_passages
from webapp.search.segments import cut_into_segments


class UnableToStoreTogether(Exception):
    """One of these jobs was canceled or lost meanwhile: store each document by itself."""


@dataclass(frozen=True)
class ClaimedSource:
    """A document to be read under a claimed job, and what its owner did to its passages."""

    source: Source
    version: SourceVersion
    fence: int
    kept: Sequence[KeptPassage]
    must_fetch: bool


@dataclass(frozen=True)
class ReadSource:
    """What was read of a document; its passages are neither embedded nor stored yet."""

    claimed: ClaimedSource
    passages: Sequence[Passage]
    prints: Prints
    title: str
    text_sha256: str
    num_characters: int
    num_pages: int | None


def find_claimed(claimed: Sequence[ClaimedJob]) -> dict[uuid.UUID, ClaimedSource]:
    """The documents of claimed jobs, by job, but for those that are read under a later one."""
    fences = {job.id: job.fence for job in claimed}
    versions = SourceVersion.objects.filter(job__in=fences, source__job=F("job"))
    return {
        version.job_id: ClaimedSource(
            source=version.source,
            version=version,
            fence=fences[version.job_id],
            kept=() if version.source.version is None else kept_passages(version.source),
            must_fetch=not version.sha256,
        )
        for version in versions.select_related("source__owner", "source__job")
    }


def read_source(claimed: ClaimedSource, *, look: Callable[[str], None]) -> ReadSource | None:
    """Read the version of a claimed document; None where what was fetched is found already.

    `look` is called with the stage now and then and may raise to stop it. Raises
    UnableToReadDocument with the reason for the owner.
    """
    source, version = claimed.source, claimed.version
    if claimed.must_fetch:
        look("fetching")
        _fetch(source, version)
        if source.version is not None and version.sha256 == source.sha256:
            return None
    path = blob_path(version.sha256)
    if not path.exists():
        raise BlobMissing(version.sha256)
    look("reading")
    read = read_document(path=path, media_type=version.media_type, look=lambda: look("reading"))
    segments = cut_into_segments(
        read.text,
        headings=read.headings,
        page_starts=read.page_starts,
        pages_join=read.pages_join,
    )
    if not segments:
        raise UnableToReadDocument("empty", "It holds no text beside its headings.")
    carved = carve(read.text, segments, claimed.kept)
    passages = passages_of_source(
        owner=source.owner, source_id=source.id, segments=[segment for segment, _ in carved]
    )
    for passage, (_, kept) in zip(passages, carved, strict=True):
        if kept is not None:
            passage.is_edited, passage.is_excluded = kept.is_edited, kept.is_excluded
    return ReadSource(
        claimed=claimed,
        passages=passages,
        prints=take_prints(text=read.text, passages=passages),
        title=read.title,
        text_sha256=store_bytes(read.text.encode()),
        num_characters=len(read.text),
        num_pages=len(read.page_starts) or None,
    )


def _fetch(source: Source, version: SourceVersion) -> None:
    fetched = fetch_document(source.url)
    version.sha256 = store_bytes(fetched.content)
    version.size = len(fetched.content)
    version.media_type = fetched.media_type
    version.file_name = fetched.file_name


def store_fetched(claimed: ClaimedSource) -> None:
    """Keep what `read_source` fetched, whether or not it could be read."""
    if claimed.must_fetch and claimed.version.sha256:
        claimed.version.save(update_fields=["sha256", "size", "media_type", "file_name"])


def end_unchanged(claimed: ClaimedSource) -> JobState | None:
    """End the job of a version whose bytes can be found already, and forget the version."""
    with transaction.atomic():
        state = jobs.finish_job(job_id=claimed.version.job_id, fence=claimed.fence)
        if state == JobState.SUCCEEDED:
            Source.objects.filter(id=claimed.source.id).update(fetched_at=Now())
            SourceVersion.objects.filter(id=claimed.version.id).delete()
    return state


def store_sources(
    read: Sequence[ReadSource],
    *,
    vectors: Mapping[uuid.UUID, NDArray[np.float32]],
    embedder: Embedder,
) -> JobState | None:
    """Store documents that were read, and end their jobs: all of them or none.

    Returns how they ended; None when the lease of a single one was lost. Of several, each must
    succeed, or UnableToStoreTogether is raised and nothing has happened.
    """
    compared = [ComparedSource(each.claimed.source, each.passages, each.prints) for each in read]
    repeats = mark_repeats(compared)
    with transaction.atomic():
        # Documents before jobs, as whoever brings another version does.
        locked = Source.objects.select_for_update(no_key=True).order_by("id")
        rows = locked.filter(id__in=[each.claimed.source.id for each in read])
        versions = dict(rows.values_list("id", "version"))
        ends = jobs.finish_jobs(
            [FinishedJob(each.claimed.version.job_id, each.claimed.fence) for each in read]
        )
        if len(ends) < len(read) or set(ends.values()) != {JobState.SUCCEEDED}:
            if len(read) > 1:
                raise UnableToStoreTogether
            return next(iter(ends.values()), None)
        earlier = [source_id for source_id, version in versions.items() if version is not None]
        if earlier:
            Passage.objects.filter(source__in=earlier).delete()
        passages = [passage for each in read for passage in each.passages]
        store_passages(prepared=EmbeddedPassages(passages, vectors, embedder))
        _describe(read)
        store_repeats(repeats=repeats)
        store_resemblances({each.claimed.source.id: each.prints for each in read}, earlier=earlier)
    return JobState.SUCCEEDED


# What is said of a document is that of the version that can be found from now on.
_DESCRIBE = """
WITH indexed AS (
  UPDATE knowledge_sourceversion v SET indexed_at = statement_timestamp(),
    text_sha256 = given.text_sha256, num_characters = given.num_characters,
    num_pages = given.num_pages, num_passages = given.num_passages
  FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::int[], %s::int[])
    AS given (id, text_sha256, num_characters, num_pages, num_passages)
  WHERE v.id = given.id RETURNING v.*)
UPDATE knowledge_source s SET version = i.number, sha256 = i.sha256, size = i.size,
  media_type = i.media_type, file_name = i.file_name, text_sha256 = i.text_sha256,
  num_characters = i.num_characters, num_pages = i.num_pages, num_passages = i.num_passages
FROM indexed i WHERE s.id = i.source_id
"""


def _describe(read: Sequence[ReadSource]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _DESCRIBE,
            [
                [each.claimed.version.id for each in read],
                [each.text_sha256 for each in read],
                [each.num_characters for each in read],
                [each.num_pages for each in read],
                [len(each.passages) for each in read],
            ],
        )
    for each in read:
        source = each.claimed.source
        if source.url:
            Source.objects.filter(id=source.id).update(fetched_at=Now())
            # A document that was brought by its address says itself what it is called.
            if each.title:
                unnamed = Source.objects.filter(id=source.id, title=title_of_address(source.url))
                unnamed.update(title=each.title)
