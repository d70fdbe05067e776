"""What every test may use: the databases, a complete running Pinakes, and common fixtures."""

import sys

import pytest

pytest_plugins = ["tests.plugins.databases", "tests.plugins.stack", "tests.plugins.shares"]


@pytest.fixture(autouse=True)
def _forgotten_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process remembers for a while how long jobs took; the next test must not know."""
    queries = sys.modules.get("webapp.jobs.queries")
    if queries is not None:
        monkeypatch.setattr(queries, "_estimates", {})
