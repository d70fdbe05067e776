"""What was written is there again, after an orderly stop and after a crash."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from redis import Redis

from webapp.embedded.databases import Databases, start_databases
from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import Home
from webapp.embedded.supervisor import Supervisor


@contextmanager
def started(servers: Databases, home: Home) -> Iterator[dict[str, int]]:
    """Run the servers and yield their process ids."""
    supervisor = Supervisor(report=print, pid_file=home.path / "processes.json")
    try:
        start_databases(databases=servers, supervisor=supervisor, report=print)
        yield json.loads((home.path / "processes.json").read_text())
    finally:
        supervisor.stop()


def write(servers: Databases) -> None:
    addresses = servers.addresses()
    with psycopg.connect(addresses["DATABASE_URL"]) as session:
        session.execute("CREATE TABLE memory AS SELECT generate_series(1, 1000) AS number")
    with Redis.from_url(addresses["REDIS_URL"]) as client:
        client.rpush("messages", *range(500))


def assert_everything_is_there(servers: Databases) -> None:
    addresses = servers.addresses()
    with psycopg.connect(addresses["DATABASE_URL"]) as session:
        assert session.execute("SELECT count(*) FROM memory").fetchone() == (1000,)
    with Redis.from_url(addresses["REDIS_URL"]) as client:
        assert client.llen("messages") == 500


def test_a_second_start_finds_everything(servers: Databases, home: Home) -> None:
    with started(servers, home):
        write(servers)
    with started(servers, home):
        assert_everything_is_there(servers)


@pytest.mark.chaos
def test_kill_9_of_both_servers_loses_nothing(servers: Databases, home: Home) -> None:
    with started(servers, home) as process_ids:
        write(servers)
        time.sleep(1.2)  # the append-only file is flushed every second
        for process_id in process_ids.values():
            os.kill(process_id, signal.SIGKILL)
    with started(servers, home):
        assert_everything_is_there(servers)


def test_the_cluster_has_checksums_and_sorts_the_same_everywhere(
    servers: Databases, home: Home
) -> None:
    with started(servers, home), psycopg.connect(servers.addresses()["DATABASE_URL"]) as session:
        assert session.execute("SHOW data_checksums").fetchone() == ("on",)
        assert session.execute("SHOW fsync").fetchone() == ("on",)
        assert session.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'pinakes'"
        ).fetchone() == ("b", "C.UTF-8")


def test_data_of_another_major_version_is_refused_with_one_line(
    servers: Databases, home: Home
) -> None:
    assert servers.postgres is not None
    home.give_to_servers(servers.postgres.data)
    (servers.postgres.data / "PG_VERSION").write_text("16\n")
    with (
        pytest.raises(UnableToStart, match=r"made by PostgreSQL 16, .* runs 18") as refused,
        started(servers, home),
    ):
        pytest.fail("started on foreign data")
    assert "\n" not in str(refused.value)


def test_broken_data_is_refused_with_one_line(servers: Databases, home: Home) -> None:
    assert servers.postgres is not None
    with started(servers, home):
        write(servers)
    (servers.postgres.data / "global" / "pg_control").write_bytes(b"not a control file")
    with (
        pytest.raises(UnableToStart, match=r"PostgreSQL ended while .*control") as refused,
        started(servers, home),
    ):
        pytest.fail("started on broken data")
    assert "\n" not in str(refused.value)


def test_a_half_made_cluster_is_made_again(servers: Databases, home: Home) -> None:
    assert servers.postgres is not None
    half = servers.postgres.data.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with started(servers, home):
        write(servers)
    assert not half.exists()


def test_a_stale_process_file_after_a_reboot_does_not_matter(
    servers: Databases, home: Home
) -> None:
    assert servers.postgres is not None
    with started(servers, home):
        write(servers)
    # After a reboot the number in the file may belong to any process of the same account.
    account = home.account
    with subprocess.Popen(
        ["sleep", "60"], user=None if account is None else account.user_id
    ) as stranger:
        (servers.postgres.data / "postmaster.pid").write_text(
            f"{stranger.pid}\n{servers.postgres.data}\n"
        )
        try:
            with started(servers, home):
                assert_everything_is_there(servers)
            assert stranger.poll() is None
        finally:
            stranger.kill()
