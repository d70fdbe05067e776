"""What the Library is asked for: its filters as they stand in the address, read once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from genmodels.contract import FAMILIES
from webapp.generations.queries import GenerationFilter
from webapp.jobs.models import JobState

#: Longer questions are cut for the search, and the page says so.
MAX_QUERY_LENGTH = 2000

KINDS = {"image": "Pictures", "text": "Texts", "document": "Documents"}

#: Scores by which the Library is narrowed, in whole stars.
STARS = {
    "5": "5 stars",
    "4": "4 stars or more",
    "3": "3 stars or more",
    "2": "2 stars or more",
    "1": "Any score",
}

STATUSES: dict[str, tuple[str, tuple[JobState, ...]]] = {
    "done": ("Done", (JobState.SUCCEEDED,)),
    "active": ("Queued or running", (JobState.QUEUED, JobState.RUNNING)),
    "failed": ("Failed", (JobState.FAILED, JobState.EXPIRED)),
    "canceled": ("Canceled", (JobState.CANCELED,)),
}


@dataclass(frozen=True)
class LibraryRequest:
    """The address of a view of the Library, in types; `faults` name what was not understood."""

    query: str
    query_was_cut: bool
    kind: str
    family: str
    model: str
    status: str
    tag: str
    collection: str
    score: str
    day_from: str
    day_to: str
    created_from: dt.datetime | None
    created_to: dt.datetime | None
    trashed: bool
    cursor: str
    offset: int
    faults: tuple[str, ...]

    @property
    def searching(self) -> bool:
        """Whether there is anything to search for; without it the newest come first."""
        return bool(self.query) and not self.trashed

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set beside the words."""
        fields = (
            self.kind,
            self.family,
            self.model,
            self.status,
            self.tag,
            self.collection,
            self.score,
        )
        return any(fields) or bool(self.created_from or self.created_to)

    @property
    def collection_id(self) -> uuid.UUID | None:
        """The collection that is kept to."""
        return uuid.UUID(self.collection) if self.collection else None

    @property
    def min_score(self) -> float | None:
        """From where on a mean is rounded to as many stars as are asked for."""
        return int(self.score) - 0.5 if self.score else None

    def as_filter(self, *, models_of_kind: tuple[str, ...]) -> GenerationFilter:
        """The filter of a plain list; a kind is the set of models that make it."""
        models = (self.model,) if self.model else models_of_kind
        return GenerationFilter(
            statuses=STATUSES[self.status][1] if self.status else (),
            models=models,
            families=(self.family,) if self.family else (),
            tags=(self.tag,) if self.tag else (),
            collection_id=self.collection_id,
            min_score=self.min_score,
            created_from=self.created_from,
            created_to=self.created_to,
            trashed=self.trashed,
        )


def read_library_request(
    fields: Mapping[str, str], *, collections: Mapping[str, str]
) -> LibraryRequest:
    """Read the address; what is not understood is left out and named in `faults`.

    `collections` are those that the reader may keep to: names by id.
    """
    faults: list[str] = []

    def choice(name: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
        value = fields.get(name, "")
        if value and value not in allowed:
            faults.append(f"There is no {name} “{value[:40]}”; it is left out.")
            return ""
        return value

    def day(name: str) -> tuple[str, dt.date | None]:
        raw = fields.get(name, "")
        try:
            return (raw, dt.date.fromisoformat(raw)) if raw else ("", None)
        except ValueError:
            faults.append(f"“{raw[:40]}” is not a date; it is left out.")
            return "", None

    query = " ".join(fields.get("q", "").replace("\x00", " ").split())
    raw_offset = fields.get("offset", "")
    day_from, first = day("from")
    day_to, last = day("to")
    return LibraryRequest(
        query=query[:MAX_QUERY_LENGTH],
        query_was_cut=len(query) > MAX_QUERY_LENGTH,
        kind=choice("kind", KINDS),
        family=choice("family", FAMILIES),
        model=fields.get("model", "").replace("\x00", ""),
        status=choice("status", STATUSES),
        tag=fields.get("tag", "").strip().replace("\x00", ""),
        collection=choice("collection", collections),
        score=choice("score", STARS),
        day_from=day_from,
        day_to=day_to,
        created_from=_midnight(first) if first else None,
        # The last day counts whole.
        created_to=_midnight(last + dt.timedelta(days=1)) if last and last < dt.date.max else None,
        trashed=fields.get("trash") == "1",
        cursor=fields.get("cursor", ""),
        offset=int(raw_offset[:6]) if raw_offset.isascii() and raw_offset.isdigit() else 0,
        faults=tuple(faults),
    )


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=timezone.get_current_timezone())
