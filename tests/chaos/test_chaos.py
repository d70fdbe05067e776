"""The short version of `make chaos`: six faults in a row, and every promise is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.harness import run_chaos
from tests.chaos.plans import short_plan

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


def test_nothing_is_lost_or_doubled_whatever_dies(used_home: Path) -> None:
    report = run_chaos(short_plan(seed=7), home=used_home, say=print)
    assert report.broken == [], str(report)
    assert report.accepted >= 215
    assert report.ends["succeeded"] >= 190
    assert report.ends["failed poison"] >= 1
    assert report.attempts_lost >= 1
