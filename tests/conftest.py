"""What every test may use: the databases, a complete running Pinakes, and common fixtures."""

import sys

import pytest

pytest_plugins = ["tests.plugins.databases", "tests.plugins.stack", "tests.plugins.shares"]


#: Takes so long that a run has it only where `-m` names it.
_ON_REQUEST = ("large", "fuzz")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what nobody asked for."""
    unasked = [name for name in _ON_REQUEST if name not in config.option.markexpr]
    left_out = [item for item in items if any(map(item.get_closest_marker, unasked))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _forgotten_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process remembers for a while how long jobs took; the next test must not know."""
    queries = sys.modules.get("webapp.jobs.queries")
    if queries is not None:
        monkeypatch.setattr(queries, "_estimates", {})
