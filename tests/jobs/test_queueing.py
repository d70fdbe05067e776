"""Wake-ups: sent once, forgotten before the look, and never in anybody's way."""

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.factories import make_job, make_user
from webapp import queueing
from webapp.common.redis_client import impatient_redis
from webapp.jobs.models import Job

QUEUE = "family.gan"


@pytest.fixture(autouse=True)
def not_paused(monkeypatch, databases):
    monkeypatch.setattr(queueing, "_paused_until", 0.0)
    impatient_redis().flushdb()


def waiting() -> int:
    return int(impatient_redis().llen(QUEUE))


def test_wake_ups_before_a_look_are_one_message():
    for _ in range(3):
        queueing.wake(QUEUE)
    assert waiting() == 1


def test_after_a_look_the_next_row_sends_a_message_of_its_own():
    queueing.wake(QUEUE)
    queueing.forget_wake(QUEUE)
    queueing.wake(QUEUE)
    assert waiting() == 2


@pytest.mark.django_db
def test_nothing_is_sent_before_the_commit(django_capture_on_commit_callbacks):
    owner = make_user()
    with django_capture_on_commit_callbacks(execute=True):
        make_job(owner=owner, queue=QUEUE)
        assert waiting() == 0
    assert waiting() == 1


@pytest.mark.django_db
def test_a_dead_redis_stops_nobody(monkeypatch, django_capture_on_commit_callbacks):
    dead = Redis(unix_socket_path="/nowhere", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(queueing, "impatient_redis", lambda: dead)
    owner = make_user()
    with django_capture_on_commit_callbacks(execute=True):
        make_job(owner=owner, queue=QUEUE)
    queueing.forget_wake(QUEUE)
    assert Job.objects.count() == 1
    assert queueing._paused_until > 0


def test_after_a_failure_wake_ups_are_skipped_for_a_while(monkeypatch):
    monkeypatch.setattr(queueing, "_paused_until", float("inf"))
    queueing.wake(QUEUE)
    assert waiting() == 0


def test_every_queue_has_its_message():
    assert queueing.message_name("documents") == "pinakes.ingest"
    assert queueing.message_name("indexing") == "pinakes.index"
    assert queueing.message_name(queueing.family_queue("gan")) == "pinakes.drain"
