"""Lists with an opaque cursor: `{data, next_cursor, has_more}`, newest first."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from genmodels.contract import Fault
from webapp.common.problems import Problem, invalid

Row = TypeVar("Row", bound=Model)
MAX_LIMIT = 200
DEFAULT_LIMIT = 50


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is asked for: at most `limit` rows older than the row `after`."""

    limit: int = DEFAULT_LIMIT
    after: uuid.UUID | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One part of a list."""

    rows: list[Row]
    next_cursor: str | None

    def to_dict(self, data: list[Any]) -> dict[str, Any]:
        """The list document around already rendered rows."""
        return {
            "data": data,
            "next_cursor": self.next_cursor,
            "has_more": self.next_cursor is not None,
        }


def encode_cursor(row_id: uuid.UUID) -> str:
    """An opaque text for `after`; UUIDv7 sorts by time, so the id alone is enough."""
    return base64.urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def parse_page(query: Mapping[str, str], *, filters: Collection[str] = ()) -> PageRequest:
    """Read `limit` and `cursor`, refuse the unknown; raises a 422 Problem with all faults."""
    faults = [
        Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
        for name in query
        if name not in {"limit", "cursor", *filters}
    ]
    limit, after = DEFAULT_LIMIT, None
    raw_limit = query.get("limit")
    if raw_limit is not None:
        if raw_limit.isascii() and raw_limit.isdigit() and 1 <= int(raw_limit[:6]) <= MAX_LIMIT:
            limit = int(raw_limit)
        else:
            faults.append(Fault("?limit", "out_of_range", f"must be between 1 and {MAX_LIMIT}"))
    raw_cursor = query.get("cursor")
    if raw_cursor:
        try:
            after = uuid.UUID(
                bytes=base64.urlsafe_b64decode(raw_cursor + "=" * (-len(raw_cursor) % 4))
            )
        except (ValueError, binascii.Error):
            faults.append(Fault("?cursor", "invalid", "is not a cursor of this list"))
    if faults:
        raise invalid(faults)
    return PageRequest(limit=limit, after=after)


def page_of(request: HttpRequest, *, size: int) -> PageRequest:
    """The part of a list that a page of the site shows; raises Http404 for a garbled cursor."""
    try:
        return parse_page({"cursor": request.GET.get("cursor", ""), "limit": str(size)})
    except Problem as error:
        raise Http404 from error


def paginate(rows: QuerySet[Row], page: PageRequest) -> Page[Row]:
    """One query: newest first by UUIDv7 primary key, `limit` rows and a peek at the next."""
    if page.after is not None:
        rows = rows.filter(pk__lt=page.after)
    found = list(rows.order_by("-pk")[: page.limit + 1])
    more = len(found) > page.limit
    found = found[: page.limit]
    return Page(rows=found, next_cursor=encode_cursor(found[-1].pk) if more else None)
