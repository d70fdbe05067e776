"""The address of a search, read once into types, with all its faults."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from genmodels.contract import FAMILIES, Fault
from webapp.common.problems import Problem, invalid
from webapp.generations.models import Provenance, Standing
from webapp.search.queries import MAX_LIMIT, MAX_PLACES
from webapp.search.results import ANY_MODES, LOOK, AnyMode, SearchFilter

MAX_QUERY_LENGTH = 2_000
DEFAULT_LIMIT = 20
PROVENANCES = tuple(Provenance.values)
#: What reviewers decided, and that they did not.
UNDECIDED = "undecided"
STANDINGS = (*Standing.values, UNDECIDED)
#: The lowest and the highest score that people give.
_SCORES = (1, 5)
_DECIMAL = re.compile(r"[0-9](\.[0-9]{1,6})?")

#: What a search is, as it can be saved.
SAVED_PARAMETERS = (
    "q", "mode", "kind", "family", "model", "owner", "tag", "source", "from", "to",
    "provenance", "language", "collection", "min_score", "max_score", "standing", "repeats",
    "exact",
)  # fmt: skip
#: And which part of what it finds is asked for.
SEARCH_PARAMETERS = (*SAVED_PARAMETERS, "facets", "limit", "offset", "cursor")
#: What only a search of texts knows.
_OF_TEXT = ("source", "language", "repeats", "exact", "facets")

#: What a list of similar generations goes by: their prompts, or their pictures.
MEANING = "meaning"
SIMILAR_BY = (MEANING, LOOK)


@dataclass(frozen=True)
class SearchRequest:
    """A search as it was asked for."""

    query: str
    mode: AnyMode
    only: SearchFilter
    limit: int
    offset: int
    with_facets: bool
    with_repeats: bool
    is_exact: bool


def parse_search(fields: Mapping[str, str]) -> SearchRequest:
    """Read the parameters of a search; a comma means or. Raises a 422 Problem with all faults."""
    reader = _Reader(fields)
    reader.refuse_unknown(SEARCH_PARAMETERS)
    query = fields.get("q", "")
    if not query.strip():
        reader.fault("q", "required", "say what to search for")
    if len(query) > MAX_QUERY_LENGTH:
        reader.fault("q", "too_long", f"must have at most {MAX_QUERY_LENGTH} characters")
    mode = fields.get("mode", "hybrid")
    if mode not in ANY_MODES:
        reader.fault("mode", "invalid", f"must be one of {', '.join(ANY_MODES)}")
    if mode == LOOK:
        for name in _OF_TEXT:
            if fields.get(name, "false") not in {"", "false"}:
                reader.fault(
                    name, "not_by_look", "asks for texts; pictures found by look have none"
                )
    # A cursor of this list is the offset it continues at; both spellings are taken.
    offset = reader.number("cursor" if fields.get("cursor") else "offset", 0, 0, MAX_PLACES)
    request = SearchRequest(
        query=query,
        mode=cast("AnyMode", mode),
        only=SearchFilter(
            kinds=reader.names("kind"),
            families=reader.names("family", FAMILIES),
            models=reader.names("model"),
            owner=reader.optional_number("owner"),
            tags=reader.names("tag"),
            provenances=reader.names("provenance", PROVENANCES),
            languages=reader.names("language"),
            created_from=reader.moment("from"),
            created_to=reader.moment("to", whole_day=True),
            source_ids=reader.ids("source"),
            collections=reader.ids("collection"),
            min_score=reader.score("min_score"),
            max_score=reader.score("max_score"),
            standings=as_stored(reader.names("standing", STANDINGS)),
        ),
        limit=reader.number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        offset=offset,
        with_facets=reader.flag("facets"),
        with_repeats=reader.flag("repeats"),
        is_exact=reader.flag("exact"),
    )
    reader.finish()
    return request


def as_stored(standings: Iterable[str]) -> tuple[str, ...]:
    """Standings as rows hold them: undecided ones hold none."""
    return tuple("" if each == UNDECIDED else each for each in standings)


def faults_of(parameters: Mapping[str, str]) -> tuple[Fault, ...]:
    """What a search would refuse in these parameters now; empty if it would run."""
    try:
        parse_search(parameters)
    except Problem as problem:
        return problem.errors
    return ()


def as_query(parameters: Mapping[str, str]) -> str:
    """Parameters as they stand in an address, in an order of their own."""
    return urlencode(sorted(parameters.items()))


def read_moment(raw: str, *, whole_day: bool = False) -> datetime.datetime | None:
    """A time with its zone, or a day of the server's zone: its start, or its end if it counts."""
    try:
        day = datetime.date.fromisoformat(raw)
    except ValueError:
        return _read_time(raw)
    zone = timezone.get_current_timezone()
    if whole_day and day == datetime.date.max:
        return datetime.datetime.combine(day, datetime.time.max, tzinfo=zone)
    first = day + datetime.timedelta(days=whole_day)
    return datetime.datetime.combine(first, datetime.time(), tzinfo=zone)


def _read_time(raw: str) -> datetime.datetime | None:
    try:
        value = parse_datetime(raw)
    except ValueError:
        return None
    return value if value is not None and value.tzinfo is not None else None


@dataclass(frozen=True)
class SimilarRequest:
    """How many similar things are asked for, and by what."""

    limit: int
    by: str


def parse_similar(
    fields: Mapping[str, str], *, allowed: tuple[str, ...] = SIMILAR_BY
) -> SimilarRequest:
    """The parameters of a list of similar things; `allowed` is what it can go by, the usual first.

    Raises a 422 Problem with all faults.
    """
    reader = _Reader(fields)
    reader.refuse_unknown(("limit", "by"))
    limit = reader.number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    by = fields.get("by", allowed[0])
    if by not in allowed:
        reader.fault("by", "invalid", f"must be one of {', '.join(allowed)}")
    reader.finish()
    return SimilarRequest(limit=limit, by=by)


class _Reader:
    """Reads parameters and collects what is wrong with them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self._faults: list[Fault] = []

    def fault(self, name: str, code: str, detail: str) -> None:
        self._faults.append(Fault(f"?{name}", code, detail))

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        for name in self._fields:
            if name not in known:
                self.fault(name, "unknown_parameter", f"there is no parameter {name!r}")

    def names(self, name: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        raw = self._fields.get(name, "").replace("\x00", "")
        values = tuple(value for value in raw.split(",") if value)
        unknown = [value for value in values if allowed and value not in allowed]
        if unknown:
            detail = f"{', '.join(unknown)}: must be one of {', '.join(allowed)}"
            self.fault(name, "invalid", detail)
        return values

    def number(self, name: str, default: int, low: int, high: int) -> int:
        raw = self._fields.get(name)
        if raw is None:
            return default
        if raw.isascii() and raw.isdigit() and low <= int(raw[:9]) <= high:
            return int(raw)
        self.fault(name, "out_of_range", f"must be between {low} and {high}")
        return default

    def score(self, name: str) -> float | None:
        raw = self._fields.get(name)
        if raw is None:
            return None
        if _DECIMAL.fullmatch(raw) and _SCORES[0] <= float(raw) <= _SCORES[1]:
            return float(raw)
        self.fault(name, "out_of_range", f"must be between {_SCORES[0]} and {_SCORES[1]}")
        return None

    def flag(self, name: str) -> bool:
        raw = self._fields.get(name, "false")
        if raw not in {"true", "false"}:
            self.fault(name, "invalid", "must be true or false")
        return raw == "true"

    def optional_number(self, name: str) -> int | None:
        return self.number(name, 0, 1, 2**31 - 1) if name in self._fields else None

    def moment(self, name: str, *, whole_day: bool = False) -> datetime.datetime | None:
        raw = self._fields.get(name)
        if not raw:
            return None
        value = read_moment(raw, whole_day=whole_day)
        if value is None:
            detail = "must be a day, or a time with its zone, such as 2026-01-31T12:00:00Z"
            self.fault(name, "invalid", detail)
        return value

    def ids(self, name: str) -> tuple[uuid.UUID, ...]:
        found = []
        for raw in self.names(name):
            try:
                found.append(uuid.UUID(raw))
            except ValueError:
                self.fault(name, "invalid", "must be ids separated by commas")
        return tuple(found)

    def finish(self) -> None:
        if self._faults:
            raise invalid(self._faults)
