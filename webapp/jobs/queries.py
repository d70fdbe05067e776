"""Reads of jobs and workers."""

from __future__ import annotations

import datetime
import json
import math
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Avg, Count, Q, QuerySet
from django.db.models.functions import Now

from webapp.accounts.models import Quota, User
from webapp.jobs.models import Job, JobAttempt, JobEvent, JobState, Worker, WorkerState

#: What a job is taken to cost where none has ended yet.
_UNKNOWN_SECONDS = 5
#: Nothing is free: jobs that take no measurable time cost this much.
_LEAST_SECONDS = 0.01
#: Estimates come from those of so many of the latest jobs of all that were of the same kind.
_ESTIMATED_FROM = 500
#: A worker that was silent for longer than this does not count as running.
_FRESH = datetime.timedelta(seconds=30)


@dataclass(frozen=True)
class HeldJob:
    """What a worker asks about a job that it runs."""

    fence: int | None
    cancel_requested: bool
    overdue: bool


def look_at_jobs(job_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, HeldJob]:
    """The leases of these jobs as the database has them now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, fence, cancel_requested_at IS NOT NULL,"
            " coalesce(deadline_at < statement_timestamp(), false)"
            " FROM jobs_job WHERE id = ANY(%s)",
            [list(job_ids)],
        )
        return {row[0]: HeldJob(row[1], row[2], row[3]) for row in cursor.fetchall()}


@dataclass(frozen=True)
class Waiting:
    """How a queued job stands: its place, about how many seconds until its turn, and by whom.

    `seconds` is None while no worker serves its queue. `retry_at` is set where an attempt failed
    and the next one must wait; `running_limit` where its owner has as many running as may.
    """

    position: int
    is_served: bool
    seconds: int | None
    retry_at: datetime.datetime | None = None
    running_limit: int | None = None


_WAITING = """
SELECT
  (SELECT count(*) FROM jobs_job WHERE queue = %(queue)s AND state = 'queued'
    AND (priority, start_tag, id) < (%(priority)s, %(start_tag)s, %(id)s)),
  (SELECT count(*) FROM jobs_worker WHERE state <> 'dead' AND queues @> ARRAY[%(queue)s]::varchar[]
    AND heartbeat_at > statement_timestamp() - %(fresh)s * interval '1 second'),
  (SELECT allowed FROM (SELECT coalesce(
      (SELECT max_running FROM accounts_quota WHERE user_id = %(owner)s),
      nullif(%(max_running)s, 0)) AS allowed) AS limits
    WHERE %(limited)s AND allowed <= (SELECT count(*) FROM jobs_job
      WHERE owner_id = %(owner)s AND state = 'running' AND limited)),
  CASE WHEN %(attempt)s > 0 AND %(sched_at)s > statement_timestamp() THEN %(sched_at)s END
"""


def describe_waiting(job: Job) -> Waiting | None:
    """How a job waits; None unless it does."""
    if job.state != JobState.QUEUED:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            _WAITING,
            {
                "queue": job.queue,
                "priority": job.priority,
                "start_tag": job.start_tag,
                "id": job.id,
                "fresh": _FRESH.total_seconds(),
                "owner": job.owner_id,
                "limited": job.limited,
                "max_running": settings.JOBS_MAX_RUNNING_PER_OWNER,
                "attempt": job.attempt,
                "sched_at": job.sched_at,
            },
        )
        row = cursor.fetchone()
    assert row is not None
    ahead, num_workers, running_limit, retry_at = row
    seconds = None
    if num_workers > 0:
        seconds = math.ceil(ahead * _seconds_of_latest(job.queue) / num_workers)
    return Waiting(
        ahead + 1,
        is_served=num_workers > 0,
        seconds=seconds,
        retry_at=retry_at,
        running_limit=running_limit,
    )


def owners_at_limit(owner_ids: Sequence[int]) -> dict[int, int]:
    """Those of these owners who have as many jobs running as they may, with that number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT owner_id, allowed FROM (SELECT j.owner_id, count(*) AS count,"
            " coalesce(min(q.max_running), nullif(%(max_running)s, 0)) AS allowed"
            " FROM jobs_job j LEFT JOIN accounts_quota q ON q.user_id = j.owner_id"
            " WHERE j.state = 'running' AND j.limited AND j.owner_id = ANY(%(owners)s)"
            " GROUP BY j.owner_id) AS running WHERE count >= allowed",
            {"max_running": settings.JOBS_MAX_RUNNING_PER_OWNER, "owners": list(owner_ids)},
        )
        return dict(cursor.fetchall())


def has_work(queues: Sequence[str]) -> bool:
    """Whether a job waits in these queues: far cheaper than a claim that finds none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM jobs_job WHERE queue = ANY(%s) AND state = 'queued'"
            " AND sched_at <= statement_timestamp())",
            [list(queues)],
        )
        row = cursor.fetchone()
    assert row is not None
    return bool(row[0])


def queues_with_work(queues: Sequence[str]) -> list[str]:
    """Those of the queues that have a job to claim now."""
    waiting = Job.objects.filter(queue__in=queues, state=JobState.QUEUED, sched_at__lte=Now())
    return sorted(set(waiting.values_list("queue", flat=True)[:100]))


def seconds_per_job(queue: str) -> int:
    """About how long until one job leaves a queue, from the latest attempts; at least 1."""
    served_by = max(1, live_workers().filter(queues__contains=[queue]).count())
    return max(1, math.ceil(_seconds_of_latest(queue) / served_by))


#: How long an estimate is used before the jobs that ended since are looked at.
_ESTIMATE_SECONDS = 10.0
_estimates: dict[str, tuple[float, float]] = {}


def _seconds_of_latest(queue: str) -> float:
    """What the latest attempts of a queue took in the mean; kept for a while in this process."""

    def look() -> float:
        latest = JobAttempt.objects.filter(outcome="ok", job__queue=queue).order_by("-id")[:20]
        durations = [
            (ended - started).total_seconds()
            for started, ended in latest.values_list("started_at", "ended_at")
            if ended is not None
        ]
        return sum(durations) / len(durations) if durations else _UNKNOWN_SECONDS

    return _kept(f"queue {queue}", look)


def _kept(key: str, look: Callable[[], float]) -> float:
    now = time.monotonic()
    looked_at, seconds = _estimates.get(key, (-math.inf, 0.0))
    if now >= looked_at + _ESTIMATE_SECONDS:
        seconds = look()
        _estimates[key] = (now, seconds)
    return seconds


@dataclass(frozen=True)
class Limits:
    """What an owner may have; None means any number."""

    max_queued: int
    max_running: int | None
    compute_seconds_per_day: int | None
    weight: float


@dataclass(frozen=True)
class Standing:
    """What an owner has now. Seconds are of this day (UTC); reserved ones are estimates."""

    limits: Limits
    queued: int
    running: int
    queued_in_queue: int
    used_seconds: float
    reserved_seconds: float
    seconds_to_midnight: int


def limits_of(*, owner: User) -> Limits:
    """The owner's own quota, and everybody's settings where that leaves something open."""
    # Kept with the user, so that one request asks once.
    quota: Quota = getattr(owner, "quota", None) or Quota(user=owner)

    def first(own: int | None, everybody: int) -> int | None:
        return everybody or None if own is None else own

    return Limits(
        max_queued=first(quota.max_queued, settings.JOBS_MAX_QUEUED_PER_OWNER) or 0,
        max_running=first(quota.max_running, settings.JOBS_MAX_RUNNING_PER_OWNER),
        compute_seconds_per_day=first(
            quota.compute_seconds_per_day, settings.JOBS_COMPUTE_SECONDS_PER_DAY
        ),
        weight=quota.weight,
    )


# The rows of the jobs are the ledger: there is no sum that could differ from them.
_STANDING = """
SELECT
  (SELECT count(*) FROM jobs_job WHERE owner_id = %(owner)s AND state = 'queued' AND limited),
  (SELECT count(*) FROM jobs_job WHERE owner_id = %(owner)s AND state = 'running' AND limited),
  (SELECT count(*) FROM jobs_job WHERE queue = %(queue)s AND state = 'queued'),
  (SELECT coalesce(sum(greatest(used_seconds, estimated_seconds)), 0) FROM jobs_job
   WHERE %(counts_seconds)s AND owner_id = %(owner)s AND limited
     AND state IN ('queued', 'running')),
  (SELECT coalesce(sum(used_seconds), 0) FROM jobs_job
   WHERE %(counts_seconds)s AND owner_id = %(owner)s AND limited AND finished_at IS NOT NULL
     AND finished_at >= date_trunc('day', statement_timestamp(), 'UTC')),
  extract(epoch FROM date_trunc('day', statement_timestamp(), 'UTC') + interval '1 day'
    - statement_timestamp())::float
"""


def standing_of(*, owner: User, queue: str = "", always_count_seconds: bool = False) -> Standing:
    """What the owner has now; seconds are 0 where no limit asks for them."""
    limits = limits_of(owner=owner)
    counts_seconds = always_count_seconds or limits.compute_seconds_per_day is not None
    with connection.cursor() as cursor:
        cursor.execute(
            _STANDING, {"owner": owner.pk, "queue": queue, "counts_seconds": counts_seconds}
        )
        row = cursor.fetchone()
    assert row is not None
    queued, running, in_queue, reserved, used, left = row
    return Standing(
        limits=limits,
        queued=queued,
        running=running,
        queued_in_queue=in_queue,
        used_seconds=used,
        reserved_seconds=reserved,
        seconds_to_midnight=math.ceil(left),
    )


def estimated_seconds(batch_key: str) -> float:
    """What jobs of this kind cost lately, in seconds; kept for a while in this process."""

    def look() -> float:
        ended = Job.objects.filter(finished_at__isnull=False).order_by("-finished_at")
        mean = Job.objects.filter(
            id__in=ended.values("id")[:_ESTIMATED_FROM],
            batch_key=batch_key,
            state=JobState.SUCCEEDED,
        ).aggregate(mean=Avg("used_seconds"))["mean"]
        return max(_LEAST_SECONDS, mean or _UNKNOWN_SECONDS)

    return _kept(batch_key, look)


def list_held_jobs(*, worker_id: int) -> list[tuple[uuid.UUID, int]]:
    """The running jobs of a worker process, each with the fence that it was claimed under."""
    held = Job.objects.filter(worker_id=worker_id, state=JobState.RUNNING, fence__isnull=False)
    return [(job_id, fence or 0) for job_id, fence in held.values_list("id", "fence")]


def latest_info(*, node: str, slot: int) -> dict[str, Any]:
    """What the latest process of a slot told about itself, alive or not."""
    latest = Worker.objects.filter(node=node, slot=slot).order_by("-id").first()
    return dict(latest.info) if latest else {}


def live_workers() -> QuerySet[Worker]:
    """Worker processes that are not known to be dead."""
    return Worker.objects.exclude(state=WorkerState.DEAD).order_by("node", "slot")


def queue_is_served(queue: str, *, within: datetime.timedelta) -> bool:
    """Whether some worker of this queue has given a sign of life lately."""
    return (
        live_workers().filter(queues__contains=[queue], heartbeat_at__gt=Now() - within).exists()
    )


@dataclass(frozen=True)
class ActiveCounts:
    """How many generations wait or run: one's own, and everybody's."""

    mine: int
    everybody: int


def count_active(*, user: User) -> ActiveCounts:
    """Count the generations that have not ended; numbers only, so nothing of others is shown."""
    active = Job.objects.filter(
        kind="generation", state__in=(JobState.QUEUED, JobState.RUNNING)
    ).aggregate(mine=Count("id", filter=Q(owner=user)), everybody=Count("id"))
    return ActiveCounts(**active)


def list_attempts(*, job_id: uuid.UUID) -> QuerySet[JobAttempt]:
    """Every try at a job, oldest first, with the worker that made it."""
    return JobAttempt.objects.filter(job_id=job_id).select_related("worker").order_by("fence")


def list_events(*, job_id: uuid.UUID) -> QuerySet[JobEvent]:
    """The states a job went through, oldest first."""
    return JobEvent.objects.filter(job_id=job_id).order_by("seq")


@dataclass(frozen=True)
class QueueLoad:
    """What waits in a queue and what of it runs; `oldest_seconds` is None where none can start."""

    queue: str
    depth: int
    oldest_seconds: float | None
    running: int


#: Two halves because each has an index of exactly the jobs that it counts; the ended ones, which
#: are nearly all, are never looked at.
_QUEUE_LOADS = """
SELECT queue, sum(waiting)::bigint, max(oldest), sum(running)::bigint FROM (
  SELECT queue, count(*) AS waiting, 0 AS running,
    extract(epoch FROM statement_timestamp() - min(sched_at) FILTER (
      WHERE sched_at <= statement_timestamp()
        AND (expires_at IS NULL OR expires_at > statement_timestamp())))::float AS oldest
  FROM jobs_job WHERE state = 'queued' GROUP BY queue
  UNION ALL
  SELECT queue, 0, count(*), NULL FROM jobs_job WHERE state = 'running' GROUP BY queue) AS halves
GROUP BY queue ORDER BY queue
"""


def list_queue_loads() -> list[QueueLoad]:
    """The queues in which something waits or runs, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_LOADS)
        return [QueueLoad(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class EndedCount:
    """How many jobs of a kind ended in a state."""

    kind: str
    state: str
    count: int


def count_ended(*, within: datetime.timedelta) -> list[EndedCount]:
    """The jobs that ended lately by kind and state; costs what ended, not what was ever made."""
    ended = (
        Job.objects.filter(finished_at__gt=Now() - within)
        .values_list("kind", "state")
        .annotate(count=Count("id"))
        .order_by("kind", "state")
    )
    return [EndedCount(*row) for row in ended]


@dataclass(frozen=True)
class WorkerReport:
    """A worker process as the database knows it; `silent_seconds` by the database's clock."""

    id: int
    node: str
    slot: int
    pid: int
    queues: tuple[str, ...]
    state: WorkerState
    heartbeat_at: datetime.datetime
    silent_seconds: float
    running: int
    peak_memory_bytes: int | None
    checkpoints: tuple[str, ...]

    @property
    def is_live(self) -> bool:
        """Whether it is not known to be dead."""
        return self.state != WorkerState.DEAD


#: Dead processes that are listed at most; one that dies at every start would fill the page.
_MAX_DEAD_LISTED = 12

_WORKERS = """
SELECT w.id, w.node, w.slot, w.pid, w.queues, w.state, w.heartbeat_at,
  greatest(0, extract(epoch FROM statement_timestamp() - w.heartbeat_at))::float,
  (SELECT count(*) FROM jobs_job j WHERE j.worker_id = w.id AND j.state = 'running'), w.info
FROM (
  SELECT * FROM jobs_worker WHERE state <> 'dead'
  UNION ALL
  (SELECT * FROM jobs_worker
   WHERE state = 'dead'
     AND heartbeat_at > statement_timestamp() - %(dead_seconds)s * interval '1 second'
   ORDER BY heartbeat_at DESC LIMIT %(max_dead)s)) AS w
ORDER BY w.state = 'dead', CASE WHEN w.state = 'dead' THEN w.heartbeat_at END DESC, w.node, w.slot
"""


def list_workers(*, dead_within: datetime.timedelta) -> list[WorkerReport]:
    """Live processes by name, then those that died lately, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WORKERS, {"dead_seconds": dead_within.total_seconds(), "max_dead": _MAX_DEAD_LISTED}
        )
        return [_worker_report(row) for row in cursor.fetchall()]


def _worker_report(row: Sequence[Any]) -> WorkerReport:
    *columns, info = row
    told = json.loads(info) if isinstance(info, str) else info
    identity, node, slot, pid, queues, state, heartbeat_at, silent_seconds, running = columns
    peak_kib = told.get("peak_rss_kib")
    return WorkerReport(
        id=identity,
        node=node,
        slot=slot,
        pid=pid,
        queues=tuple(queues),
        state=WorkerState(state),
        heartbeat_at=heartbeat_at,
        silent_seconds=silent_seconds,
        running=running,
        peak_memory_bytes=None if peak_kib is None else peak_kib * 1024,
        checkpoints=tuple(told.get("checkpoints", ())),
    )
