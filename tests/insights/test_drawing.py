"""How many series are drawn by themselves, and what the rest leads to."""

from __future__ import annotations

import datetime as dt

import pytest

from webapp.insights.drawn_series import choose_series
from webapp.insights.drilling import library_address
from webapp.insights.figures import Figures, Usage
from webapp.insights.requests import read_usage_request

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(("count", "drawn"), [(1, 1), (8, 8), (9, 8), (30, 8)])
def test_no_more_models_are_drawn_than_can_be_told_apart(count: int, drawn: int) -> None:
    request, _ = read_usage_request({"by": "model"}, now=NOW)
    slugs = tuple(f"model-{number}" for number in range(count))
    usage = Usage(
        request=request,
        total=Figures(),
        before=Figures(),
        num_people=0,
        num_people_before=0,
        series=slugs,
        by_series={},
        volumes={},
        by_bucket=(),
        cells={},
        failures=(),
        people=None,
    )
    chosen = choose_series(usage, models={})
    assert len(chosen) == drawn
    assert sum((each.members for each in chosen), ()) == slugs
    assert len({each.kind for each in chosen}) == drawn
    address = library_address(request, series=chosen[-1].members)
    assert f"model={'%2C'.join(chosen[-1].members)}&" in address
