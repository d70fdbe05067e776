"""Reads of documents and their passages."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.storage import read_blob
from webapp.knowledge.models import Source
from webapp.search.models import Passage


class UnableToFindSource(Exception):
    """There is no such document, or it is not the user's to see."""


def list_sources(*, user: User, page: PageRequest, trashed: bool = False) -> Page[Source]:
    """The documents that the user may see, newest first."""
    rows = Source.objects.visible_to(user).filter(trashed_at__isnull=not trashed)
    return paginate(rows.select_related("job", "owner"), page)


def get_source(*, user: User, source_id: uuid.UUID) -> Source:
    """One document, trashed or not; raises UnableToFindSource."""
    rows = Source.objects.visible_to(user).select_related("job", "owner")
    try:
        return rows.get(id=source_id)
    except Source.DoesNotExist as error:
        raise UnableToFindSource(str(source_id)) from error


def passages_of(source: Source) -> QuerySet[Passage]:
    """The passages of a document in the order of its text; the caller has checked who reads."""
    return Passage.objects.filter(source=source).defer("terms", "bm25").order_by("ordinal")


def list_passages(*, source: Source, after: int | None, limit: int) -> tuple[list[Passage], bool]:
    """Passages after the ordinal `after`, and whether there are more; the caller has checked."""
    rows = passages_of(source)
    if after is not None:
        rows = rows.filter(ordinal__gt=after)
    found = list(rows[: limit + 1])
    return found[:limit], len(found) > limit


def read_source_text(source: Source) -> str:
    """The whole text that was read from an indexed document, the one that offsets count in."""
    return read_blob(source.text_sha256).decode()
