"""Claiming, ending and recovering jobs, against the real statements."""

import datetime

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from tests.factories import make_job, make_user, make_worker
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobAttempt, JobEvent, JobState, Worker, WorkerState

pytestmark = pytest.mark.django_db
QUEUES = ["family.gan"]


def claim(worker, **options):
    return jobs.claim_jobs(worker_id=worker.id, queues=QUEUES, **{"limit": 1, **options})


def make_overdue(job):
    Job.objects.filter(id=job.id).update(deadline_at=Now() - datetime.timedelta(seconds=1))


def test_a_claimed_job_is_nobody_elses():
    job = make_job(owner=make_user())
    [claimed] = claim(make_worker())
    assert claimed.id == job.id
    assert claimed.attempt == 1
    assert claim(make_worker()) == []


def test_jobs_leave_by_priority_then_age():
    owner = make_user()
    late = make_job(owner=owner)
    urgent = make_job(owner=owner, priority=1)
    worker = make_worker()
    assert [claim(worker)[0].id for _ in range(2)] == [urgent.id, late.id]


def test_mates_share_the_batch_key_and_the_limit():
    owner = make_user()
    for key in ("a", "a", "b", "a"):
        make_job(owner=owner, batch_key=key)
    worker = make_worker()
    assert [job.batch_key for job in claim(worker, limit=2)] == ["a", "a"]
    assert [job.batch_key for job in claim(worker, limit=8, room={"a": 0})] == ["b"]


def test_a_job_that_lost_its_worker_is_claimed_alone():
    owner = make_user()
    suspect, innocent = (make_job(owner=owner, batch_key="a") for _ in range(2))
    Job.objects.filter(id=suspect.id).update(crashes=1)
    worker = make_worker()
    assert claim(worker, limit=8, busy=True, hold_back=True) == []
    assert [job.id for job in claim(worker, limit=8, busy=True)] == [innocent.id]
    assert [job.id for job in claim(worker, limit=8)] == [suspect.id]


def test_finishing_needs_the_current_fence():
    job = make_job(owner=make_user())
    [first] = claim(make_worker())
    make_overdue(job)
    jobs.reap()
    [second] = claim(make_worker())
    assert second.fence > first.fence
    assert jobs.finish_job(job_id=job.id, fence=first.fence) is None
    assert jobs.finish_job(job_id=job.id, fence=second.fence) == JobState.SUCCEEDED
    assert jobs.finish_job(job_id=job.id, fence=second.fence) is None
    outcomes = (
        JobAttempt.objects.filter(job=job).order_by("fence").values_list("outcome", flat=True)
    )
    assert list(outcomes) == ["timeout", "ok"]


def test_a_cancel_before_the_end_beats_success():
    job = make_job(owner=make_user())
    [claimed] = claim(make_worker())
    assert jobs.cancel_job(job_id=job.id).status == "canceling"
    assert jobs.finish_job(job_id=job.id, fence=claimed.fence) == JobState.CANCELED


def test_canceling_a_queued_job_is_immediate_and_can_be_repeated():
    job = make_job(owner=make_user())
    assert jobs.cancel_job(job_id=job.id).state == JobState.CANCELED
    assert jobs.cancel_job(job_id=job.id).state == JobState.CANCELED
    assert claim(make_worker()) == []


def test_a_transient_failure_is_tried_again_later_until_attempts_run_out():
    job = make_job(owner=make_user())
    worker = make_worker()
    for attempt in range(1, 5):
        Job.objects.filter(id=job.id).update(sched_at=Now())
        [claimed] = claim(worker)
        assert claimed.attempt == attempt
        state = jobs.fail_job(
            job_id=job.id, fence=claimed.fence, code="storage_full", detail="full", transient=True
        )
        assert state == (JobState.QUEUED if attempt < 4 else JobState.FAILED)
    assert claim(worker) == []


def test_a_retry_waits():
    job = make_job(owner=make_user())
    worker = make_worker()
    [claimed] = claim(worker)
    jobs.fail_job(job_id=job.id, fence=claimed.fence, code="oom", detail="", transient=True)
    assert claim(worker) == []
    wait = Job.objects.get(id=job.id).sched_at - datetime.datetime.now(datetime.UTC)
    assert 0 < wait.total_seconds() <= 2


def test_a_permanent_failure_ends_the_job_with_its_reason():
    job = make_job(owner=make_user())
    [claimed] = claim(make_worker())
    jobs.fail_job(
        job_id=job.id, fence=claimed.fence, code="oom", detail="Too large.", transient=False
    )
    job.refresh_from_db()
    assert (job.state, job.error_code, job.error_detail) == ("failed", "oom", "Too large.")


def test_a_released_job_goes_back_without_costing_an_attempt():
    job = make_job(owner=make_user())
    worker = make_worker()
    [claimed] = claim(worker)
    assert jobs.release_job(job_id=job.id, fence=claimed.fence) == JobState.QUEUED
    [again] = claim(worker)
    assert again.attempt == 1


def test_the_third_crash_is_the_last():
    job = make_job(owner=make_user())
    for crash in range(1, 4):
        assert claim(make_worker())
        Worker.objects.filter(jobs=job.id).update(
            heartbeat_at=Now() - datetime.timedelta(minutes=5)
        )
        reaped = jobs.reap()
        assert reaped.dead_workers == 1
        job.refresh_from_db()
        assert job.crashes == crash
    assert (job.state, job.error_code) == ("failed", "poison")
    assert reaped.ended == (job.id,)


def test_a_successor_frees_the_work_of_a_killed_process_at_once():
    job = make_job(owner=make_user())
    worker = make_worker()
    claim(worker)
    jobs.register_worker(queues=QUEUES, node=worker.node, slot=worker.slot, pid=2, info={})
    jobs.reap()
    job.refresh_from_db()
    assert (job.state, job.crashes) == ("queued", 1)


def test_a_worker_declared_dead_learns_it_at_its_next_beat():
    worker = make_worker()
    assert jobs.beat(worker_id=worker.id, info={}) == WorkerState.ACTIVE
    jobs.retire_worker(worker_id=worker.id)
    assert jobs.beat(worker_id=worker.id, info={}) is None


def test_a_job_that_waits_too_long_expires():
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    job = make_job(owner=make_user(), expires_at=past)
    assert claim(make_worker()) == []
    jobs.reap()
    job.refresh_from_db()
    assert job.state == JobState.EXPIRED


@pytest.mark.parametrize(
    ("old", "new"),
    [("queued", "succeeded"), ("succeeded", "queued"), ("canceled", "running")],
)
def test_the_database_refuses_what_the_diagram_does_not_show(old, new):
    job = make_job(owner=make_user())
    if old == "canceled":
        jobs.cancel_job(job_id=job.id)
    if old == "succeeded":
        [claimed] = claim(make_worker())
        jobs.finish_job(job_id=job.id, fence=claimed.fence)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(id=job.id).update(state=new)


def test_an_ended_job_cannot_be_edited():
    job = make_job(owner=make_user())
    jobs.cancel_job(job_id=job.id)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(id=job.id).update(priority=1)


def test_a_failed_job_may_start_over():
    job = make_job(owner=make_user())
    [claimed] = claim(make_worker())
    jobs.fail_job(job_id=job.id, fence=claimed.fence, code="oom", detail="", transient=False)
    assert jobs.requeue_failed_job(job_id=job.id)
    assert not jobs.requeue_failed_job(job_id=job.id)
    [again] = claim(make_worker())
    assert (again.attempt, again.crashes) == (1, 0)


def test_the_history_replays_to_the_row():
    job = make_job(owner=make_user())
    [claimed] = claim(make_worker())
    jobs.cancel_job(job_id=job.id)
    jobs.finish_job(job_id=job.id, fence=claimed.fence)
    events = JobEvent.objects.filter(job=job).order_by("seq")
    assert [event.status for event in events] == ["queued", "running", "canceling", "canceled"]
    job.refresh_from_db()
    assert job.status_seq == events.count()
