"""What insights are asked for: the address of the page and of the REST resource, read once."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from django.utils.dateparse import parse_datetime

from genmodels.contract import FAMILIES, Fault
from webapp.insights.periods import Calendar, Period, cut, hour_of, midnight

Group = Literal["family", "model", "outcome"]
GROUPS: tuple[Group, ...] = ("family", "model", "outcome")

#: The spans that need no dates, by the number of days that they hold; today is the last.
SPANS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365}
USUAL_SPAN = "30d"
CUSTOM = "custom"
PARAMETERS = ("span", "from", "to", "zone", "by", "family", "model", "owner")

_LONGEST = dt.timedelta(days=3660)
_DAY = dt.timedelta(days=1)
_PERSON = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class UsageRequest:
    """Which generations are counted, over which time, and what they are told apart by.

    `day_from` and `day_to` are as they were typed, for the form. No families, models or owner
    means all of them.
    """

    span: str
    calendar: Calendar
    by: Group = "family"
    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    owner_id: int | None = None
    day_from: str = ""
    day_to: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether some generations of the time are left out."""
        return bool(self.families or self.models or self.owner_id)

    @property
    def parameters(self) -> dict[str, str]:
        """The request as an address has it, with the zone that it was read in."""
        named = {
            "span": self.span,
            "from": self.day_from,
            "to": self.day_to,
            "zone": str(self.calendar.zone),
            "by": self.by,
            "family": ",".join(self.families),
            "model": ",".join(self.models),
            "owner": str(self.owner_id or ""),
        }
        return {name: value for name, value in named.items() if value}


def read_usage_request(
    fields: Mapping[str, str], *, now: dt.datetime, usual_zone: str = ""
) -> tuple[UsageRequest, list[Fault]]:
    """Read an address; what is not understood is left out and named in the faults."""
    faults = [
        Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
        for name in fields
        if name not in PARAMETERS
    ]
    zone = _read_zone(fields.get("zone", ""), faults) or _read_zone(usual_zone, []) or dt.UTC
    span, whole = _read_span(fields, zone=zone, now=now, faults=faults)
    by = fields.get("by") or "family"
    if by not in GROUPS:
        faults.append(Fault("?by", "invalid", f"must be one of {', '.join(GROUPS)}"))
        by = "family"
    families = _several(fields.get("family", ""))
    if unknown := [family for family in families if family not in FAMILIES]:
        detail = f"{', '.join(unknown)[:80]}: must be one of {', '.join(FAMILIES)}"
        faults.append(Fault("?family", "invalid", detail))
    raw_owner = fields.get("owner", "")
    owner_id = int(raw_owner) if _PERSON.fullmatch(raw_owner) else None
    if raw_owner and owner_id is None:
        faults.append(Fault("?owner", "invalid", "must be the number of a person"))
    return (
        UsageRequest(
            span=span,
            calendar=cut(whole, zone),
            by=cast("Group", by),
            families=tuple(family for family in families if family in FAMILIES),
            models=_several(fields.get("model", "")),
            owner_id=owner_id,
            day_from=fields.get("from", "") if span == CUSTOM else "",
            day_to=fields.get("to", "") if span == CUSTOM else "",
        ),
        faults,
    )


def _read_span(
    fields: Mapping[str, str], *, zone: dt.tzinfo, now: dt.datetime, faults: list[Fault]
) -> tuple[str, Period]:
    """The span's name and its time; with dates and no name it is theirs."""
    dated = [name for name in ("from", "to") if fields.get(name)]
    span = fields.get("span") or (CUSTOM if dated else USUAL_SPAN)
    before = len(faults)
    if span == CUSTOM:
        whole = _read_dates(fields, zone=zone, now=now, faults=faults)
        if whole is not None:
            return CUSTOM, whole
        span = USUAL_SPAN
    elif span not in SPANS:
        detail = f"must be one of {', '.join((*SPANS, CUSTOM))}"
        faults.append(Fault("?span", "invalid", detail))
        span = USUAL_SPAN
    if dated and len(faults) == before:
        faults.append(Fault(f"?{dated[0]}", "invalid", f"goes with span={CUSTOM} only"))
    if span == "24h":
        end = hour_of(now, zone) + dt.timedelta(hours=1)
        return span, Period(end - _DAY, end)
    today = now.astimezone(zone).date()
    first = today - (SPANS[span] - 1) * _DAY
    return span, Period(midnight(first, zone), midnight(today + _DAY, zone))


def _read_dates(
    fields: Mapping[str, str], *, zone: dt.tzinfo, now: dt.datetime, faults: list[Fault]
) -> Period | None:
    """From a day or a time to another, or to now; None with a fault if there is no such time."""
    before = len(faults)
    start = _read_edge("from", fields, faults, lambda day: midnight(day, zone))
    end = _read_edge("to", fields, faults, lambda day: midnight(day + _DAY, zone)) or now
    if start is None and len(faults) == before:
        faults.append(Fault("?from", "required", "say from which day on"))
    if start is None or len(faults) > before:
        return None
    if not start < end:
        faults.append(Fault("?to", "invalid", "must be later than where it begins"))
    elif end - start > _LONGEST:
        faults.append(Fault("?from", "out_of_range", "must be at most ten years earlier"))
    return Period(start, end) if len(faults) == before else None


def _read_edge(
    name: str,
    fields: Mapping[str, str],
    faults: list[Fault],
    place: Callable[[dt.date], dt.datetime],
) -> dt.datetime | None:
    raw = fields.get(name, "")
    if not raw:
        return None
    try:
        return place(dt.date.fromisoformat(raw))
    except (ValueError, OverflowError):
        moment = _read_moment(raw)
    if moment is None:
        detail = "must be a day such as 2026-01-31, or a time with its zone"
        faults.append(Fault(f"?{name}", "invalid", detail))
    return moment


def _read_moment(raw: str) -> dt.datetime | None:
    """A time with its zone that is far enough from the ends of the calendar to be counted from."""
    try:
        moment = parse_datetime(raw)
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None or not 1 < moment.year < 9999:
        return None
    return moment.astimezone(dt.UTC)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _read_zone(name: str, faults: list[Fault]) -> dt.tzinfo | None:
    if not name:
        return None
    if name in _zones():
        return zoneinfo.ZoneInfo(name)
    faults.append(Fault("?zone", "invalid", "must be a zone such as Europe/Vienna"))
    return None


def _several(raw: str) -> tuple[str, ...]:
    return tuple(value for value in raw.replace("\x00", "").split(",") if value)
