"""Reads of usage: how many generations there were, how long they took, and how they were liked."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from webapp import queueing
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.common.templatetags.frame import FAMILY_NAMES
from webapp.generations.operations import JOB_KIND
from webapp.insights.figures import (
    OUTCOMES,
    Failure,
    Figures,
    Person,
    Spread,
    Usage,
    Volume,
    busiest,
)
from webapp.insights.requests import Group, UsageRequest
from webapp.insights.statement import (
    scores_statement,
    totals_statement,
    usage_statement,
    volumes_statement,
)

#: As many people are listed as one looks at.
_MOST_PEOPLE = 10
#: Of more jobs than this, waiting and running times are taken from one in four.
_MOST_MEASURED = 200_000
_FAMILY_OF_QUEUE = {queueing.family_queue(family): family for family in FAMILY_NAMES}


class UnableToSeeUsage(Exception):
    """The usage of somebody else was asked for by one who sees only their own."""


#: More people than this are not offered as a filter; their number in the address still is one.
_MOST_OFFERED = 500


def list_people(*, user: User) -> list[tuple[int, str]]:
    """Number and name of everybody whose usage alone the user may look at; empty for authors."""
    if not user.sees_everything:
        return []
    rows = User.objects.order_by("username").values_list("id", "username")
    return list(rows[:_MOST_OFFERED])


def read_usage(*, user: User, request: UsageRequest, now: dt.datetime) -> Usage:
    """Count what was asked for, in at most five queries however much there is.

    Authors see their own usage only. Raises UnableToSeeUsage where they ask for another's.
    """
    owner_id = request.owner_id
    if not user.sees_everything:
        if owner_id not in {None, user.pk}:
            raise UnableToSeeUsage(str(owner_id))
        owner_id = user.pk
    before = request.calendar.before(now)
    job_values, result_values = _filters_of(request, owner_id)
    table = _Table()
    table.read_usage(
        _fetch(
            usage_statement(
                by=request.by,
                filters=frozenset(job_values),
                with_people=user.sees_everything,
            ),
            {**job_values, **_times(request), "most_people": _MOST_PEOPLE},
        ),
        by=request.by,
    )
    table.read_before(
        _fetch(
            totals_statement(frozenset(job_values)),
            {**job_values, "start": before.start, "end": before.end},
        )
    )
    table.read_scores(
        _fetch(
            scores_statement(by=request.by, filters=frozenset(result_values)),
            {**result_values, **_times(request), "before": before.start},
        )
    )
    volumes = _fetch(
        volumes_statement(by=request.by, filters=frozenset(result_values)),
        {**result_values, **_times(request)},
    )
    return table.as_usage(request, volumes, with_people=user.sees_everything)


def _filters_of(
    request: UsageRequest, owner_id: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The filters that are asked for, by name, as rows of jobs and as those of results have it."""
    shared: dict[str, Any] = {}
    if owner_id is not None:
        shared["owner"] = owner_id
    if request.models:
        shared["models"] = list(request.models)
    if not request.families:
        return shared, shared
    queues = [queueing.family_queue(family) for family in request.families]
    return {**shared, "queues": queues}, {**shared, "families": list(request.families)}


def _times(request: UsageRequest) -> dict[str, Any]:
    calendar = request.calendar
    return {
        "starts": [bucket.start for bucket in calendar.buckets],
        "start": calendar.whole.start,
        "end": calendar.whole.end,
    }


def _fetch(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"kind": JOB_KIND, "most_measured": _MOST_MEASURED, **values})
        return list(cursor.fetchall())


@dataclass
class _Tally:
    """Figures while they are added up."""

    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    compute_seconds: float = 0.0
    waited: Spread | None = None
    ran: Spread | None = None
    sum_of_scores: float = 0.0
    num_scores: int = 0

    def as_figures(self) -> Figures:
        return Figures(
            counts=dict(self.counts),
            compute_seconds=self.compute_seconds,
            waited=self.waited,
            ran=self.ran,
            mean_score=self.sum_of_scores / self.num_scores if self.num_scores else None,
            num_scores=self.num_scores,
        )


#: The place of a tally: a bucket, from 0, and a series; None for all of them.
_Place = tuple[int | None, str | None]


class _Table:
    """Rows of the statements, added up for each bucket, each series and the whole."""

    def __init__(self) -> None:
        self._tallies: defaultdict[_Place, _Tally] = defaultdict(_Tally)
        self._before = _Tally()
        self._num_people = self._num_people_before = 0
        self._failures: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._people: defaultdict[int, _PersonTally] = defaultdict(_PersonTally)

    def read_usage(self, rows: Iterable[tuple[Any, ...]], *, by: Group) -> None:
        for what, bucket, raw_series, detail, owner_id, count, seconds, waited, ran in rows:
            series = _FAMILY_OF_QUEUE.get(raw_series, raw_series) if by == "family" else raw_series
            place = None if bucket is None else bucket - 1
            match what:
                case "count":
                    for tally in self._around(place, series):
                        tally.counts[detail] += count
                        tally.compute_seconds += seconds
                case "spread":
                    self._tallies[place, series].waited = _spread(waited)
                    self._tallies[place, series].ran = _spread(ran)
                case "failure":
                    self._failures[detail][series] = count
                case "people":
                    self._num_people = count
                case "person":
                    self._people[owner_id].counts[series] = count
                    self._people[owner_id].compute_seconds += seconds

    def read_before(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for what, state, count, seconds, waited, ran in rows:
            match what:
                case "count":
                    self._before.counts[state] = count
                    self._before.compute_seconds += seconds
                case "all":
                    self._num_people_before = count
                    self._before.waited, self._before.ran = _spread(waited), _spread(ran)

    def read_scores(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for bucket, series, sum_of_scores, num_scores in rows:
            tallies = self._around(bucket - 1, series) if bucket else [self._before]
            for tally in tallies:
                tally.sum_of_scores += sum_of_scores
                tally.num_scores += num_scores

    def as_usage(
        self, request: UsageRequest, volumes: Sequence[tuple[Any, ...]], *, with_people: bool
    ) -> Usage:
        figures = {place: tally.as_figures() for place, tally in self._tallies.items()}
        by_series = {
            series: each
            for (place, series), each in figures.items()
            if place is None and series is not None
        }
        num_buckets = len(request.calendar.buckets)
        return Usage(
            request=request,
            total=figures.get((None, None), Figures()),
            before=self._before.as_figures(),
            num_people=self._num_people,
            num_people_before=self._num_people_before,
            series=_in_order(by_series, request.by),
            by_series=by_series,
            volumes={
                series: Volume(size or 0, tokens or 0, passes or 0)
                for series, size, tokens, passes in volumes
            },
            by_bucket=tuple(figures.get((place, None), Figures()) for place in range(num_buckets)),
            cells={
                (place, series): each
                for (place, series), each in figures.items()
                if place is not None and series is not None
            },
            failures=tuple(
                sorted(
                    (Failure(code, counts) for code, counts in self._failures.items()),
                    key=lambda failure: (-failure.total, failure.code),
                )
            ),
            people=self._list_people() if with_people else None,
        )

    def _around(self, place: int | None, series: str) -> list[_Tally]:
        """The tally of a cell, of its row, of its column and of everything."""
        places = ((place, series), (place, None), (None, series), (None, None))
        return [self._tallies[each] for each in places]

    def _list_people(self) -> tuple[Person, ...]:
        names = dict(User.objects.filter(id__in=self._people).values_list("id", "username"))
        people = [
            Person(number, names.get(number, ""), tally.compute_seconds, tally.counts)
            for number, tally in self._people.items()
        ]
        return tuple(sorted(people, key=lambda person: (-person.total, person.id)))


@dataclass
class _PersonTally:
    """What one person asked for, while it is added up."""

    compute_seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def _spread(measured: Sequence[float] | None) -> Spread | None:
    return None if measured is None else Spread(*measured)


def _in_order(by_series: Mapping[str, Figures], by: Group) -> tuple[str, ...]:
    if by == "outcome":
        return tuple(outcome for outcome in OUTCOMES if outcome in by_series)
    return tuple(busiest({series: each.total for series, each in by_series.items()}))


def names_of_models() -> dict[str, str]:
    """The names of all models by their slugs, of those that are switched off too."""
    return dict(Checkpoint.objects.order_by("name").values_list("slug", "name"))
