"""Documents and their passages as the REST interface shows them."""

from __future__ import annotations

from typing import Any

from webapp.jobs.models import JobState
from webapp.knowledge.models import Source, SourceVersion
from webapp.search.models import Passage


def describe_source(source: Source) -> dict[str, Any]:
    """A document with the state of its reading; `job` and `owner` must have been read with it."""
    job = source.job
    reason = None
    if job.error_code and job.state != JobState.SUCCEEDED:
        reason = {"code": job.error_code, "detail": job.error_detail}
    link = f"/api/v1/documents/{source.id}"
    return {
        "id": str(source.id),
        "status": source.status,
        "terminal": job.terminal,
        "status_seq": job.status_seq,
        "status_reason": reason,
        "progress": job.progress or None,
        "title": source.title,
        "file_name": source.file_name,
        "url": source.url or None,
        "fetched_at": source.fetched_at,
        "version": source.version,
        "media_type": source.media_type,
        "size": source.size,
        "sha256": source.sha256,
        "num_characters": source.num_characters,
        "num_pages": source.num_pages,
        "page_is": source.position_word,
        "num_passages": source.num_passages,
        "nearly_same_as": [
            {"id": str(each.other_id), "title": each.other.title, "percent": each.percent}
            for each in source.alike
        ],
        "owner": source.owner.get_username(),
        "created_at": source.created_at,
        "trashed_at": source.trashed_at,
        "links": {
            "self": link,
            "chunks": f"{link}/chunks",
            "versions": f"{link}/versions",
        },
    }


def describe_version(source: Source, version: SourceVersion) -> dict[str, Any]:
    """A version of a document; `job` must have been read with it."""
    job = version.job
    failed = job.error_code and job.state != JobState.SUCCEEDED
    return {
        "number": version.number,
        "status": version.status,
        "status_reason": {"code": job.error_code, "detail": job.error_detail} if failed else None,
        "is_current": version.number == source.version,
        "file_name": version.file_name,
        "media_type": version.media_type,
        "size": version.size,
        "sha256": version.sha256,
        "num_characters": version.num_characters,
        "num_pages": version.num_pages,
        "num_passages": version.num_passages,
        "created_at": version.created_at,
        "indexed_at": version.indexed_at,
    }


def describe_passage(passage: Passage) -> dict[str, Any]:
    """A piece of a document; `start` and `end` count characters of the text read from it."""
    return {
        "id": str(passage.id),
        "ordinal": passage.ordinal,
        "heading": passage.heading,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "language": passage.language,
        "repeat_group": str(passage.repeat_group) if passage.repeat_group else None,
        "is_excluded": passage.is_excluded,
        "is_edited": passage.is_edited,
    }
