"""Answers as the REST interface shows them."""

from __future__ import annotations

from typing import Any

from webapp.grounding.models import Answer, Citation
from webapp.grounding.queries import ReadAnswer
from webapp.knowledge.queries import find_quote


def describe_answer(answer: Answer, read: ReadAnswer) -> dict[str, Any]:
    """An answer with its words; without any, `text` is null and `found` false."""
    return {
        **describe_question(answer),
        "found": bool(read.text) if answer.terminal else None,
        "text": read.text or None,
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(dict.fromkeys(each.number for each in sentence.citations)),
            }
            for sentence in read.sentences
        ],
        "unsupported": list(read.unsupported),
        "citations": [describe_citation(citation) for citation in read.citations],
    }


def describe_question(answer: Answer) -> dict[str, Any]:
    """An answer as a list shows it, without its words."""
    job = answer.job
    has_reason = job is not None and bool(job.error_code)
    return {
        "id": str(answer.id),
        "question": answer.question,
        "searched_for": answer.searched_for or None,
        "answerer": answer.answerer,
        "model": answer.model or None,
        "grounded": answer.grounded,
        "status": answer.status,
        "terminal": answer.terminal,
        "status_reason": (
            {"code": job.error_code, "detail": job.error_detail}
            if job is not None and has_reason
            else None
        ),
        "found": answer.found if answer.terminal else None,
        "confidence": round(answer.confidence, 4),
        "num_passages": answer.num_passages,
        "include_generations": answer.include_generations,
        "space": answer.space,
        "took_ms": round(answer.took_ms, 2),
        "owner": answer.owner.get_username(),
        "created_at": answer.created_at,
        "trashed_at": answer.trashed_at,
        "links": {"self": f"/api/v1/answers/{answer.id}"},
    }


def describe_citation(citation: Citation) -> dict[str, Any]:
    """A quote and where it stands; `start` and `end` count characters of the origin's text."""
    if citation.source is not None:
        origin = {
            "type": "document",
            "id": str(citation.source_id),
            "title": citation.source.title,
            "link": f"/api/v1/documents/{citation.source_id}",
        }
    else:
        assert citation.generation is not None
        origin = {
            "type": "generation",
            "id": str(citation.generation_id),
            "title": citation.generation.prompt[:300],
            "link": f"/api/v1/generations/{citation.generation_id}",
        }
    return {
        "number": citation.number,
        "quote": citation.quote,
        "passage": citation.passage.text if citation.passage is not None else None,
        "origin": origin,
        "earlier_version": _earlier_version(citation),
        "heading": citation.heading,
        "page": citation.page,
        "start": citation.start,
        "end": citation.end,
        "score": round(citation.score, 4),
    }


def _earlier_version(citation: Citation) -> int | None:
    """The version of a document that is quoted, if it is not the one that can be found now."""
    source = citation.source
    if citation.passage is not None or source is None:
        return None
    place = find_quote(source=source, quote=citation.quote, start=citation.start, end=citation.end)
    return None if place is None or place.is_current else place.version
