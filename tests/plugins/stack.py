"""A complete running Pinakes for tests of the whole: browser, faults, demonstration."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from webapp.embedded.instance import Instance, running_instance

StartInstance = Callable[..., Instance]


@pytest.fixture(scope="session")
def start_instance() -> Iterator[StartInstance]:
    """Start `manage.py up` on a home of its own; every instance is stopped after the session.

    Takes the keyword arguments of `running_instance`; without `home` it makes one.
    """
    with ExitStack() as instances:

        def start(home: Path | None = None, **arguments: object) -> Instance:
            if home is None:
                # Short and outside pytest's folder, which the servers' account cannot enter.
                home = Path(tempfile.mkdtemp(prefix="pinakes-t"))
                instances.callback(shutil.rmtree, home, ignore_errors=True)
            return instances.enter_context(running_instance(home=home, **arguments))  # type: ignore[arg-type]

        yield start


@pytest.fixture(scope="session")
def stack(start_instance: StartInstance) -> Instance:
    """One Pinakes shared by the tests that do not harm it; see `Instance` for what it offers."""
    return start_instance()
