"""Databases of their own for a measurement: started, migrated, and thrown away after it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from webapp.embedded.databases import locate_databases, start_databases
from webapp.embedded.home import open_home
from webapp.embedded.postgres import Postgres
from webapp.embedded.privileges import database_account
from webapp.embedded.supervisor import Supervisor


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@contextmanager
def temporary_site(*, is_durable: bool = False) -> Iterator[Postgres]:
    """Django with migrated, empty databases; `is_durable` makes commits wait for the disk.

    Yields the server that they are in.
    """
    home = open_home(path=Path(tempfile.mkdtemp(prefix="pinakes-b")), account=database_account())
    databases = locate_databases(home=home, environment={}, report=_report, is_durable=is_durable)
    os.environ.update(databases.addresses())
    os.environ["PINAKES_HOME"] = str(home.path)
    os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.config.settings"
    supervisor = Supervisor(report=_report)
    try:
        start_databases(databases=databases, supervisor=supervisor, report=_report)
        django.setup()
        # Only after the set-up may anything of the site be imported.
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", interactive=False, verbosity=0)
        # Settings that a migration gives the database hold for connections made after it.
        connections.close_all()
        assert databases.postgres is not None
        yield databases.postgres
    finally:
        supervisor.stop()
        shutil.rmtree(home.path, ignore_errors=True)
        if databases.postgres is not None:
            shutil.rmtree(databases.postgres.sockets, ignore_errors=True)
