"""Homes outside pytest's folder, which the account of the servers could not enter as root."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.embedded.databases import Databases, locate_databases
from webapp.embedded.home import Home, open_home
from webapp.embedded.privileges import database_account


@pytest.fixture
def home() -> Iterator[Home]:
    """An empty home that is removed after the test, its sockets too."""
    opened = open_home(path=Path(tempfile.mkdtemp(prefix="pinakes-t")), account=database_account())
    yield opened
    shutil.rmtree(opened.sockets(), ignore_errors=True)
    shutil.rmtree(opened.path, ignore_errors=True)


@pytest.fixture
def servers(home: Home) -> Databases:
    """The durable servers of that home, not started."""
    return locate_databases(home=home, environment={}, report=print)
