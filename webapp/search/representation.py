"""Search results as the REST interface shows them."""

from __future__ import annotations

from typing import Any

from webapp.search.results import SearchHit, SearchPage


def describe_hit(hit: SearchHit) -> dict[str, Any]:
    """One hit with the parts of its score; scores compare within one answer only."""
    if hit.generation_id is not None:
        origin = {"type": "generation", "id": str(hit.generation_id)}
        link = f"/api/v1/generations/{hit.generation_id}"
    else:
        origin = {"type": "document", "id": str(hit.source_id)}
        link = f"/api/v1/documents/{hit.source_id}"
    return {
        "id": str(hit.passage_id),
        "kind": hit.kind,
        "origin": {**origin, "title": hit.title[:300], "link": link},
        "model": hit.model,
        "family": hit.family,
        "heading": hit.heading,
        "text": hit.text,
        "ordinal": hit.ordinal,
        "start": hit.start,
        "end": hit.end,
        "page": hit.page,
        "language": hit.language,
        "created_at": hit.created_at,
        "score": round(hit.score, 6),
        "score_parts": {
            "keyword": round(hit.keyword, 6),
            "keyword_share": round(hit.keyword_share, 6),
            "similarity": round(hit.similarity, 6),
            "similarity_share": round(hit.similarity_share, 6),
        },
        "repeats": hit.num_repeats,
    }


def describe_page(page: SearchPage, *, next_cursor: str | None) -> dict[str, Any]:
    """The list document of a search."""
    return {
        "data": [describe_hit(hit) for hit in page.hits],
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
        "total": page.total,
        "mode": page.mode,
        "space": page.space,
        "facets": page.facets,
        "also_searched": page.also_searched,
        "took_ms": round(page.took_ms, 2),
    }
