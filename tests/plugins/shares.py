"""How two processes share the suite (pytest-xdist), since much of its time is spent waiting.

One runs what starts a whole Pinakes, one after the other: these tests share what they have started
and wait for servers and browsers more than they compute. The other one runs the rest in its usual
order. Whoever is done first helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

#: How the names of the tests begin that start a whole Pinakes.
_LIVE = (
    "tests/browser/",
    "tests/chains/test_live_run.py",
    "tests/chaos/",
    "tests/clients/test_live_client.py",
    "tests/embedded/test_quick_start.py",
    "tests/embedded/test_up.py",
    "tests/faults/test_faults.py",
    "tests/fuzz/",
    "tests/openai_api/test_client.py",
)


class Shares(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist publishes no types
    """What starts a Pinakes stays together; every other test goes to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return "live" if nodeid.startswith(_LIVE) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    """Share the tests in the order in which they were collected, the largest share first."""
    return Shares(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Put what starts a Pinakes first, once pytest-django has put the others into order."""
    yield
    items.sort(key=lambda item: not item.nodeid.startswith(_LIVE))
    for item in items:
        if "first_start" in getattr(item, "fixturenames", ()):
            assert item.nodeid.startswith(_LIVE), f"say in {__name__} that it is live: {item}"
