"""Figures in words: what people read on the page."""

from __future__ import annotations

from collections.abc import Mapping

from webapp.common.templatetags.frame import FAMILY_NAMES
from webapp.insights.requests import Group

OUTCOME_NAMES = {
    "done": "Done",
    "failed": "Failed",
    "canceled": "Canceled",
    "active": "Queued or running",
}
#: What is left of the series when those with most generations have been drawn.
REST = "others"


def series_name(series: str, *, by: Group, models: Mapping[str, str]) -> str:
    """The name of a family, model or outcome; one that is gone keeps its own."""
    if series == REST:
        return "Others"
    names = {"family": FAMILY_NAMES, "model": models, "outcome": OUTCOME_NAMES}[by]
    return names.get(series, series)


def duration(seconds: float | None) -> str:
    """A length of time with two digits or so."""
    if seconds is None:
        return "–"
    if seconds < 0.095:
        return f"{1000 * seconds:.0f}\N{NO-BREAK SPACE}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    if seconds < 99.5:
        return f"{seconds:.0f}\N{NO-BREAK SPACE}s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f}\N{NO-BREAK SPACE}min"
    return f"{seconds / 3_600:,.1f}\N{NO-BREAK SPACE}h"


def percent(share: float | None) -> str:
    """A share as a percentage; close to all is not rounded to all."""
    if share is None:
        return "–"
    return (
        f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
        if 0.99 < share < 1
        else f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
    )


def stars(mean: float | None) -> str:
    """A mean score."""
    return "–" if mean is None else f"{mean:.1f}"


def count(number: int) -> str:
    """A number that people can read at a glance."""
    return f"{number:,}"
