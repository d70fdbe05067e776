"""The page of insights: figures, drawings and tables of usage, each leading to what is behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_GET

from genmodels.contract import FAMILIES
from webapp.generations.pages import signed_in_user
from webapp.insights.charts import Cell, draw_figures
from webapp.insights.drilling import library_address
from webapp.insights.figures import Figures, Spread, Usage, busiest
from webapp.insights.queries import UnableToSeeUsage, list_people, names_of_models, read_usage
from webapp.insights.requests import CUSTOM, read_usage_request
from webapp.insights.wording import count, duration, percent, series_name, stars

#: The reader's own zone, which a script of the site leaves for the server.
_ZONE_COOKIE = "pinakes_zone"

_SPAN_WORDS = {
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "1y": "A year",
    CUSTOM: "From a day to another",
}
_GROUP_WORDS = {"family": "Family", "model": "Model", "outcome": "How they ended"}


#: The columns of the table of series, after its name.
_COLUMNS = (
    "All", "Done", "Failed", "Canceled", "Success", "Waiting, p50 / p95", "Running, p50 / p95",
    "Computing", "Score", "Scores", "Tokens", "Passes", "Stored",
)  # fmt: skip


@dataclass(frozen=True)
class Headline:
    """A figure of the whole span, and the same of as much time before."""

    label: str
    value: str
    note: str
    before: str


@dataclass(frozen=True)
class SeriesRow:
    """A family, model or outcome in the table; `family` is for its mark, empty if it has none."""

    name: str
    family: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class CountRow:
    """A reason or a person, how many there were, and of which series."""

    name: str
    total: Cell
    compute: str
    parts: tuple[tuple[str, Cell], ...]


@login_required
@require_GET
def insights(request: HttpRequest) -> HttpResponse:
    """Usage over a span; every view of it has an address."""
    user = signed_in_user(request)
    now = timezone.now()
    fields = request.GET.dict()
    if fields.get("span", CUSTOM) != CUSTOM:
        # Without a script the form sends its dates even where nobody sees them.
        fields = {name: value for name, value in fields.items() if name not in {"from", "to"}}
    wish, faults = read_usage_request(
        fields, now=now, usual_zone=request.COOKIES.get(_ZONE_COOKIE, "")
    )
    notices = [
        f"{fault.pointer[1:].capitalize()}: {fault.detail}; it is left out." for fault in faults
    ]
    try:
        usage = read_usage(user=user, request=wish, now=now)
    except UnableToSeeUsage:
        notices.append("Only reviewers and admins see the usage of others; this is yours.")
        wish = replace(wish, owner_id=None)
        usage = read_usage(user=user, request=wish, now=now)
    models = names_of_models()
    context: dict[str, Any] = {
        "wish": wish,
        "notices": notices,
        "spans": _SPAN_WORDS,
        "groups": _GROUP_WORDS,
        "families": FAMILIES,
        "models": models,
        "people": list_people(user=user),
        "sees_everything": user.sees_everything,
        "usage": usage,
        "parameters": wish.parameters,
        "custom": CUSTOM,
    }
    if usage.total.total:
        context |= {
            "headlines": _headlines(usage),
            "figures": draw_figures(usage, models=models),
            "rows": _series_rows(usage, models),
            "failures": _failure_rows(usage, models),
            "persons": _person_rows(usage, models),
            "group": _GROUP_WORDS[wish.by],
            "series_columns": _COLUMNS,
        }
    return render(request, "insights/insights.html", context)


def _headlines(usage: Usage) -> tuple[Headline, ...]:
    """The whole in a few figures."""
    total, before = usage.total, usage.before

    def compared(say: Callable[[Figures], str]) -> str:
        return f"{say(before)} before" if before.total else "none before"

    headlines = [
        Headline(
            "Generations",
            count(total.total),
            _change(total.total, before.total),
            compared(lambda each: count(each.total)),
        ),
        Headline(
            "Success",
            percent(total.success_share),
            f"{count(total.outcome('failed'))} failed",
            compared(lambda each: percent(each.success_share)),
        ),
        Headline(
            "Waiting",
            duration(total.waited.p50 if total.waited else None),
            f"95 of 100 within {duration(total.waited.p95)}" if total.waited else "",
            compared(lambda each: duration(each.waited.p50 if each.waited else None)),
        ),
        Headline(
            "Running",
            duration(total.ran.p50 if total.ran else None),
            f"95 of 100 at most {duration(total.ran.p95)}" if total.ran else "",
            compared(lambda each: duration(each.ran.p50 if each.ran else None)),
        ),
        Headline(
            "Score",
            stars(total.mean_score),
            f"from {count(total.num_scores)}",
            compared(lambda each: stars(each.mean_score)),
        ),
        Headline(
            "Computing",
            duration(total.compute_seconds),
            _change(total.compute_seconds, before.compute_seconds),
            compared(lambda each: duration(each.compute_seconds)),
        ),
    ]
    if usage.people is not None:
        headlines.append(
            Headline(
                "People",
                count(usage.num_people),
                "asked for something",
                f"{count(usage.num_people_before)} before",
            )
        )
    return tuple(headlines)


def _change(now: float, before: float) -> str:
    if not before:
        return ""
    share = now / before - 1
    if abs(share) < 0.005:
        return "about the same"
    return f"{abs(share):.0%} {'more' if share > 0 else 'less'}".replace("%", " %")


def _series_rows(usage: Usage, models: Mapping[str, str]) -> tuple[SeriesRow, ...]:
    """A line for each series, by falling counts."""
    request = usage.request
    rows = []
    for series in usage.series:
        figures, volume = usage.by_series[series], usage.volume_of(series)

        def cell(number: int, status: str = "", *, of: str = series, score: bool = False) -> Cell:
            if not number:
                return Cell("0")
            if request.by == "outcome":
                status = of
            address = library_address(
                request,
                series=(of,) if request.by != "outcome" else (),
                status=status,
                has_score=score,
            )
            return Cell(count(number), address)

        rows.append(
            SeriesRow(
                series_name(series, by=request.by, models=models),
                series if request.by == "family" else "",
                (
                    cell(figures.total),
                    cell(figures.outcome("done"), "done"),
                    cell(figures.outcome("failed"), "failed"),
                    cell(figures.outcome("canceled"), "canceled"),
                    Cell(percent(figures.success_share)),
                    _spread_cell(figures.waited),
                    _spread_cell(figures.ran),
                    Cell(duration(figures.compute_seconds)),
                    Cell(stars(figures.mean_score)),
                    cell(figures.num_scores, "done", score=True),
                    Cell(count(volume.tokens) if volume.tokens else "–"),
                    Cell(count(volume.passes) if volume.passes else "–"),
                    Cell(filesizeformat(volume.size) if volume.size else "–"),
                ),
            )
        )
    return tuple(rows)


def _spread_cell(spread: Spread | None) -> Cell:
    return Cell(f"{duration(spread.p50)} / {duration(spread.p95)}" if spread else "–")


def _failure_rows(usage: Usage, models: Mapping[str, str]) -> tuple[CountRow, ...]:
    """A line for each code that something failed with."""
    request = usage.request

    def cell(number: int, code: str, series: Sequence[str] = ()) -> Cell:
        if not code:
            return Cell(count(number))
        members = () if request.by == "outcome" else tuple(series)
        address = library_address(request, series=members, status="failed", code=code)
        return Cell(count(number), address)

    return tuple(
        CountRow(
            failure.code or "without a code",
            cell(failure.total, failure.code),
            "",
            tuple(
                (
                    series_name(series, by=request.by, models=models),
                    cell(number, failure.code, (series,)),
                )
                for series, number in _falling(failure.counts)
            ),
        )
        for failure in usage.failures
    )


def _person_rows(usage: Usage, models: Mapping[str, str]) -> tuple[CountRow, ...]:
    """A line for each of the busiest; none for those who see only themselves."""
    request = usage.request
    return tuple(
        CountRow(
            person.name,
            Cell(count(person.total), library_address(request, owner_id=person.id)),
            duration(person.compute_seconds),
            tuple(
                (
                    series_name(series, by=request.by, models=models),
                    Cell(
                        count(number),
                        library_address(request, series=(series,), owner_id=person.id),
                    ),
                )
                for series, number in _falling(person.counts)
            ),
        )
        for person in usage.people or ()
    )


def _falling(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(series, counts[series]) for series in busiest(counts)]


urlpatterns: list[URLPattern] = [path("insights", insights, name="insights")]
