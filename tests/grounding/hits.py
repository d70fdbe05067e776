"""Passages found, without a database to find them in."""

from __future__ import annotations

import datetime
import uuid

from webapp.search.results import SearchHit


def make_hit(text: str, *, title: str = "Notes", heading: str = "") -> SearchHit:
    """A passage of some document."""
    return SearchHit(
        passage_id=uuid.uuid4(),
        kind="document",
        generation_id=None,
        source_id=uuid.uuid4(),
        ordinal=0,
        heading=heading,
        text=text,
        start=0,
        end=len(text),
        page=None,
        language="en",
        owner_id=1,
        title=title,
        family=None,
        model=None,
        created_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        score=1.0,
        keyword=1.0,
        similarity=0.5,
        keyword_share=1.0,
        num_repeats=0,
        similarity_share=1.0,
    )
