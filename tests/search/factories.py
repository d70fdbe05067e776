"""Makers of things to be found."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from genmodels.embedding import Embedder, HashingEmbedder
from tests.factories import make_generation
from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.generations.models import Generation, Response
from webapp.jobs.operations import NewJob, submit_jobs
from webapp.knowledge.models import Source, SourceVersion
from webapp.search.models import Passage
from webapp.search.operations import (
    index_generation,
    passages_of_source,
    prepare_passages,
    store_passages,
)
from webapp.search.segments import Segment

EMBEDDER = HashingEmbedder()
_numbers = itertools.count(1)


def make_answered_generation(*, owner: User, text: str = "", **wish: Any) -> Generation:
    """A generation with a response, not indexed yet."""
    generation = make_generation(owner=owner, **wish)
    Response.objects.create(generation=generation, fence=next(_numbers), text=text)
    return generation


def make_found_generation(*, owner: User, **wish: Any) -> Generation:
    """A generation that can be found."""
    generation = make_answered_generation(owner=owner, **wish)
    index_generation(generation_id=generation.id, embedder=EMBEDDER)
    return generation


def make_source(*, owner: User, title: str = "Notes") -> Source:
    """A source whose file nobody reads."""
    number = next(_numbers)
    [job] = submit_jobs(
        owner=owner,
        jobs=[NewJob(uuid7(), kind="ingestion", queue="documents", attempt_seconds=60)],
    )
    file = {"media_type": "text/plain", "sha256": f"{number:064x}", "size": 1}
    source = Source.objects.create(owner=owner, job=job, title=title, version=1, **file)
    SourceVersion.objects.create(source=source, number=1, job=job, **file)
    return source


def make_found_source(*, owner: User, texts: Sequence[str], title: str = "Notes") -> Source:
    """A source with one passage per text."""
    source = make_source(owner=owner, title=title)
    segments = [Segment(text, 0, max(1, len(text))) for text in texts]
    store_segments(source, segments)
    return source


def store_segments(
    source: Source, segments: Sequence[Segment], *, embedder: Embedder = EMBEDDER
) -> None:
    """Give a source these passages, in the place of any others."""
    Passage.objects.filter(source=source).delete()
    passages = passages_of_source(owner=source.owner, source_id=source.id, segments=segments)
    store_passages(prepared=prepare_passages(passages=passages, embedder=embedder))


def passages_of(source: Source) -> list[Passage]:
    """In the order of the text."""
    return list(Passage.objects.filter(source=source).order_by("ordinal"))
