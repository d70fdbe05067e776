"""Reads of documents, their versions and their passages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from webapp.accounts.models import User
from webapp.collections.models import Collection
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.common.storage import BlobMissing, read_blob
from webapp.knowledge.models import Resemblance, Source, SourceVersion
from webapp.search.models import Passage

#: Documents that a form offers, newest first; all are in the REST interface.
_MOST_OFFERED = 50


#: What the collection is called that brings pages about the site itself.
SAMPLE_NAME = "About Pinakes"


class UnableToFindSource(UnableToFind):
    """There is no such document or version, or it is not the user's to see."""

    what = "document"


@dataclass(frozen=True)
class QuotePlace:
    """Where a quote stands: in which version, and whether that is the one that can be found."""

    version: int
    is_current: bool


def _with_resemblances(rows: QuerySet[Source]) -> QuerySet[Source]:
    """With what each is nearly the same as, the most alike first, as `alike`."""
    kept = (
        Resemblance.objects.filter(other__trashed_at__isnull=True)
        .select_related("other")
        .order_by("-share", "other_id")
    )
    wanted = Prefetch("resemblances", queryset=kept, to_attr="alike")
    # The model says the type of what is filled here, and the plugin would say it again.
    return rows.prefetch_related(wanted)  # type: ignore[no-redef]


def list_sources(*, user: User, page: PageRequest, trashed: bool = False) -> Page[Source]:
    """The documents that the user may see, newest first."""
    rows = Source.objects.visible_to(user).filter(trashed_at__isnull=not trashed)
    return paginate(_with_resemblances(rows.select_related("job", "owner")), page)


def offered_sources(*, user: User) -> QuerySet[Source]:
    """The newest documents that can be searched, as forms offer them."""
    rows = Source.objects.visible_to(user).kept().filter(version__isnull=False)
    return rows.order_by("-id")[:_MOST_OFFERED]


def find_sources(*, user: User, source_ids: Sequence[uuid.UUID]) -> list[Source]:
    """Those of these documents that the user may see and that are kept, by title."""
    rows = Source.objects.visible_to(user).kept().filter(id__in=source_ids)
    return list(rows.order_by("title", "id"))


def find_samples(*, owner: User) -> Collection | None:
    """The sample collection of this user, where it was added and is kept."""
    return Collection.objects.kept().filter(owner=owner, name=SAMPLE_NAME).first()


def get_source(*, user: User, source_id: uuid.UUID) -> Source:
    """One document, trashed or not; raises UnableToFindSource."""
    rows = _with_resemblances(Source.objects.visible_to(user).select_related("job", "owner"))
    try:
        return rows.get(id=source_id)
    except Source.DoesNotExist as error:
        raise UnableToFindSource(str(source_id)) from error


def passages_of(source: Source) -> QuerySet[Passage]:
    """The passages of a document in the order of its text; the caller has checked who reads."""
    return Passage.objects.filter(source=source).defer("terms", "bm25").order_by("ordinal")


def revision_of(source: Source) -> int:
    """How often people have changed a document by now."""
    return Source.objects.values_list("revision", flat=True).get(id=source.id)


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


def list_versions(source: Source) -> list[SourceVersion]:
    """The versions of a document, newest first; the caller has checked who reads."""
    return list(
        SourceVersion.objects.filter(source=source).select_related("job").order_by("-number")
    )


def page_versions(source: Source, page: PageRequest) -> Page[SourceVersion]:
    """A part of its versions, newest first; the caller has checked who reads."""
    return paginate(SourceVersion.objects.filter(source=source).select_related("job"), page)


def get_version(source: Source, number: int) -> SourceVersion:
    """One version; the caller has checked who reads. Raises UnableToFindSource."""
    rows = SourceVersion.objects.filter(source=source).select_related("job")
    try:
        return rows.get(number=number)
    except SourceVersion.DoesNotExist as error:
        raise UnableToFindSource(f"{source.id} {number}") from error


def read_version_text(version: SourceVersion) -> str:
    """The text that was read from an indexed version."""
    return read_blob(version.text_sha256).decode()


def find_quote(*, source: Source, quote: str, start: int, end: int) -> QuotePlace | None:
    """The newest version in whose text these characters are the quote, or None.

    The texts themselves are asked, so the answer is true whatever has happened since: documents
    are replaced, and passages cut anew, under answers that quote them.
    """
    seen: set[str] = set()
    indexed = SourceVersion.objects.filter(source=source, indexed_at__isnull=False)
    for version in indexed.order_by("-number"):
        if version.text_sha256 in seen:
            continue
        seen.add(version.text_sha256)
        try:
            text = read_version_text(version)
        except BlobMissing:
            continue
        if text[start:end] == quote:
            return QuotePlace(version.number, version.text_sha256 == source.text_sha256)
    return None


def passage_with(*, source: Source, start: int, end: int, likely: int | None) -> int | None:
    """The passage that holds these characters of the text, by its ordinal; `likely` if it does.

    Passages are cut and joined, but the place of a quote in the text stays. Where none holds all
    of them, the likely one is still the best guess.
    """
    rows = passages_of(source).filter(start__lte=start, end__gte=end)
    holding = list(rows.values_list("ordinal", flat=True)[:20])
    return likely if likely in holding or not holding else holding[0]
