"""Who comes next, and who is not let in."""

import datetime
import threading

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from tests.factories import make_job, make_user, make_worker
from webapp.accounts.models import Quota
from webapp.common.ids import uuid7
from webapp.jobs import operations as jobs
from webapp.jobs import queries
from webapp.jobs.admission import QueueFull, QuotaExceeded
from webapp.jobs.models import FairShare, Job, JobState, Priority

pytestmark = pytest.mark.django_db
QUEUE = "family.gan"


def submit(owner, count=1, **changes):
    """One after the other, as people and scripts do."""
    return [make_job(owner=owner, queue=QUEUE, **changes) for _ in range(count)]


def serve(worker, count=1, seconds=1.0):
    """Claim one job at a time and finish it; whose they were."""
    names = []
    for _ in range(count):
        [job] = jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=1)
        jobs.finish_job(job_id=job.id, fence=job.fence, used_seconds=seconds)
        names.append(Job.objects.get(id=job.id).owner.username)
    return names


@pytest.mark.parametrize("guess", [0.1, 1.0, 10.0])
def test_one_job_does_not_wait_for_anothers_flood(guess):
    """However wrong the estimates are, and however long the flood has been drained."""
    flooder, guest = make_user(username="flooder"), make_user(username="guest")
    submit(flooder, 60, estimated_seconds=guess)
    worker = make_worker()
    for served in (0, 20):
        serve(worker, served, seconds=1.0)
        [running] = jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=1)
        submit(guest, estimated_seconds=guess)
        jobs.finish_job(job_id=running.id, fence=running.fence, used_seconds=1.0)
        assert "guest" in serve(worker, 2)


def test_owners_with_much_waiting_take_turns():
    first, second = make_user(username="first"), make_user(username="second")
    submit(first, 10)
    submit(second, 10)
    names = serve(make_worker(), 12)
    assert abs(names.count("first") - names.count("second")) <= 2


def test_seconds_are_shared_not_jobs():
    """Whoever's jobs take thrice as long gets a third as many."""
    slow, quick = make_user(username="slow"), make_user(username="quick")
    submit(slow, 20, estimated_seconds=3.0)
    submit(quick, 20, estimated_seconds=1.0)
    names = serve(make_worker(), 16)
    assert 11 <= names.count("quick") <= 13


def test_what_a_job_has_cost_counts_more_than_what_was_thought():
    """An owner whose jobs take ten times the estimate falls behind for it."""
    heavy, light = make_user(username="heavy"), make_user(username="light")
    worker = make_worker()
    names = []
    for _ in range(12):
        for owner in (heavy, light):
            if Job.objects.filter(owner=owner, state=JobState.QUEUED).count() < 2:
                submit(owner)
        [job] = jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=1)
        name = Job.objects.get(id=job.id).owner.username
        names.append(name)
        seconds = 10.0 if name == "heavy" else 1.0
        jobs.finish_job(job_id=job.id, fence=job.fence, used_seconds=seconds)
    assert names.count("light") >= 8


def test_twice_the_weight_gets_twice_the_seconds():
    plain, favoured = make_user(username="plain"), make_user(username="favoured")
    Quota.objects.create(user=favoured, weight=2.0)
    submit(plain, 12)
    submit(favoured, 12)
    names = serve(make_worker(), 12)
    assert 7 <= names.count("favoured") <= 9


def test_an_idle_queue_forgets_who_used_it():
    """Shares of an earlier busy time are no debt."""
    before, now = make_user(username="before"), make_user(username="now")
    submit(before, 30)
    worker = make_worker()
    serve(worker, 30)
    submit(now, 2)
    submit(before, 2)
    assert serve(worker, 2).count("before") == 1


def test_a_higher_priority_goes_first_and_is_fair_within():
    first, second = make_user(username="first"), make_user(username="second")
    submit(first, 3)
    submit(second, 1, priority=Priority.LOW)
    submit(first, 3, priority=Priority.HIGH)
    submit(second, 1, priority=Priority.HIGH)
    names = serve(make_worker(), 8)
    assert "second" in names[:2]
    assert names[-1] == "second"


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_what_never_ran_is_given_back(end):
    owner, other = make_user(username="owner"), make_user(username="other")
    waiting = submit(owner, 20)
    if end == "cancel":
        for job in waiting:
            jobs.cancel_job(job_id=job.id)
    else:
        Job.objects.update(expires_at=Now() - datetime.timedelta(seconds=1))
        jobs.reap()
    submit(other, 5)
    submit(owner, 5)
    assert serve(make_worker(), 4).count("owner") == 2


def test_the_place_in_the_queue_is_that_of_the_turn():
    flooder, guest = make_user(), make_user()
    submit(flooder, 5)
    [mine] = submit(guest)
    waiting = queries.describe_waiting(mine)
    assert waiting is not None
    assert waiting.position == 2


def test_many_jobs_are_let_in_together_or_not_at_all(settings):
    settings.JOBS_MAX_QUEUED_PER_OWNER = 5
    owner = make_user()
    many = [jobs.NewJob(uuid7(), "test", QUEUE, attempt_seconds=60) for _ in range(4)]
    with transaction.atomic():
        assert len(jobs.submit_jobs(owner=owner, jobs=many)) == 4
    again = [jobs.NewJob(uuid7(), "test", QUEUE, attempt_seconds=60) for _ in range(2)]
    with pytest.raises(QueueFull), transaction.atomic():
        jobs.submit_jobs(owner=owner, jobs=again)
    assert Job.objects.count() == 4


def test_a_quota_of_ones_own_goes_before_everybodys(settings):
    settings.JOBS_MAX_QUEUED_PER_OWNER = 1
    owner = make_user()
    Quota.objects.create(user=owner, max_queued=3)
    submit(owner, 3)
    with pytest.raises(QueueFull):
        submit(owner)


@pytest.mark.parametrize("own", [None, 2])
def test_no_more_of_an_owner_run_than_may(settings, own):
    settings.JOBS_MAX_RUNNING_PER_OWNER = 9 if own else 2
    greedy, modest = make_user(username="greedy"), make_user(username="modest")
    if own:
        Quota.objects.create(user=greedy, max_running=own)
    submit(greedy, 6)
    submit(modest, 1)
    worker = make_worker()
    claimed = jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=8)
    owners = [Job.objects.get(id=job.id).owner.username for job in claimed]
    assert sorted(owners) == ["greedy", "greedy", "modest"]
    assert jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=8) == []
    held = next(job for job, name in zip(claimed, owners, strict=True) if name == "greedy")
    jobs.finish_job(job_id=held.id, fence=held.fence)
    assert len(jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=8)) == 1


def test_seconds_are_reserved_and_settled(settings):
    settings.JOBS_COMPUTE_SECONDS_PER_DAY = 10
    owner = make_user()
    submit(owner, 2, estimated_seconds=5.0)
    with pytest.raises(QuotaExceeded) as refused:
        submit(owner, estimated_seconds=1.0)
    assert refused.value.retry_after_seconds is not None
    assert 1 <= refused.value.retry_after_seconds <= 24 * 3600
    worker = make_worker()
    serve(worker, seconds=2.0)
    standing = queries.standing_of(owner=owner)
    assert (standing.used_seconds, standing.reserved_seconds) == (2.0, 5.0)
    submit(owner, estimated_seconds=3.0)
    jobs.cancel_job(job_id=Job.objects.filter(state=JobState.QUEUED).latest("id").id)
    assert queries.standing_of(owner=owner).reserved_seconds == 5.0


def test_yesterdays_seconds_are_not_counted(settings):
    settings.JOBS_COMPUTE_SECONDS_PER_DAY = 10
    owner = make_user()
    [job] = submit(owner)
    jobs.cancel_job(job_id=job.id)
    with connection.cursor() as cursor:
        # Ended jobs cannot change; this one is to have ended long ago.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE jobs_job DISABLE TRIGGER jobs_guard")
        Job.objects.update(
            used_seconds=100.0, finished_at=Now() - datetime.timedelta(days=1, seconds=1)
        )
        cursor.execute("ALTER TABLE jobs_job ENABLE TRIGGER jobs_guard")
    submit(owner, estimated_seconds=9.0)


@pytest.mark.parametrize(("outcome", "charged"), [("fail", 4.0), ("release", 0.0), ("lost", 0.0)])
def test_what_an_owner_is_charged_with(outcome, charged):
    """Failing costs what was computed; what the site is to blame for costs nothing."""
    [job] = submit(make_user())
    worker = make_worker()
    [held] = jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=1)
    if outcome == "fail":
        jobs.fail_job(
            job_id=job.id,
            fence=held.fence,
            code="oom",
            detail="",
            transient=False,
            used_seconds=4.0,
        )
    elif outcome == "release":
        jobs.release_job(job_id=job.id, fence=held.fence)
    else:
        jobs.retire_worker(worker_id=worker.id)
        jobs.reap()
    job.refresh_from_db()
    assert job.used_seconds == charged


def test_a_retry_waits_as_long_as_it_is_told():
    [job] = submit(make_user())
    [held] = jobs.claim_jobs(worker_id=make_worker().id, queues=[QUEUE], limit=1)
    jobs.fail_job(
        job_id=job.id,
        fence=held.fence,
        code="busy",
        detail="",
        transient=True,
        retry_in_seconds=7200,
    )
    job.refresh_from_db()
    wait = job.sched_at - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=1.9) < wait < datetime.timedelta(hours=2.1)


def test_a_deadline_ends_what_waits_and_what_runs():
    owner = make_user()
    running, waiting = submit(owner, 2)
    worker = make_worker()
    [held] = jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=1)
    assert held.id == running.id
    Job.objects.update(
        finish_by=Now() - datetime.timedelta(seconds=1),
        deadline_at=Now() - datetime.timedelta(seconds=1),
    )
    assert jobs.claim_jobs(worker_id=worker.id, queues=[QUEUE], limit=1) == []
    jobs.reap()
    running.refresh_from_db()
    waiting.refresh_from_db()
    assert (running.state, running.error_code) == ("failed", "deadline")
    assert (waiting.state, waiting.error_code) == ("expired", "deadline")
    assert running.crashes == 0
    assert jobs.finish_job(job_id=running.id, fence=held.fence) is None


def test_an_attempt_ends_with_the_deadline():
    finish_by = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=5)
    [job] = submit(make_user(), finish_by=finish_by, attempt_seconds=600)
    jobs.claim_jobs(worker_id=make_worker().id, queues=[QUEUE], limit=1)
    job.refresh_from_db()
    assert job.deadline_at == finish_by


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", ["queued", "seconds"])
def test_limits_are_exact_for_many_at_once(settings, limit):
    """Also across the margin where submissions stop sharing the lock."""
    if limit == "queued":
        settings.JOBS_MAX_QUEUED_PER_OWNER = 150
    else:
        settings.JOBS_COMPUTE_SECONDS_PER_DAY = 150
    owner = make_user()
    refusals = []

    def submit_many():
        for _ in range(40):
            try:
                with transaction.atomic():
                    make_job(owner=owner, queue=QUEUE)
            except (QueueFull, QuotaExceeded) as refusal:
                refusals.append(refusal)
        connection.close()

    threads = [threading.Thread(target=submit_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.objects.count() == 150
    assert len(refusals) == 8 * 40 - 150
    # A place in the order was taken for those that were refused too, and for each exactly one.
    assert FairShare.objects.get().finish_tag <= 8 * 40


def test_an_estimate_is_what_jobs_of_the_kind_took_lately():
    queries._estimates.clear()
    owner = make_user()
    worker = make_worker()
    submit(owner, 2, batch_key="estimated@1")
    serve(worker, 2, seconds=0.25)
    assert queries.estimated_seconds("estimated@1") == pytest.approx(0.25)
    assert queries.estimated_seconds("unheard-of@1") == 5.0
