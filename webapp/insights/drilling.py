"""From a figure to the generations behind it: addresses of the Library."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from django.urls import reverse

from webapp.insights.periods import Period
from webapp.insights.requests import UsageRequest


def library_address(
    request: UsageRequest,
    *,
    bucket: Period | None = None,
    series: tuple[str, ...] = (),
    status: str = "",
    code: str = "",
    owner_id: int | None = None,
    has_score: bool = False,
) -> str:
    """Where the Library lists exactly the generations that were counted, trash and all.

    `series` are told apart as the request does; several stand for all of them together.
    """
    period = bucket or request.calendar.whole
    fields = {
        "from": _moment(period.start),
        "to": _moment(period.end),
        "family": ",".join(request.families),
        "model": ",".join(request.models),
        "owner": str(owner_id or request.owner_id or ""),
        "status": status,
        "code": code,
        "score": "1" if has_score else "",
        "trash": "any",
    }
    if series:
        name = "status" if request.by == "outcome" else request.by
        fields[name] = ",".join(series)
    return (
        f"{reverse('library')}?{urlencode({name: each for name, each in fields.items() if each})}"
    )


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
