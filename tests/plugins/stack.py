"""A complete running Pinakes for tests of the whole: browser, faults, demonstration.

A first start makes a database cluster, migrates it and compresses the static files, most of which
is computing. So it is done once; whatever needs a Pinakes of its own starts on a copy of that
home, as a second start would.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from webapp.embedded.instance import Instance, running_instance

StartInstance = Callable[..., Instance]


@dataclass(frozen=True)
class FirstStart:
    """What a first start has left behind: its home, and what it has told its user."""

    home: Path
    printed: str
    admin_password: str
    #: A key of the admin, made while it ran.
    api_key: str


def _new_path() -> Path:
    # Short and outside pytest's folder, which the servers' account cannot enter.
    return Path(tempfile.mkdtemp(prefix="pinakes-t"))


@pytest.fixture(scope="session")
def first_start() -> Iterator[FirstStart]:
    """A Pinakes that was started on an empty home, without workers, and has stopped in order."""
    home = _new_path()
    with running_instance(home=home, options=("--no-worker",)) as instance:
        assert instance.admin_password is not None
        api_key = instance.manage("create_api_key", "admin").strip()
    yield FirstStart(home, instance.printed(), instance.admin_password, api_key)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def copy_home(first_start: FirstStart) -> Iterator[Callable[[], Path]]:
    """Copy the home of the first start to a new path; the copies are removed in the end."""
    with ExitStack() as copies:

        def copy() -> Path:
            home = _new_path()
            copies.callback(shutil.rmtree, home, ignore_errors=True)
            # `cp` keeps the owners: some files are those of the servers' account.
            subprocess.run(("cp", "-a", f"{first_start.home}/.", str(home)), check=True)
            return home

        yield copy


@pytest.fixture
def used_home(copy_home: Callable[[], Path]) -> Path:
    """A home on which a Pinakes has run before; nobody uses it."""
    return copy_home()


@pytest.fixture(scope="session")
def start_instance(copy_home: Callable[[], Path]) -> Iterator[StartInstance]:
    """Start `manage.py up` on a home of its own; every instance is stopped after the session.

    Takes the keyword arguments of `running_instance`, but for `home`.
    """
    with ExitStack() as instances:

        def start(**arguments: object) -> Instance:
            return instances.enter_context(running_instance(home=copy_home(), **arguments))  # type: ignore[arg-type]

        yield start


@pytest.fixture(scope="session")
def stack(start_instance: StartInstance, first_start: FirstStart) -> Instance:
    """One Pinakes shared by the tests that do not harm it; see `Instance` for what it offers."""
    return replace(start_instance(), admin_password=first_start.admin_password)
