"""What is let in, and in which order it will be served.

Order: start-time fair queueing (Goyal, Vin and Cheng 1996, IEEE/ACM Transactions on Networking
5(5), section 2) across the owners of a queue and priority. Every job gets a start tag in virtual
time; the smallest is served first. An owner's next job starts where the last one was taken to end,
or at the queue's virtual time if that is later. So an owner with one job comes next, however much
others have waiting, and owners who all have much waiting get equal seconds, by weight.

Limits: what waits and what is computed per day, by owner; what waits, by queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import F

from webapp.accounts.models import User
from webapp.common.refusals import Refusal
from webapp.jobs import queries as job_queries
from webapp.jobs.models import FairShare
from webapp.jobs.queries import Standing

#: The class of the advisory locks of submissions, one lock per owner.
_ADMISSION_LOCK = 0x70696E62

#: Single submissions of one owner that can be in flight at a time: more than all threads of all
#: web processes together.
_MAX_IN_FLIGHT = 64


class Refused(Refusal):
    """Nothing was accepted; the same request may be accepted later."""

    code = "queue_full"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class QueueFull(Refused):
    """Too much waits already."""


class QuotaExceeded(Refused):
    """The owner's compute seconds of the day are used or promised to what waits."""

    code = "quota_exceeded"


@dataclass(frozen=True)
class Wish:
    """What is to be let in, all or nothing: so many jobs of one queue, and their seconds."""

    queue: str
    count: int
    seconds: float


def admit(*, owner: User, wish: Wish) -> None:
    """Refuse what is over a limit of its owner, exactly, or of its queue, about so.

    In the caller's transaction. Far from every limit, single submissions of an owner do not wait
    for each other: they share a lock, and all that can hold it at a time stay below the limit
    together. Near a limit, and where seconds are counted, each takes the lock alone, which waits
    for those to commit, and so counts them.
    """
    standing = job_queries.standing_of(owner=owner, queue=wish.queue)
    is_far = (
        wish.count == 1
        and standing.limits.compute_seconds_per_day is None
        and standing.queued + 1 + 2 * _MAX_IN_FLIGHT <= standing.limits.max_queued
    )
    lock = "pg_advisory_xact_lock_shared" if is_far else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(%s, %s)", [_ADMISSION_LOCK, owner.pk])
    # Again, because only what is counted under the lock is sure.
    standing = job_queries.standing_of(owner=owner, queue=wish.queue)
    _refuse_what_is_over(standing, wish, margin=_MAX_IN_FLIGHT if is_far else 0)


def _refuse_what_is_over(standing: Standing, wish: Wish, *, margin: int) -> None:
    limits = standing.limits
    if standing.queued + wish.count + margin > limits.max_queued:
        raise QueueFull(
            f"You have {standing.queued} requests waiting already; {limits.max_queued} may.",
            retry_after_seconds=job_queries.seconds_per_job(wish.queue),
        )
    if standing.queued_in_queue + wish.count > settings.JOBS_MAX_QUEUED:
        raise QueueFull(
            f"{standing.queued_in_queue} requests wait in this queue already.",
            retry_after_seconds=job_queries.seconds_per_job(wish.queue),
        )
    allowed = limits.compute_seconds_per_day
    if allowed is None:
        return
    taken = standing.used_seconds + standing.reserved_seconds
    if taken + wish.seconds > allowed:
        raise QuotaExceeded(
            f"Of your {allowed:.0f} compute seconds a day {standing.used_seconds:.0f} are used "
            f"and {standing.reserved_seconds:.0f} reserved; this needs about "
            f"{wish.seconds:.0f} more.",
            retry_after_seconds=standing.seconds_to_midnight,
        )


# The commit of a share need not reach the disk: what a crash forgets makes nobody wait longer. So
# submissions of one owner, which all change this row, take turns for microseconds only.
_TAKE_SHARE = """
WITH relaxed AS (
  SELECT set_config('synchronous_commit',
    CASE WHEN %(alone)s THEN 'off' ELSE current_setting('synchronous_commit') END, true)),
now AS (
  SELECT coalesce(
    (SELECT max(start_tag) FROM jobs_job
     WHERE queue = %(queue)s AND priority = %(priority)s AND state = 'running'),
    (SELECT start_tag FROM jobs_job
     WHERE queue = %(queue)s AND priority = %(priority)s AND state = 'queued'
     ORDER BY start_tag LIMIT 1),
    (SELECT max(finish_tag) FROM jobs_fairshare
     WHERE queue = %(queue)s AND priority = %(priority)s),
    0) AS tag FROM relaxed)
INSERT INTO jobs_fairshare AS share (owner_id, queue, priority, finish_tag)
SELECT %(owner)s, %(queue)s, %(priority)s, tag + %(seconds)s / %(weight)s FROM now
ON CONFLICT (owner_id, queue, priority) DO UPDATE
SET finish_tag = greatest(share.finish_tag, (SELECT tag FROM now)) + %(seconds)s / %(weight)s
RETURNING finish_tag
"""


def take_share(*, owner: User, queue: str, priority: int, seconds: Sequence[float]) -> list[float]:
    """The start tags of an owner's next jobs, which will take about so many seconds each.

    To be called outside the transaction that stores the jobs, where there is much to submit:
    inside, other submissions of the owner wait for its end.
    """
    weight = job_queries.limits_of(owner=owner).weight
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE_SHARE,
            {
                "owner": owner.pk,
                "queue": queue,
                "priority": priority,
                "seconds": sum(seconds),
                "weight": weight,
                # Other writes of the caller's transaction must reach the disk.
                "alone": not connection.in_atomic_block,
            },
        )
        row = cursor.fetchone()
    assert row is not None
    tags = []
    tag = row[0] - sum(seconds) / weight
    for length in seconds:
        tags.append(tag)
        tag += length / weight
    return tags


def return_share(*, owner: User, queue: str, priority: int, seconds: float) -> None:
    """Give back a share that was taken for what was not let in."""
    weight = job_queries.limits_of(owner=owner).weight
    FairShare.objects.filter(owner=owner, queue=queue, priority=priority).update(
        finish_tag=F("finish_tag") - seconds / weight
    )


_GIVE_BACK = """
UPDATE jobs_fairshare share SET finish_tag = share.finish_tag - unused.seconds
FROM (
  SELECT j.owner_id, j.queue, j.priority,
    sum(j.estimated_seconds / coalesce(q.weight, 1)) AS seconds
  FROM jobs_job j LEFT JOIN accounts_quota q ON q.user_id = j.owner_id
  WHERE j.id = ANY(%(jobs)s) GROUP BY j.owner_id, j.queue, j.priority) AS unused
WHERE share.owner_id = unused.owner_id AND share.queue = unused.queue
  AND share.priority = unused.priority
"""


def give_back_shares(job_ids: Sequence[uuid.UUID]) -> None:
    """Let the owners of jobs that will never run have their turns for others."""
    if job_ids:
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, {"jobs": list(job_ids)})
