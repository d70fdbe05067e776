"""What a monitor reads, who may read it, and what it costs."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings
from redis import ConnectionError as RedisConnectionError
from redis import Redis

from tests.factories import make_job, make_user, make_worker
from webapp.accounts.models import Role, User
from webapp.accounts.operations import create_api_key
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState, Worker
from webapp.jobs.queries import count_ended

pytestmark = pytest.mark.django_db

TOKEN = "a-token-for-the-monitor"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def author() -> User:
    return make_user()


@pytest.fixture
def monitor(settings: Settings) -> Client:
    settings.PINAKES_METRICS_TOKEN = TOKEN
    return with_key(TOKEN)


def with_key(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def read(client: Client) -> Series:
    response = client.get("/metrics")
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [
        sample
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    ]
    series = {(each.name, frozenset(each.labels.items())): each.value for each in samples}
    assert len(series) == len(samples), "a series occurs twice"
    return series


def value(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, frozenset(labels.items())))


def run_one(worker: Worker, *, fail: bool = False) -> None:
    [claimed] = jobs.claim_jobs(worker_id=worker.id, queues=worker.queues, limit=1)
    if fail:
        jobs.fail_job(
            job_id=claimed.id, fence=claimed.fence, code="broken", detail="", transient=False
        )
    else:
        jobs.finish_job(job_id=claimed.id, fence=claimed.fence)


def test_queues_say_what_waits_how_long_and_what_runs(monitor: Client, author: User) -> None:
    started_at = time.monotonic()
    worker = make_worker(queues=["family.gan"])
    make_job(owner=author)
    jobs.claim_jobs(worker_id=worker.id, queues=["family.gan"], limit=1)
    old = make_job(owner=author)
    later = make_job(owner=author)
    gone = make_job(owner=author)
    Job.objects.filter(id=old.id).update(sched_at=Now() - timedelta(seconds=90))
    Job.objects.filter(id=later.id).update(sched_at=Now() + timedelta(hours=1))
    Job.objects.filter(id=gone.id).update(
        sched_at=Now() - timedelta(hours=2), expires_at=Now() - timedelta(hours=1)
    )
    make_job(owner=author, queue="family.vae")
    series = read(monitor)
    assert value(series, "pinakes_queue_depth", queue="family.gan") == 3
    assert value(series, "pinakes_queue_running", queue="family.gan") == 1
    age = value(series, "pinakes_queue_oldest_claimable_seconds", queue="family.gan")
    assert age is not None
    assert 90 <= age <= 90 + time.monotonic() - started_at
    assert value(series, "pinakes_queue_workers", queue="family.gan") == 1
    assert value(series, "pinakes_queue_depth", queue="family.vae") == 1
    assert value(series, "pinakes_queue_workers", queue="family.vae") == 0


def test_a_served_queue_at_rest_keeps_its_lines(monitor: Client) -> None:
    make_worker(queues=["documents", "indexing"])
    series = read(monitor)
    for queue in ("documents", "indexing"):
        assert value(series, "pinakes_queue_depth", queue=queue) == 0
        assert value(series, "pinakes_queue_oldest_claimable_seconds", queue=queue) == 0
        assert value(series, "pinakes_queue_running", queue=queue) == 0
        assert value(series, "pinakes_queue_workers", queue=queue) == 1


def test_endings_count_for_an_hour(monitor: Client, author: User) -> None:
    worker = make_worker()
    for _ in range(2):
        make_job(owner=author)
        run_one(worker)
    make_job(owner=author)
    run_one(worker, fail=True)
    past = make_job(owner=author)
    Job.objects.filter(id=past.id).update(
        state=JobState.CANCELED, finished_at=Now() - timedelta(minutes=61)
    )
    series = read(monitor)
    name = "pinakes_jobs_ended_last_hour"
    assert value(series, name, kind="test", state="succeeded") == 2
    assert value(series, name, kind="test", state="failed") == 1
    assert value(series, name, kind="test", state="canceled") is None


def test_a_slot_is_told_once_by_the_process_that_beats(monitor: Client) -> None:
    started_at = time.monotonic()
    crashed, successor = (
        jobs.register_worker(queues=["family.gan"], node="image@here", slot=0, pid=pid, info={})
        for pid in (10, 11)
    )
    retired = make_worker(queues=["family.gan"])
    jobs.retire_worker(worker_id=retired.id)
    Worker.objects.filter(id=crashed.id).update(heartbeat_at=Now() - timedelta(seconds=25))
    Worker.objects.filter(id=successor.id).update(heartbeat_at=Now() - timedelta(seconds=4))
    series = read(monitor)
    name = "pinakes_worker_heartbeat_age_seconds"
    age = value(series, name, queue="family.gan", node="image@here", slot="0")
    assert age is not None
    assert 4 <= age <= 4 + time.monotonic() - started_at
    assert [key for key in series if key[0] == name] == [
        (name, frozenset({("queue", "family.gan"), ("node", "image@here"), ("slot", "0")}))
    ]


def test_the_web_process_tells_its_memory_and_processor_time(monitor: Client) -> None:
    series = read(monitor)
    assert (value(series, "process_resident_memory_bytes") or 0) > 10_000_000
    assert (value(series, "process_cpu_seconds_total") or 0) > 0


def test_it_costs_three_queries_however_much_there_is(
    monitor: Client, author: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        read(monitor)
    worker = make_worker(queues=["family.gan", "family.vae"])
    for number in range(12):
        make_job(owner=author, queue=f"family.{('gan', 'vae', 'rnn')[number % 3]}")
        make_worker(queues=["family.rnn"], slot=number)
    run_one(worker)
    with django_assert_num_queries(3):
        read(monitor)


def test_endings_are_found_without_reading_the_history(author: User) -> None:
    with CaptureQueriesContext(connection) as asked:
        count_ended(within=timedelta(hours=1))
    [query] = asked.captured_queries
    with connection.cursor() as cursor:
        # A table of a few rows is read whole whatever indexes there are, and which of several
        # it is read by hangs on what the statistics say of rows of other tests.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisunique"
            " AND indrelid = 'jobs_job'::regclass AND indexrelid <> 'job_finished'::regclass"
        )
        for (other,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {other}")
        cursor.execute(f"EXPLAIN {query['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "job_finished" in plan


def test_an_admin_reads_it_by_session_and_by_key() -> None:
    admin = make_user(Role.ADMIN)
    by_session = Client()
    by_session.force_login(admin)
    read(by_session)
    read(with_key(create_api_key(user=admin, name="monitor").secret))


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.REVIEWER])
def test_a_key_of_others_is_refused(role: Role) -> None:
    response = with_key(create_api_key(user=make_user(role), name="mine").secret).get("/metrics")
    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"
    assert b"pinakes_" not in response.content


@pytest.mark.parametrize("secret", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", "ÿ"])
def test_a_wrong_token_is_refused(monitor: Client, secret: str) -> None:
    response = with_key(secret).get("/metrics")
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", ""])
def test_no_token_in_the_settings_lets_no_empty_one_in(settings: Settings, header: str) -> None:
    settings.PINAKES_METRICS_TOKEN = ""
    response = Client(headers={"Authorization": header}).get("/metrics")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_the_token_opens_nothing_else(monitor: Client) -> None:
    assert monitor.get("/api/v1/me").status_code == 401
    assert monitor.get("/workers").status_code == 302
    assert monitor.post("/metrics").status_code == 405


def test_a_monitor_may_prefer_what_it_likes(monitor: Client) -> None:
    wish = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    assert monitor.get("/metrics", headers={"Accept": wish}).status_code == 200


def test_redis_is_not_asked(
    monitor: Client, author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RedisConnectionError("nobody listens")

    monkeypatch.setattr(Redis, "execute_command", fail)
    make_job(owner=author)
    assert value(read(monitor), "pinakes_queue_depth", queue="family.gan") == 1


def test_without_the_database_it_is_a_problem(
    monitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("the server is gone")

    admin = Client()
    admin.force_login(make_user(Role.ADMIN))
    monkeypatch.setattr(connection, "cursor", fail)
    for client in (monitor, admin):
        response = client.get("/metrics")
        assert response.status_code == 503
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "database_unavailable"
