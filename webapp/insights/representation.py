"""Usage as the REST interface shows it: a JSON object, or the lines of a table."""

from __future__ import annotations

import csv
import io
from typing import Any

from webapp.insights.figures import Figures, Spread, Usage
from webapp.jobs.models import JobState

#: The columns of the table after those that say when and which.
_COLUMNS = (
    "total",
    *JobState.values,
    "compute_seconds",
    "waited_p50_s",
    "waited_p95_s",
    "ran_p50_s",
    "ran_p95_s",
    "mean_score",
    "num_scores",
)


def describe_usage(usage: Usage) -> dict[str, Any]:
    """All figures; buckets name only the series that have something in them."""
    request = usage.request
    calendar = request.calendar
    return {
        "span": {
            "from": calendar.whole.start,
            "to": calendar.whole.end,
            "zone": str(calendar.zone),
            "unit": calendar.unit,
            "by": request.by,
        },
        "total": {**describe_figures(usage.total), "num_people": usage.num_people},
        "before": {**describe_figures(usage.before), "num_people": usage.num_people_before},
        "series": [
            {
                "name": series,
                **describe_figures(usage.by_series[series]),
                "bytes": usage.volume_of(series).size,
                "tokens": usage.volume_of(series).tokens,
                "passes": usage.volume_of(series).passes,
            }
            for series in usage.series
        ],
        "buckets": [
            {
                "from": bucket.start,
                "to": bucket.end,
                **describe_figures(usage.by_bucket[place]),
                "series": {
                    series: describe_figures(usage.cells[place, series])
                    for series in usage.series
                    if (place, series) in usage.cells
                },
            }
            for place, bucket in enumerate(calendar.buckets)
        ],
        "failures": [
            {"code": failure.code, "total": failure.total, "series": dict(failure.counts)}
            for failure in usage.failures
        ],
        "people": None
        if usage.people is None
        else [
            {
                "id": person.id,
                "name": person.name,
                "total": person.total,
                "compute_seconds": round(person.compute_seconds, 3),
                "series": dict(person.counts),
            }
            for person in usage.people
        ],
    }


def describe_figures(figures: Figures) -> dict[str, Any]:
    """What is known of some generations; times are in seconds, shares from 0 to 1."""
    return {
        "total": figures.total,
        "counts": {state: figures.counts.get(state, 0) for state in JobState.values},
        "success_share": _rounded(figures.success_share),
        "compute_seconds": round(figures.compute_seconds, 3),
        "waited_s": _describe_spread(figures.waited),
        "ran_s": _describe_spread(figures.ran),
        "mean_score": _rounded(figures.mean_score),
        "num_scores": figures.num_scores,
    }


def write_table(usage: Usage) -> str:
    """Comma-separated lines: one for each bucket and series that has something in it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("from", "to", usage.request.by, *_COLUMNS))
    for place, bucket in enumerate(usage.request.calendar.buckets):
        for series in usage.series:
            figures = usage.cells.get((place, series))
            if figures is not None:
                edges = (bucket.start.isoformat(), bucket.end.isoformat())
                writer.writerow((*edges, series, *_cells_of(figures)))
    return out.getvalue()


def _cells_of(figures: Figures) -> tuple[object, ...]:
    """As `_COLUMNS`; what there is nothing to say of stays empty."""
    spreads = [_describe_spread(each) or {} for each in (figures.waited, figures.ran)]
    return (
        figures.total,
        *(figures.counts.get(state, 0) for state in JobState.values),
        round(figures.compute_seconds, 3),
        *(spread.get(name, "") for spread in spreads for name in ("p50", "p95")),
        "" if figures.mean_score is None else _rounded(figures.mean_score),
        figures.num_scores,
    )


def _describe_spread(spread: Spread | None) -> dict[str, float] | None:
    if spread is None:
        return None
    return {"p50": round(spread.p50, 3), "p95": round(spread.p95, 3)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
