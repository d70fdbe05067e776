"""How two processes share the suite (pytest-xdist), since much of its time is spent waiting.

One runs what starts a whole Pinakes, one after the other: these tests share what they have started
and wait for servers and browsers more than they compute. The other one runs the rest. Whoever is
done first helps.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

#: Fixtures that whatever starts a Pinakes depends on.
_LIVE = frozenset({"first_start", "empty_home"})


def _share_of(item: pytest.Item) -> str:
    if not _LIVE.isdisjoint(getattr(item, "fixturenames", ())):
        return "live"
    database = item.get_closest_marker("django_db")
    if database is not None and database.kwargs.get("transaction"):
        # These empty the database, and so come after all that find in it what migrations left.
        return "transactions"
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Tell each test's share before pytest-xdist reads it, and put the longest one first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_share_of(item)))
    yield
    items.sort(key=lambda item: _share_of(item) != "live")
