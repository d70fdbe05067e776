"""Writes on jobs: the statements that keep the promise of the README.

All times are the database's (`statement_timestamp()`, Django's `Now()`); no clock of a host enters
a comparison. Every change of state is one guarded statement: the row that was read may have
changed since, so the guard and the change are together.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now

from webapp import queueing
from webapp.accounts.models import User
from webapp.jobs import admission
from webapp.jobs.admission import Wish
from webapp.jobs.models import Job, JobState, Priority, Worker, WorkerState

#: A job whose worker died this often is taken for the cause and not tried again.
MAX_CRASHES = 3

_NO_ROOM_KNOWN: Mapping[str, int] = MappingProxyType({})

#: Keys the advisory lock that lets any number of processes reap, one at a time.
_REAPER_LOCK = 0x70696E61


@dataclass(frozen=True)
class NewJob:
    """A job to be queued. `start_tag` comes from `admission.take_share`, here if not before.

    It must start by `expires_at` and end by `finish_by`. What the site does by itself in the
    owner's name is not `limited`: it is always let in, and counts toward none of their limits.
    """

    id: uuid.UUID
    kind: str
    queue: str
    attempt_seconds: int
    batch_key: str = ""
    priority: Priority = Priority.NORMAL
    start_tag: float | None = None
    estimated_seconds: float = 1.0
    expires_at: datetime.datetime | None = None
    finish_by: datetime.datetime | None = None
    max_attempts: int = 4
    limited: bool = True


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


def submit_jobs(*, owner: User, jobs: Sequence[NewJob]) -> list[Job]:
    """Queue jobs in the caller's transaction, all or none; wake-ups leave after its commit.

    Raises admission.QueueFull or QuotaExceeded before anything is stored.
    """
    limited = [job for job in jobs if job.limited]
    for queue in sorted({job.queue for job in limited}):
        mine = [job for job in limited if job.queue == queue]
        seconds = sum(job.estimated_seconds for job in mine)
        admission.admit(owner=owner, wish=Wish(queue, count=len(mine), seconds=seconds))
    tags = _start_tags(owner, jobs)
    rows = Job.objects.bulk_create([_row(owner, job, tags[job.id]) for job in jobs])
    for queue in {job.queue for job in jobs}:
        transaction.on_commit(partial(queueing.wake, queue))
    return rows


def _start_tags(owner: User, jobs: Sequence[NewJob]) -> dict[uuid.UUID, float]:
    """The tags of all jobs, by one statement for each queue and priority that needs some."""
    tags = {job.id: job.start_tag for job in jobs if job.start_tag is not None}
    untagged = [job for job in jobs if job.start_tag is None]
    for queue, priority in sorted({(job.queue, job.priority) for job in untagged}):
        mine = [job for job in untagged if (job.queue, job.priority) == (queue, priority)]
        shares = admission.take_share(
            owner=owner,
            queue=queue,
            priority=priority,
            seconds=[job.estimated_seconds for job in mine],
        )
        tags.update(zip((job.id for job in mine), shares, strict=True))
    return tags


def _row(owner: User, job: NewJob, start_tag: float) -> Job:
    return Job(
        id=job.id,
        kind=job.kind,
        owner=owner,
        queue=job.queue,
        batch_key=job.batch_key,
        priority=job.priority,
        start_tag=start_tag,
        estimated_seconds=job.estimated_seconds,
        attempt_seconds=job.attempt_seconds,
        expires_at=job.expires_at,
        finish_by=job.finish_by,
        max_attempts=job.max_attempts,
        limited=job.limited,
    )


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


# What may start now. Every list below is in the order of the index job_claim.
_CLAIMABLE = """state = 'queued' AND sched_at <= statement_timestamp()
    AND (expires_at IS NULL OR expires_at > statement_timestamp())
    AND (finish_by IS NULL OR finish_by > statement_timestamp())
    AND (owner_id <> ALL(ARRAY(SELECT owner_id FROM at_limit)) OR NOT limited)"""

# Tags of different queues cannot be compared; among the heads of a process's queues the one that
# could start for longest goes first.
_CLAIM = f"""
WITH running AS MATERIALIZED (
  SELECT j.owner_id, count(*) AS count,
    coalesce(min(q.max_running), nullif(%(max_running)s, 0)) AS allowed
  FROM jobs_job j LEFT JOIN accounts_quota q ON q.user_id = j.owner_id
  WHERE j.state = 'running' AND j.limited GROUP BY j.owner_id),
at_limit AS MATERIALIZED (SELECT owner_id FROM running WHERE count >= allowed),
chosen AS MATERIALIZED (
  SELECT first.queue FROM unnest(%(queues)s::text[]) AS served(queue) CROSS JOIN LATERAL (
    SELECT queue, priority, sched_at FROM jobs_job
    WHERE queue = served.queue AND {_CLAIMABLE}
      AND (crashes = 0 OR NOT %(busy)s OR %(hold_back)s) AND batch_key <> ALL(%(full)s)
    ORDER BY priority, start_tag, id LIMIT 1) AS first
  ORDER BY first.priority, first.sched_at LIMIT 1),
head AS MATERIALIZED (
  SELECT id, owner_id, start_tag, batch_key, crashes, limited FROM jobs_job
  WHERE queue = (SELECT queue FROM chosen) AND {_CLAIMABLE}
    AND (crashes = 0 OR NOT %(busy)s OR %(hold_back)s) AND batch_key <> ALL(%(full)s)
  ORDER BY priority, start_tag, id LIMIT 1 FOR UPDATE SKIP LOCKED),
mates AS MATERIALIZED (
  SELECT id, owner_id, start_tag, limited FROM jobs_job
  WHERE queue = (SELECT queue FROM chosen) AND {_CLAIMABLE} AND crashes = 0
    AND batch_key = (SELECT batch_key FROM head WHERE crashes = 0)
    AND id <> (SELECT id FROM head)
  ORDER BY priority, start_tag, id
  LIMIT (SELECT greatest(0, least(%(limit)s, (%(room)s::jsonb ->> batch_key)::int) - 1) FROM head)
  FOR UPDATE SKIP LOCKED),
placed AS (
  SELECT id, owner_id, limited,
    row_number() OVER (PARTITION BY owner_id, limited ORDER BY is_mate, start_tag, id) AS place
  FROM (SELECT id, owner_id, start_tag, limited, false AS is_mate FROM head
    WHERE crashes = 0 OR NOT %(busy)s
    UNION ALL SELECT id, owner_id, start_tag, limited, true FROM mates) AS locked),
allowed AS (
  SELECT placed.id FROM placed
  LEFT JOIN running ON running.owner_id = placed.owner_id
  LEFT JOIN accounts_quota q ON q.user_id = placed.owner_id
  WHERE NOT placed.limited OR coalesce(running.count, 0) + place
    <= coalesce(q.max_running, nullif(%(max_running)s, 0), 2147483647)),
claimed AS (
  UPDATE jobs_job SET state = 'running', attempt = attempt + 1, fence = nextval('job_fence'),
    worker_id = %(worker)s, started_at = statement_timestamp(),
    deadline_at = least(
      statement_timestamp() + attempt_seconds * interval '1 second', finish_by)
  WHERE id IN (SELECT id FROM allowed)
  RETURNING id, fence, kind, queue, batch_key, attempt, crashes),
attempts AS (
  INSERT INTO jobs_jobattempt (job_id, fence, worker_id, outcome, error)
  SELECT id, fence, %(worker)s, '', '' FROM claimed)
SELECT id, fence, kind, queue, batch_key, attempt, crashes FROM claimed ORDER BY fence
"""  # noqa: S608 -- the inserted text is a constant of this file


@contextmanager
def _planned_anew(cursor: CursorWrapper) -> Iterator[None]:
    """Statements are planned for the queue as it is.

    A plan that is kept from when it was short may read all of it when it is long.
    """
    threshold = cursor.connection.prepare_threshold
    cursor.connection.prepare_threshold = None
    try:
        yield
    finally:
        cursor.connection.prepare_threshold = threshold


def claim_jobs(
    *,
    worker_id: int,
    queues: Sequence[str],
    limit: int,
    busy: bool = False,
    hold_back: bool = False,
    room: Mapping[str, int] = _NO_ROOM_KNOWN,
) -> list[ClaimedJob]:
    """Take the next job of these queues, and up to `limit` - 1 more that may share its passes.

    `busy` says that the worker runs other jobs already; then none is taken that lost a worker
    before, because such a job runs alone until it has proved harmless. With `hold_back` none is
    taken in place of it either when its turn has come, so that it need not wait for ever.

    `room` says how many more of a batch key fit; of those not in it any number does. An owner's
    limit of running jobs holds within a claim; two workers that claim at the same moment may both
    use the last place.
    """
    values: dict[str, Any] = {
        "queues": list(queues),
        "worker": worker_id,
        "limit": limit,
        "busy": busy,
        "hold_back": hold_back,
        "full": [key for key, places in room.items() if places <= 0],
        "room": json.dumps(dict(room)),
        "max_running": settings.JOBS_MAX_RUNNING_PER_OWNER,
    }
    with connection.cursor() as cursor, _planned_anew(cursor):
        cursor.execute(_CLAIM, values)
        return [ClaimedJob(*row) for row in cursor.fetchall()]


_END_LEASE = "fence = NULL, worker_id = NULL, deadline_at = NULL"

# What a job has cost beyond its estimate, or less, moves its owner's next turn.
_SETTLE = """
  UPDATE jobs_fairshare share SET finish_tag = share.finish_tag + owed.seconds
  FROM (
    SELECT e.owner_id, e.queue, e.priority,
      sum((e.used_seconds - e.estimated_seconds) / coalesce(q.weight, 1)) AS seconds
    FROM ended e LEFT JOIN accounts_quota q ON q.user_id = e.owner_id
    WHERE e.finished_at IS NOT NULL GROUP BY e.owner_id, e.queue, e.priority) AS owed
  WHERE share.owner_id = owed.owner_id AND share.queue = owed.queue
    AND share.priority = owed.priority"""

_LEDGER = "j.owner_id, j.queue, j.priority, j.estimated_seconds, j.used_seconds, j.finished_at"

_FINISH = f"""
WITH given AS (
  SELECT * FROM unnest(%(jobs)s::uuid[], %(fences)s::bigint[], %(seconds)s::float[])
    AS given(id, fence, seconds)),
ended AS (
  UPDATE jobs_job j SET {_END_LEASE}, finished_at = statement_timestamp(),
    used_seconds = used_seconds + given.seconds,
    state = CASE WHEN cancel_requested_at IS NULL THEN 'succeeded' ELSE 'canceled' END
  FROM given WHERE j.id = given.id AND j.state = 'running' AND j.fence = given.fence
  RETURNING j.id, j.state, given.fence, {_LEDGER}),
attempts AS (
  UPDATE jobs_jobattempt a SET ended_at = statement_timestamp(),
    outcome = CASE ended.state WHEN 'succeeded' THEN 'ok' ELSE ended.state END
  FROM ended WHERE a.job_id = ended.id AND a.fence = ended.fence),
settled AS ({_SETTLE})
SELECT id, state FROM ended
"""  # noqa: S608 -- the inserted text is a constant of this file


@dataclass(frozen=True)
class FinishedJob:
    """A job that came to its end under this fence, and the seconds of computing it took."""

    id: uuid.UUID
    fence: int
    used_seconds: float = 0.0


def finish_jobs(finished: Sequence[FinishedJob]) -> dict[uuid.UUID, JobState]:
    """End running jobs; those whose lease was lost are not in the answer: store nothing for them.

    A cancel that came before this statement wins. What a job made is stored in the same
    transaction, by the caller, and only when the answer is `succeeded`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _FINISH,
            {
                "jobs": [job.id for job in finished],
                "fences": [job.fence for job in finished],
                "seconds": [job.used_seconds for job in finished],
            },
        )
        return {job_id: JobState(state) for job_id, state in cursor.fetchall()}


def finish_job(*, job_id: uuid.UUID, fence: int, used_seconds: float = 0.0) -> JobState | None:
    """`finish_jobs` for one; None means that the lease was lost."""
    return finish_jobs([FinishedJob(job_id, fence, used_seconds)]).get(job_id)


_FAIL = f"""
WITH ended AS (
  UPDATE jobs_job j SET {_END_LEASE}, used_seconds = used_seconds + %(seconds)s,
    state = CASE WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
                 WHEN %(transient)s AND attempt < max_attempts THEN 'queued' ELSE 'failed' END,
    finished_at = CASE WHEN cancel_requested_at IS NULL
                            AND %(transient)s AND attempt < max_attempts
                       THEN NULL ELSE statement_timestamp() END,
    sched_at = CASE WHEN %(transient)s AND attempt < max_attempts
      THEN statement_timestamp() + coalesce(%(retry_in)s,
        least(300, 2 * 2 ^ (attempt - 1)) * (0.5 + random() / 2)) * interval '1 second'
      ELSE sched_at END,
    error_code = %(code)s, error_detail = %(detail)s
  WHERE id = %(job)s AND state = 'running' AND fence = %(fence)s RETURNING j.state, {_LEDGER}),
attempt AS (
  UPDATE jobs_jobattempt
  SET ended_at = statement_timestamp(), outcome = %(code)s, error = %(error)s
  WHERE job_id = %(job)s AND fence = %(fence)s AND EXISTS (SELECT 1 FROM ended)),
settled AS ({_SETTLE})
SELECT state FROM ended
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
    retry_in_seconds: float | None = None,
) -> JobState | None:
    """End an attempt that raised; None means that the lease was lost.

    A transient failure is queued again, later each time or after `retry_in_seconds`, until the
    attempts are used up. `detail` is shown to the owner; `error` is kept with the attempt for
    operators.
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
                "seconds": used_seconds,
                "retry_in": retry_in_seconds,
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


@dataclass(frozen=True)
class JobProgress:
    """How far a running job is, in words of its own kind."""

    job_id: uuid.UUID
    fence: int
    facts: Mapping[str, Any]


def record_progress(*, job_id: uuid.UUID, fence: int, progress: Mapping[str, Any]) -> bool:
    """Keep how far a job is, for readers without a live stream; False when the lease was lost."""
    return record_progress_together([JobProgress(job_id, fence, progress)]) == 1


def record_progress_together(progress: Sequence[JobProgress]) -> int:
    """`record_progress` for several; returns how many of them are still held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET progress = given.facts::jsonb"
            " FROM unnest(%s::uuid[], %s::bigint[], %s::text[]) AS given (job_id, fence, facts)"
            " WHERE id = given.job_id AND state = 'running' AND jobs_job.fence = given.fence",
            [
                [each.job_id for each in progress],
                [each.fence for each in progress],
                [json.dumps(dict(each.facts)) for each in progress],
            ],
        )
        return int(cursor.rowcount)


def cancel_jobs(job_ids: Sequence[uuid.UUID]) -> list[Job]:
    """Stop jobs: at once those that are queued, at their next step those that run.

    A job that has ended stays as it ended; canceling again changes nothing. The answer has all of
    them as they are now, in the order of their ids.
    """
    with transaction.atomic():
        # Always in the same order, so that two who cancel the same do not wait for each other.
        rows = list(Job.objects.select_for_update().filter(id__in=job_ids).order_by("id"))
        queued = [job.id for job in rows if job.state == JobState.QUEUED]
        if queued:
            Job.objects.filter(id__in=queued).update(
                state=JobState.CANCELED, cancel_requested_at=Now(), finished_at=Now()
            )
            admission.give_back_shares(queued)
        running = [
            job
            for job in rows
            if job.state == JobState.RUNNING and job.cancel_requested_at is None
        ]
        if running:
            Job.objects.filter(id__in=[job.id for job in running]).update(
                cancel_requested_at=Now()
            )
        for job in running:
            transaction.on_commit(
                partial(queueing.announce_cancel, queue=job.queue, job_id=job.id)
            )
        return list(Job.objects.filter(id__in=job_ids).order_by("id"))


def cancel_job(*, job_id: uuid.UUID) -> Job:
    """`cancel_jobs` for one; raises Job.DoesNotExist."""
    canceled = cancel_jobs([job_id])
    if not canceled:
        raise Job.DoesNotExist(str(job_id))
    return canceled[0]


_DECLARE_DEAD = """
UPDATE jobs_worker SET state = 'dead'
WHERE state <> 'dead'
  AND heartbeat_at < statement_timestamp() - %(ttl)s * interval '1 second' RETURNING id
"""

# A job that its worker took down is charged nothing; one that overran its time is.
_RECOVER = f"""
WITH lost AS (
  SELECT j.id, j.fence, j.crashes, j.cancel_requested_at, j.attempt_seconds,
    coalesce(j.finish_by <= statement_timestamp(), false) AS out_of_time,
    j.deadline_at < statement_timestamp() AS late
  FROM jobs_job j
  WHERE j.state = 'running' AND (j.deadline_at < statement_timestamp()
    OR EXISTS (SELECT 1 FROM jobs_worker w WHERE w.id = j.worker_id AND w.state = 'dead'))
  FOR UPDATE OF j SKIP LOCKED),
verdict AS (
  SELECT *, CASE WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
                 WHEN out_of_time OR crashes + 1 >= %(max_crashes)s THEN 'failed'
                 ELSE 'queued' END AS state
  FROM lost),
attempts AS (
  UPDATE jobs_jobattempt a SET ended_at = statement_timestamp(),
    outcome = CASE WHEN v.out_of_time THEN 'deadline' WHEN v.late THEN 'timeout' ELSE 'lost' END
  FROM verdict v WHERE a.job_id = v.id AND a.fence = v.fence)
UPDATE jobs_job j SET {_END_LEASE}, state = v.state,
  crashes = v.crashes + CASE WHEN v.out_of_time THEN 0 ELSE 1 END,
  used_seconds = j.used_seconds + CASE WHEN v.late AND NOT v.out_of_time
                                       THEN v.attempt_seconds ELSE 0 END,
  finished_at = CASE WHEN v.state <> 'queued' THEN statement_timestamp() END,
  error_code = CASE WHEN v.state <> 'failed' THEN j.error_code
                    WHEN v.out_of_time THEN 'deadline'
                    WHEN v.late THEN 'timeout' ELSE 'poison' END,
  error_detail = CASE WHEN v.state <> 'failed' THEN j.error_detail
                      WHEN v.out_of_time THEN 'It was not ready by its deadline.'
                      WHEN v.late
                        THEN 'It overran its time limit ' || (v.crashes + 1) || ' times.'
                      ELSE 'Its worker process died ' || (v.crashes + 1) || ' times.' END
FROM verdict v WHERE j.id = v.id RETURNING j.id, j.queue, j.state
"""  # noqa: S608 -- the inserted text is a constant of this file

_EXPIRE = """
UPDATE jobs_job SET state = 'expired', finished_at = statement_timestamp(),
  error_code = CASE WHEN finish_by < statement_timestamp() THEN 'deadline' ELSE 'expired' END,
  error_detail = CASE WHEN finish_by < statement_timestamp()
    THEN 'It was not ready by its deadline.'
    ELSE 'It was not started before its time ran out.' END
WHERE state = 'queued' AND least(expires_at, finish_by) < statement_timestamp() RETURNING id
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
        admission.give_back_shares(expired)
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
