"""A stretch of time and the hours, days, weeks or months that it is counted by."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Unit = Literal["hour", "day", "week", "month"]
UNITS: tuple[Unit, ...] = ("hour", "day", "week", "month")

_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
#: Longer stretches than these are counted by the next unit, so that a drawing stays readable.
_MOST_BY_HOUR, _MOST_BY_DAY, _MOST_BY_WEEK = 3 * _DAY, 120 * _DAY, 800 * _DAY


@dataclass(frozen=True)
class Period:
    """From `start` up to, not including, `end`; both with a zone."""

    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class Calendar:
    """A period cut at the clock and the calendar of a zone.

    `buckets` lie end to end and fill the period; the first and the last may be cut short.
    """

    whole: Period
    unit: Unit
    zone: dt.tzinfo
    buckets: tuple[Period, ...]

    def before(self, now: dt.datetime) -> Period:
        """As much time right before as has passed of the period: what it is compared with."""
        passed = min(max(now, self.whole.start), self.whole.end) - self.whole.start
        return Period(self.whole.start - passed, self.whole.start)

    @property
    def words(self) -> str:
        """From when to when, in the clock of the zone."""
        pattern = "%Y-%m-%d %H:%M" if self.unit == "hour" else "%Y-%m-%d"
        last = self.whole.end - dt.timedelta(minutes=1)
        edges = (self.whole.start.astimezone(self.zone), last.astimezone(self.zone))
        return " to ".join(edge.strftime(pattern) for edge in edges) + f", {self.zone} time"

    def name_of(self, bucket: Period) -> str:
        """What a bucket is called beside an axis and in a table."""
        local = bucket.start.astimezone(self.zone)
        match self.unit:
            case "hour":
                return f"{local:%H:%M}"
            case "month":
                return f"{local:%b %Y}"
            case _:
                return f"{local.day} {local:%b}"

    def full_name_of(self, bucket: Period) -> str:
        """The same where nothing else tells the day or the year."""
        local = bucket.start.astimezone(self.zone)
        match self.unit:
            case "hour":
                return f"{local:%Y-%m-%d %H:%M}"
            case "week":
                return f"week from {local:%Y-%m-%d}"
            case "month":
                return f"{local:%B %Y}"
            case _:
                return f"{local:%Y-%m-%d}"


def cut(whole: Period, zone: dt.tzinfo) -> Calendar:
    """Cut a period into buckets of the unit that suits its length."""
    unit = _unit_for(whole.end - whole.start)
    edges = [
        whole.start,
        *(edge for edge in _edges(whole, unit, zone) if whole.start < edge < whole.end),
        whole.end,
    ]
    buckets = tuple(Period(start, end) for start, end in itertools.pairwise(edges))
    return Calendar(whole, unit, zone, buckets)


def _unit_for(length: dt.timedelta) -> Unit:
    if length <= _MOST_BY_HOUR:
        return "hour"
    if length <= _MOST_BY_DAY:
        return "day"
    return "week" if length <= _MOST_BY_WEEK else "month"


def _edges(whole: Period, unit: Unit, zone: dt.tzinfo) -> Iterator[dt.datetime]:
    """Where units begin, from before the period to after it.

    Days and longer units begin at midnight of the zone, so one that has a change of the clock in
    it is an hour longer or shorter than others.
    """
    if unit == "hour":
        edge = hour_of(whole.start, zone)
        while edge < whole.end:
            yield edge
            edge += _HOUR
        return
    day = whole.start.astimezone(zone).date()
    if unit == "week":
        day -= day.weekday() * _DAY
    elif unit == "month":
        day = day.replace(day=1)
    while (edge := midnight(day, zone)) < whole.end:
        yield edge
        if unit == "month":
            day = (day + 31 * _DAY).replace(day=1)
        else:
            day += 7 * _DAY if unit == "week" else _DAY


def hour_of(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """The start of the hour of a zone that a moment lies in, in UTC."""
    local = moment.astimezone(zone)
    into = dt.timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return moment.astimezone(dt.UTC) - into


def midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """Where a day of a zone begins, in UTC."""
    return dt.datetime.combine(day, dt.time(), tzinfo=zone).astimezone(dt.UTC)
