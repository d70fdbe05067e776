"""Writes on jobs: the statements that keep the promise of the README.

All times are the database's (`statement_timestamp()`, Django's `Now()`); no clock of a host enters
a comparison. Every change of state is one guarded statement: the row that was read may have
changed since, so the guard and the change are together.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from webapp import queueing
from webapp.accounts.models import User
from webapp.jobs import queries as job_queries
from webapp.jobs.models import IdempotencyKey, Job, JobState, Worker, WorkerState

#: A job whose worker died this often is taken for the cause and not tried again.
MAX_CRASHES = 3

#: Keys the advisory lock that lets any number of processes reap, one at a time.
_REAPER_LOCK = 0x70696E61

#: The class of the advisory locks under which the submissions of one owner take turns.
_ADMISSION_LOCK = 0x70696E62


class UnableToReuseIdempotencyKey(Exception):
    """The key was used before, for a request with another body."""


class QueueFull(Exception):
    """Nothing was accepted, because too much waits already."""

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker now holds, under the fence that proves it."""

    id: uuid.UUID
    fence: int
    kind: str
    queue: str
    batch_key: str
    attempt: int
    crashes: int


@dataclass(frozen=True)
class ReapedJobs:
    """What one pass of the reaper found."""

    dead_workers: int
    requeued: tuple[str, ...]
    ended: tuple[uuid.UUID, ...]


def submit_job(
    *,
    job_id: uuid.UUID,
    kind: str,
    owner: User,
    queue: str,
    attempt_seconds: int,
    batch_key: str = "",
    priority: int = 5,
    expires_at: datetime.datetime | None = None,
) -> Job:
    """Queue a job in the caller's transaction; the wake-up leaves after its commit.

    Raises QueueFull before anything is stored.
    """
    _admit(owner=owner, queue=queue)
    job = Job.objects.create(
        id=job_id,
        kind=kind,
        owner=owner,
        queue=queue,
        batch_key=batch_key,
        priority=priority,
        attempt_seconds=attempt_seconds,
        expires_at=expires_at,
    )
    transaction.on_commit(lambda: queueing.wake(queue))
    return job


def _admit(*, owner: User, queue: str) -> None:
    """Refuse what would wait behind too much: exactly for an owner, about so for a queue.

    The lock makes the submissions of one owner take turns until their commit; others do not wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ADMISSION_LOCK, owner.pk])
    queued = Job.objects.filter(state=JobState.QUEUED)
    if queued.filter(owner=owner).count() >= settings.JOBS_MAX_QUEUED_PER_OWNER:
        detail = f"You have {settings.JOBS_MAX_QUEUED_PER_OWNER} requests waiting already."
    elif queued.filter(queue=queue).count() >= settings.JOBS_MAX_QUEUED:
        detail = f"{settings.JOBS_MAX_QUEUED} requests wait in this queue already."
    else:
        return
    raise QueueFull(detail, retry_after_seconds=job_queries.seconds_per_job(queue))


def claim_idempotency_key(
    *, owner: User, endpoint: str, key: str, request_sha256: str, object_id: uuid.UUID
) -> uuid.UUID:
    """Bind the key to `object_id`, or return the id that it is bound to already.

    To be called first in the transaction that creates the object: a second request with the same
    key waits on the unique index until the first has committed, and then reads what that one made.
    Raises UnableToReuseIdempotencyKey.
    """
    row = IdempotencyKey(
        owner=owner,
        endpoint=endpoint,
        key=key,
        request_sha256=request_sha256,
        object_id=object_id,
    )
    IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
    winner = IdempotencyKey.objects.get(owner=owner, endpoint=endpoint, key=key)
    if winner.request_sha256 != request_sha256:
        raise UnableToReuseIdempotencyKey(key)
    return winner.object_id


def register_worker(
    *, queues: Sequence[str], node: str, slot: int, pid: int, info: Mapping[str, Any]
) -> Worker:
    """Enter a worker process, and declare earlier ones of the same node and slot dead.

    So the work of a process that was killed is found when its successor starts, not when its lease
    ends.
    """
    with transaction.atomic():
        Worker.objects.filter(node=node, slot=slot).exclude(state=WorkerState.DEAD).update(
            state=WorkerState.DEAD
        )
        return Worker.objects.create(
            queues=list(queues), node=node, slot=slot, pid=pid, info=dict(info)
        )


def beat(*, worker_id: int, info: Mapping[str, Any]) -> WorkerState | None:
    """Prolong the lease of a worker; None means that it was declared dead and must stop."""
    alive = Worker.objects.filter(id=worker_id).exclude(state=WorkerState.DEAD)
    if not alive.update(heartbeat_at=Now(), info=dict(info)):
        return None
    state = Worker.objects.filter(id=worker_id).values_list("state", flat=True).first()
    return WorkerState(state) if state else None


def drain_workers(*, node: str) -> None:
    """Tell every process of a node to take no more work and to give back what is long."""
    Worker.objects.filter(node=node, state=WorkerState.ACTIVE).update(state=WorkerState.DRAINING)


def retire_worker(*, worker_id: int) -> None:
    """Sign a worker off at an orderly end; its jobs, if any are left, are reaped at once."""
    Worker.objects.filter(id=worker_id).update(state=WorkerState.DEAD)


_CLAIM = """
WITH head AS MATERIALIZED (
  SELECT id, batch_key, crashes FROM jobs_job
  WHERE queue = ANY(%(queues)s) AND state = 'queued' AND sched_at <= statement_timestamp()
    AND (expires_at IS NULL OR expires_at > statement_timestamp())
    AND (crashes = 0 OR NOT %(busy)s) AND batch_key <> ALL(%(full)s)
  ORDER BY priority, sched_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),
mates AS MATERIALIZED (
  SELECT j.id FROM jobs_job j
  WHERE j.queue = ANY(%(queues)s) AND j.state = 'queued' AND j.crashes = 0
    AND j.sched_at <= statement_timestamp()
    AND (j.expires_at IS NULL OR j.expires_at > statement_timestamp())
    AND j.batch_key = (SELECT batch_key FROM head WHERE crashes = 0)
    AND j.id <> (SELECT id FROM head)
  ORDER BY j.priority, j.sched_at, j.id LIMIT %(mates)s FOR UPDATE SKIP LOCKED),
claimed AS (
  UPDATE jobs_job SET state = 'running', attempt = attempt + 1, fence = nextval('job_fence'),
    worker_id = %(worker)s, started_at = statement_timestamp(),
    deadline_at = statement_timestamp() + attempt_seconds * interval '1 second'
  WHERE id IN (SELECT id FROM head UNION ALL SELECT id FROM mates)
  RETURNING id, fence, kind, queue, batch_key, attempt, crashes),
attempts AS (
  INSERT INTO jobs_jobattempt (job_id, fence, worker_id, outcome, error)
  SELECT id, fence, %(worker)s, '', '' FROM claimed)
SELECT id, fence, kind, queue, batch_key, attempt, crashes FROM claimed ORDER BY fence
"""


def claim_jobs(
    *,
    worker_id: int,
    queues: Sequence[str],
    limit: int,
    busy: bool = False,
    full: Sequence[str] = (),
) -> list[ClaimedJob]:
    """Take the next job of these queues, and up to `limit` - 1 more that may share its passes.

    `busy` says that the worker runs other jobs already; then none is taken that lost a worker
    before, because such a job runs alone until it has proved harmless. `full` are batch keys with
    no room left.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "queues": list(queues),
                "worker": worker_id,
                "mates": limit - 1,
                "busy": busy,
                "full": list(full),
            },
        )
        return [ClaimedJob(*row) for row in cursor.fetchall()]


_END_LEASE = "fence = NULL, worker_id = NULL, deadline_at = NULL"

_FINISH = f"""
WITH finished AS (
  UPDATE jobs_job SET {_END_LEASE}, finished_at = statement_timestamp(),
    state = CASE WHEN cancel_requested_at IS NULL THEN 'succeeded' ELSE 'canceled' END
  WHERE id = %(job)s AND state = 'running' AND fence = %(fence)s RETURNING state),
attempt AS (
  UPDATE jobs_jobattempt SET ended_at = statement_timestamp(),
    outcome = (SELECT CASE state WHEN 'succeeded' THEN 'ok' ELSE state END FROM finished)
  WHERE job_id = %(job)s AND fence = %(fence)s AND EXISTS (SELECT 1 FROM finished))
SELECT state FROM finished
"""  # noqa: S608 -- the inserted text is a constant of this file


def finish_job(*, job_id: uuid.UUID, fence: int, used_seconds: float = 0.0) -> JobState | None:
    """End a running job; None means that the lease was lost and nothing may be stored for it.

    A cancel that came before this statement wins. What the job made is stored in the same
    transaction, by the caller, and only when the answer is `succeeded`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"job": job_id, "fence": fence})
        row = cursor.fetchone()
    return JobState(row[0]) if row else None


_FAIL = f"""
WITH failed AS (
  UPDATE jobs_job SET {_END_LEASE},
    state = CASE WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
                 WHEN %(transient)s AND attempt < max_attempts THEN 'queued' ELSE 'failed' END,
    finished_at = CASE WHEN cancel_requested_at IS NULL
                            AND %(transient)s AND attempt < max_attempts
                       THEN NULL ELSE statement_timestamp() END,
    sched_at = CASE WHEN %(transient)s AND attempt < max_attempts
      THEN statement_timestamp()
        + least(300, 2 * 2 ^ (attempt - 1)) * (0.5 + random() / 2) * interval '1 second'
      ELSE sched_at END,
    error_code = %(code)s, error_detail = %(detail)s
  WHERE id = %(job)s AND state = 'running' AND fence = %(fence)s RETURNING state),
attempt AS (
  UPDATE jobs_jobattempt
  SET ended_at = statement_timestamp(), outcome = %(code)s, error = %(error)s
  WHERE job_id = %(job)s AND fence = %(fence)s AND EXISTS (SELECT 1 FROM failed))
SELECT state FROM failed
"""  # noqa: S608 -- the inserted text is a constant of this file


def fail_job(
    *,
    job_id: uuid.UUID,
    fence: int,
    code: str,
    detail: str,
    transient: bool,
    error: str = "",
    used_seconds: float = 0.0,
) -> JobState | None:
    """End an attempt that raised; None means that the lease was lost.

    A transient failure is queued again, later each time, until the attempts are used up. `detail`
    is shown to the owner; `error` is kept with the attempt for operators.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _FAIL,
            {
                "job": job_id,
                "fence": fence,
                "code": code,
                "detail": detail,
                "transient": transient,
                "error": error,
            },
        )
        row = cursor.fetchone()
    return JobState(row[0]) if row else None


_RELEASE = f"""
WITH released AS (
  UPDATE jobs_job SET {_END_LEASE}, attempt = attempt - 1,
    state = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE 'canceled' END,
    finished_at = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE statement_timestamp() END
  WHERE id = %(job)s AND state = 'running' AND fence = %(fence)s RETURNING state),
attempt AS (
  UPDATE jobs_jobattempt SET ended_at = statement_timestamp(), outcome = 'released'
  WHERE job_id = %(job)s AND fence = %(fence)s AND EXISTS (SELECT 1 FROM released))
SELECT state FROM released
"""  # noqa: S608 -- the inserted text is a constant of this file


def release_job(*, job_id: uuid.UUID, fence: int) -> JobState | None:
    """Give a running job back unharmed: a draining worker does so; the attempt is not counted."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"job": job_id, "fence": fence})
        row = cursor.fetchone()
    return JobState(row[0]) if row else None


def record_progress(*, job_id: uuid.UUID, fence: int, progress: Mapping[str, Any]) -> bool:
    """Keep how far a job is, for readers without a live stream; False when the lease was lost."""
    held = Job.objects.filter(id=job_id, state=JobState.RUNNING, fence=fence)
    return bool(held.update(progress=dict(progress)))


def cancel_job(*, job_id: uuid.UUID) -> Job:
    """Stop a job: at once while it is queued, at its next step while it runs.

    A job that has ended stays as it ended; canceling again changes nothing.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().get(id=job_id)
        if job.state == JobState.QUEUED:
            Job.objects.filter(id=job_id, state=JobState.QUEUED).update(
                state=JobState.CANCELED, cancel_requested_at=Now(), finished_at=Now()
            )
        elif job.state == JobState.RUNNING:
            Job.objects.filter(
                id=job_id, state=JobState.RUNNING, cancel_requested_at__isnull=True
            ).update(cancel_requested_at=Now())
        job.refresh_from_db()
    return job


_DECLARE_DEAD = """
UPDATE jobs_worker SET state = 'dead'
WHERE state <> 'dead'
  AND heartbeat_at < statement_timestamp() - %(ttl)s * interval '1 second' RETURNING id
"""

_RECOVER = f"""
WITH lost AS (
  SELECT j.id, j.fence, j.crashes, j.cancel_requested_at,
    j.deadline_at < statement_timestamp() AS late
  FROM jobs_job j
  WHERE j.state = 'running' AND (j.deadline_at < statement_timestamp()
    OR EXISTS (SELECT 1 FROM jobs_worker w WHERE w.id = j.worker_id AND w.state = 'dead'))
  FOR UPDATE OF j SKIP LOCKED),
attempts AS (
  UPDATE jobs_jobattempt a SET ended_at = statement_timestamp(),
    outcome = CASE WHEN l.late THEN 'timeout' ELSE 'lost' END
  FROM lost l WHERE a.job_id = l.id AND a.fence = l.fence)
UPDATE jobs_job j SET {_END_LEASE}, crashes = l.crashes + 1,
  state = CASE WHEN l.cancel_requested_at IS NOT NULL THEN 'canceled'
               WHEN l.crashes + 1 >= %(max_crashes)s THEN 'failed' ELSE 'queued' END,
  finished_at = CASE WHEN l.cancel_requested_at IS NOT NULL OR l.crashes + 1 >= %(max_crashes)s
                     THEN statement_timestamp() END,
  error_code = CASE WHEN l.cancel_requested_at IS NOT NULL OR l.crashes + 1 < %(max_crashes)s
                    THEN j.error_code WHEN l.late THEN 'timeout' ELSE 'poison' END,
  error_detail = CASE WHEN l.cancel_requested_at IS NOT NULL OR l.crashes + 1 < %(max_crashes)s
                      THEN j.error_detail
                      WHEN l.late
                        THEN 'It overran its time limit ' || (l.crashes + 1) || ' times.'
                      ELSE 'Its worker process died ' || (l.crashes + 1) || ' times.' END
FROM lost l WHERE j.id = l.id RETURNING j.id, j.queue, j.state
"""  # noqa: S608 -- the inserted text is a constant of this file

_EXPIRE = """
UPDATE jobs_job SET state = 'expired', finished_at = statement_timestamp(), error_code = 'expired',
  error_detail = 'It was not started before its time ran out.'
WHERE state = 'queued' AND expires_at < statement_timestamp() RETURNING id
"""


def reap() -> ReapedJobs:
    """Take jobs from dead or overdue workers, queue or end them, and expire what waited too long.

    Any number of processes may call it; those that come while one is at it find nothing to do.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_REAPER_LOCK])
        row = cursor.fetchone()
        assert row is not None
        if not row[0]:
            return ReapedJobs(0, (), ())
        cursor.execute(_DECLARE_DEAD, {"ttl": settings.JOBS_HEARTBEAT_TTL})
        dead_workers = cursor.rowcount
        cursor.execute(_RECOVER, {"max_crashes": MAX_CRASHES})
        recovered = cursor.fetchall()
        cursor.execute(_EXPIRE)
        expired = [row[0] for row in cursor.fetchall()]
    requeued = sorted({queue for _, queue, state in recovered if state == JobState.QUEUED})
    ended = [job_id for job_id, _, state in recovered if state != JobState.QUEUED]
    for queue in requeued:
        queueing.wake(queue)
    return ReapedJobs(dead_workers, tuple(requeued), (*ended, *expired))


def requeue_failed_job(*, job_id: uuid.UUID) -> bool:
    """Let a failed job try again from the start; False where it had not failed."""
    with transaction.atomic():
        changed = Job.objects.filter(id=job_id, state=JobState.FAILED).update(
            state=JobState.QUEUED,
            finished_at=None,
            sched_at=Now(),
            attempt=0,
            crashes=0,
            error_code="",
            error_detail="",
            cancel_requested_at=None,
        )
        if changed:
            queue = Job.objects.values_list("queue", flat=True).get(id=job_id)
            transaction.on_commit(lambda: queueing.wake(queue))
    return bool(changed)
