"""Which families, models or outcomes are drawn, and what each looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.insights.figures import Usage
from webapp.insights.wording import REST, series_name

#: More models than this cannot be told apart; those with fewest generations are drawn as one.
_MOST_DRAWN = 8


@dataclass(frozen=True)
class DrawnSeries:
    """A series as it is drawn: its name, its look, and the names that the Library knows it by."""

    series: str
    name: str
    kind: str
    members: tuple[str, ...]


def choose_series(usage: Usage, *, models: Mapping[str, str]) -> tuple[DrawnSeries, ...]:
    """What is drawn by itself, and what together; families and outcomes keep their colours."""
    by = usage.request.by

    def draw(number: int, series: str) -> DrawnSeries:
        looks = {
            "family": f"family-{series}",
            "model": f"is-series-{number + 1}",
            "outcome": f"is-outcome-{series}",
        }
        name = series_name(series, by=by, models=models)
        return DrawnSeries(series, name, looks[by], (series,))

    is_all = by != "model" or len(usage.series) <= _MOST_DRAWN
    shown = usage.series if is_all else usage.series[: _MOST_DRAWN - 1]
    drawn = tuple(draw(number, series) for number, series in enumerate(shown))
    if is_all:
        return drawn
    others = usage.series[len(shown) :]
    name = series_name(REST, by=by, models=models)
    return (*drawn, DrawnSeries(REST, name, "is-series-rest", others))
