"""Brings many documents into a site at once, past the queue: for measurements only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.beir import Collection
from genmodels.embedding import Embedder

if TYPE_CHECKING:
    from webapp.search.segments import Segment

_BATCH = 500


def make_author(name: str) -> Any:
    """A new author."""
    from webapp.accounts.models import Role
    from webapp.accounts.operations import create_user

    return create_user(username=name, password=uuid.uuid4().hex, roles=frozenset({Role.AUTHOR}))


def make_sources(owner: Any, titles: list[str]) -> list[Any]:
    """Documents whose files nobody reads, for passages to belong to."""
    from django.db import transaction

    from webapp.common.ids import uuid7
    from webapp.jobs.operations import NewJob, submit_jobs
    from webapp.knowledge.models import Source

    wanted = [
        NewJob(uuid7(), kind="ingestion", queue="bench", attempt_seconds=60, limited=False)
        for _ in titles
    ]
    with transaction.atomic():
        jobs = submit_jobs(owner=owner, jobs=wanted)
        sources = [
            Source(
                owner=owner,
                job=job,
                title=title[:300] or "Untitled",
                media_type="text/plain",
                sha256=uuid.uuid4().hex * 2,
                size=1,
            )
            for job, title in zip(jobs, titles, strict=True)
        ]
        return Source.objects.bulk_create(sources)


def store_segments(source: Any, segments: Sequence[Segment], *, embedder: Embedder) -> None:
    """Give a source these passages."""
    from webapp.search.operations import passages_of_source, prepare_passages, store_passages

    passages = passages_of_source(owner=source.owner, source_id=source.id, segments=segments)
    store_passages(prepared=prepare_passages(passages=passages, embedder=embedder))


def load_documents(
    collection: Collection, *, embedder: Embedder
) -> tuple[Any, dict[uuid.UUID, str]]:
    """Bring a collection as a new author's documents; returns the author, and names by id."""
    from django.db import transaction

    from webapp.search.operations import (
        passages_of_source,
        prepare_passages,
        store_passages,
    )
    from webapp.search.segments import cut_into_segments
    from webapp.search.term_counting import refresh_outdated_statistics

    owner = make_author(f"reader-{uuid.uuid4().hex[:8]}")
    names: dict[uuid.UUID, str] = {}
    keys = list(collection.documents)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        documents = [collection.documents[key] for key in batch]
        sources = make_sources(owner, [document.title for document in documents])
        passages = []
        for key, source, document in zip(batch, sources, documents, strict=True):
            names[source.id] = key
            segments = [
                replace(segment, heading=document.title)
                for segment in cut_into_segments(document.text or document.title)
            ]
            passages += passages_of_source(owner=owner, source_id=source.id, segments=segments)
        prepared = prepare_passages(passages=passages, embedder=embedder)
        with transaction.atomic():
            store_passages(prepared=prepared)
    refresh_outdated_statistics()
    return owner, names
