"""Processes of a complete running Pinakes are killed in the middle of work; nothing may be lost.

The lease is shortened so that recovery takes seconds; everything else is as people run it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.faults.invariants import find_broken
from webapp.embedded.instance import Instance, running_instance

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

MODEL = "gpt-shakespeare"
#: Enough tokens that a run is still going on when the fault comes.
LONG = {"max_new_tokens": 400}
PATIENCE_SECONDS = 120


class Site:
    """A client of one running instance that also sees its database."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.key = instance.manage("create_api_key", "admin").strip()
        addresses = json.loads((instance.home / "addresses.json").read_text())
        self.database_url = addresses["DATABASE_URL"]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request; the status and the parsed body, also of an error."""
        request = urllib.request.Request(
            self.instance.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def submit(self, seed: int) -> tuple[int, Any]:
        body = {"model": MODEL, "prompt": "KING:", "seed": seed, "params": LONG}
        return self.call("POST", "/api/v1/generations", body)

    def accept(self, seeds: range) -> list[str]:
        """Submit and insist on acceptance."""
        answers = [self.submit(seed) for seed in seeds]
        assert {status for status, _ in answers} == {202}, answers
        return [body["id"] for _, body in answers]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def wait_until_running(self) -> int:
        """The process id of a worker in the middle of a generation."""
        found = wait_for(
            lambda: self.query(
                "SELECT w.pid FROM jobs_job j JOIN jobs_worker w ON w.id = j.worker_id"
                " WHERE j.kind = 'generation' AND j.progress <> '{}'"
            )
        )
        return int(found[0][0])

    def check(self, ids: list[str]) -> None:
        """Everything accepted ended well, exactly once, and the store is intact."""

        def states() -> dict[str, str] | None:
            found = {i: self.call("GET", f"/api/v1/generations/{i}")[1]["status"] for i in ids}
            return found if set(found.values()) <= {"succeeded", "failed"} else None

        assert set(wait_for(states).values()) == {"succeeded"}
        [(responses,)] = self.query("SELECT count(*) FROM generations_response")
        [(succeeded,)] = self.query(
            "SELECT count(*) FROM jobs_job WHERE state = 'succeeded' AND kind = 'generation'"
        )
        assert responses == succeeded
        wait_for(lambda: not self.query("SELECT 1 FROM jobs_job WHERE state = 'running'") or None)
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            assert find_broken(connection, blobs=self.instance.home / "blobs") == []


def wait_for(look: Callable[[], Any]) -> Any:
    """What `look` returns as soon as it returns something; an outage counts as nothing."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            found = look()
        except (OSError, KeyError, TypeError, psycopg.OperationalError):
            found = None
        if found:
            return found
        time.sleep(0.1)
    pytest.fail("it took too long")


@pytest.fixture(scope="module")
def site(start_instance) -> Site:
    return Site(
        start_instance(variables={"PINAKES_HEARTBEAT_TTL": "8", "PINAKES_HEARTBEAT_INTERVAL": "1"})
    )


def test_a_worker_killed_in_mid_job_loses_nothing(site):
    ids = site.accept(range(6))
    os.kill(site.wait_until_running(), signal.SIGKILL)
    site.check(ids)
    [(crashes,)] = site.query("SELECT max(crashes) FROM jobs_job")
    assert crashes >= 1


def test_results_are_the_same_after_a_crash(site):
    """The seeds of the run above again, undisturbed: the same bytes, whoever shared the passes."""
    site.check(site.accept(range(6)))
    rows = site.query(
        "SELECT g.seed, count(DISTINCT a.sha256), count(*) FROM generations_generation g"
        " JOIN generations_artifact a ON a.response_id = g.id GROUP BY g.seed"
    )
    assert {seed: distinct for seed, distinct, _ in rows} == dict.fromkeys(range(6), 1)


def test_redis_killed_and_wiped_costs_time_only(site):
    ids = site.accept(range(10, 13))
    site.wait_until_running()
    os.kill(site.instance.process_ids()["Redis"], signal.SIGKILL)
    data = site.instance.home / "redis"
    assert data.is_dir()
    for path in data.rglob("*.aof"):
        path.unlink()
    shutil.rmtree(data / "appendonlydir", ignore_errors=True)
    ids += site.accept(range(13, 16))
    site.check(ids)


def test_a_crash_of_postgres_loses_nothing_that_was_accepted(site):
    ids = site.accept(range(20, 24))
    site.wait_until_running()
    os.kill(site.instance.process_ids()["PostgreSQL"], signal.SIGKILL)
    refused = []

    def submit_until_accepted() -> str | None:
        status, body = site.submit(24)
        if status == 202:
            return str(body["id"])
        refused.append(status)
        return None

    ids.append(wait_for(submit_until_accepted))
    assert set(refused) <= {503}
    site.check(ids)


def test_stopping_in_mid_job_gives_it_back_and_the_next_start_goes_on(used_home):
    # Nobody takes a worker that is held still for a dead one.
    patient = {"PINAKES_HEARTBEAT_TTL": "120", "PINAKES_HEARTBEAT_INTERVAL": "1"}
    with running_instance(home=used_home, variables=patient) as instance:
        first = Site(instance)
        ids = first.accept(range(1))
        worker = first.wait_until_running()
        # Held still until it is told to stop: however fast it is, that is in the middle.
        os.kill(worker, signal.SIGSTOP)
        instance.process.send_signal(signal.SIGINT)
        told = "SELECT pid FROM jobs_worker WHERE state = 'draining'"
        wait_for(lambda: (worker,) in first.query(told))
        time.sleep(1)  # its next beat, at which it sees this, is due as soon as it goes on
        os.kill(worker, signal.SIGCONT)
        instance.process.wait(PATIENCE_SECONDS)
    with running_instance(home=used_home) as instance:
        site = Site(instance)
        site.check(ids)
        outcomes = site.query(
            "SELECT a.outcome FROM jobs_jobattempt a JOIN jobs_job j ON j.id = a.job_id"
            " WHERE j.kind = 'generation' ORDER BY a.fence"
        )
        assert outcomes == [("released",), ("ok",)]
        [(attempt, crashes)] = site.query(
            "SELECT attempt, crashes FROM jobs_job WHERE kind = 'generation'"
        )
        assert (attempt, crashes) == (1, 0)
