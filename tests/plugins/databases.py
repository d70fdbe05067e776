"""Real PostgreSQL and Redis for the suite, started when the first test asks for the database.

The addresses are set while this module is imported, because pytest-django reads the settings
before any fixture runs and other conftest files import models; the servers themselves start
later, so that tests of pure code never wait for them. With DATABASE_URL and REDIS_URL set in the
environment nothing is started.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

from webapp.embedded.databases import Databases, locate_databases, start_databases
from webapp.embedded.home import Home, open_home
from webapp.embedded.privileges import database_account
from webapp.embedded.supervisor import Supervisor


def _report(line: str) -> None:
    print(f"databases: {line}")


def _environment_of(home: Home, databases: Databases) -> dict[str, str]:
    return {
        **databases.addresses(),
        "PINAKES_HOME": str(home.path),
        "PINAKES_SECRET_KEY": "only-for-tests-and-long-enough-to-please-the-system-check",
        "DJANGO_SETTINGS_MODULE": "webapp.config.settings",
    }


def _set_environment() -> tuple[Home, Databases]:
    """Point the settings at a home and databases of this run, and load them."""
    # Not under pytest's own temporary folder: as root the servers' account cannot enter it.
    home = open_home(path=Path(tempfile.mkdtemp(prefix="pinakes-t")), account=database_account())
    databases = locate_databases(
        home=home, environment=dict(os.environ), report=_report, is_durable=False
    )
    os.environ.update(_environment_of(home, databases))
    # WhiteNoise warns of a missing folder; what is in it does not matter to tests of views.
    (home.path / "static").mkdir()
    django.setup()
    # Argon2 is slow on purpose; the passwords of tests guard nothing.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Nothing was gathered, so static files are named plainly.
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    return home, databases


_HOME, _DATABASES = _set_environment()


@pytest.fixture(scope="session")
def databases() -> Iterator[None]:
    """PostgreSQL and Redis answering at the addresses of the settings."""
    supervisor = Supervisor(report=_report)
    try:
        start_databases(databases=_DATABASES, supervisor=supervisor, report=_report)
        yield
    finally:
        supervisor.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    databases: None, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Start the servers before pytest-django creates the test database in them."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for the whole suite, where each can have servers of its own.

    A part of the suite gains less than two starts cost, and one process can be debugged.
    """
    is_whole = config.args == config.getini("testpaths")
    has_own_servers = _DATABASES.postgres is not None and _DATABASES.redis is not None
    return 2 if is_whole and has_own_servers and (os.cpu_count() or 1) > 1 else 0


def pytest_xdist_setupnodes() -> None:
    """Forget the addresses before other processes take over: each sets up servers of its own."""
    for name in _environment_of(_HOME, _DATABASES):
        del os.environ[name]


def pytest_unconfigure() -> None:
    """Remove the home and the sockets of this run."""
    shutil.rmtree(_HOME.path, ignore_errors=True)
    if _DATABASES.postgres is not None:
        shutil.rmtree(_DATABASES.postgres.sockets, ignore_errors=True)
