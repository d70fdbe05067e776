"""Reads of endpoints and of what was sent to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q, QuerySet

from webapp import queueing
from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.jobs.models import JobState
from webapp.webhooks.models import Delivery, DeliveryAttempt, Endpoint


class UnableToFindEndpoint(UnableToFind):
    """There is no such endpoint, or it is not the user's."""

    what = "endpoint"


class UnableToFindDelivery(UnableToFind):
    """There is no such delivery, or it is not the user's."""

    what = "delivery"


def list_endpoints(*, user: User) -> QuerySet[Endpoint]:
    """One's endpoints, oldest first, with how many messages wait."""
    waiting = Count(
        "deliveries", filter=Q(deliveries__job__state__in=(JobState.QUEUED, JobState.RUNNING))
    )
    return Endpoint.objects.filter(owner=user).annotate(num_waiting=waiting).order_by("id")


def get_endpoint(*, user: User, endpoint_id: uuid.UUID) -> Endpoint:
    """One endpoint; raises UnableToFindEndpoint."""
    try:
        return list_endpoints(user=user).get(id=endpoint_id)
    except Endpoint.DoesNotExist as error:
        raise UnableToFindEndpoint(str(endpoint_id)) from error


def own_endpoint(*, user: User, endpoint_id: uuid.UUID) -> Endpoint:
    """The same without counting what waits, for who only asks below it."""
    try:
        return Endpoint.objects.get(id=endpoint_id, owner=user)
    except Endpoint.DoesNotExist as error:
        raise UnableToFindEndpoint(str(endpoint_id)) from error


def list_deliveries(*, endpoint: Endpoint, page: PageRequest) -> Page[Delivery]:
    """What was sent or waits to be, newest first, with the attempts."""
    rows = endpoint.deliveries.select_related("job", "generation", "endpoint")
    return paginate(rows.prefetch_related("attempts"), page)


def get_delivery(*, user: User, delivery_id: uuid.UUID) -> Delivery:
    """One delivery with its attempts; raises UnableToFindDelivery."""
    rows = Delivery.objects.select_related("job", "generation", "endpoint")
    try:
        return rows.prefetch_related("attempts").get(id=delivery_id, endpoint__owner=user)
    except Delivery.DoesNotExist as error:
        raise UnableToFindDelivery(str(delivery_id)) from error


def attempts_of(delivery: Delivery) -> list[DeliveryAttempt]:
    """The attempts in the order of time; expects them prefetched."""
    return sorted(delivery.attempts.all(), key=lambda attempt: attempt.id)


def deliveries_of_jobs(job_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Delivery]:
    """Deliveries with all that sending needs, by the jobs that send them."""
    rows = Delivery.objects.select_related("endpoint", "endpoint__owner")
    return {row.job_id: row for row in rows.filter(job_id__in=job_ids)}


def may_have_work() -> bool:
    """Whether anybody is to be told anything; one cheap look, for whoever looks often."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM webhooks_endpoint WHERE enabled)"
            " OR EXISTS (SELECT 1 FROM jobs_job WHERE queue = %s AND state = 'queued')",
            [queueing.WEBHOOKS_QUEUE],
        )
        row = cursor.fetchone()
    assert row is not None
    return bool(row[0])


@dataclass(frozen=True)
class DueMessage:
    """Something ended that an endpoint has not been told of."""

    endpoint_id: uuid.UUID
    owner_id: int
    generation_id: uuid.UUID | None
    chain_run_id: uuid.UUID | None
    event_type: str


# The rows say what is missing, so no crash can lose a message. Transactions end out of the order
# of their times: the latest minutes are looked over again.
_DUE = """
SELECT e.id, e.owner_id, g.id, NULL::uuid, 'generation.' || j.state, j.finished_at AS ended_at
FROM webhooks_endpoint e
JOIN jobs_job j ON j.owner_id = e.owner_id AND j.kind = 'generation'
  AND j.finished_at IS NOT NULL AND j.finished_at >= e.enabled_at
  AND j.finished_at > e.looked_until - interval '2 minutes'
JOIN generations_generation g ON g.job_id = j.id
WHERE e.enabled AND 'generation.' || j.state = ANY(e.event_types)
  AND NOT EXISTS (SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id
    AND d.generation_id = g.id AND d.event_type = 'generation.' || j.state)
UNION ALL
SELECT e.id, e.owner_id, NULL::uuid, r.id, 'chain_run.' || r.state, r.finished_at
FROM webhooks_endpoint e
JOIN chains_chainrun r ON r.owner_id = e.owner_id
  AND r.finished_at IS NOT NULL AND r.finished_at >= e.enabled_at
  AND r.finished_at > e.looked_until - interval '2 minutes'
WHERE e.enabled AND 'chain_run.' || r.state = ANY(e.event_types)
  AND NOT EXISTS (SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id
    AND d.chain_run_id = r.id AND d.event_type = 'chain_run.' || r.state)
UNION ALL
SELECT e.id, e.owner_id, g.id, NULL::uuid, 'generation.' || j.state, j.finished_at
FROM webhooks_watch w
JOIN webhooks_endpoint e ON e.id = w.endpoint_id
JOIN generations_generation g ON g.id = w.generation_id
JOIN jobs_job j ON j.id = g.job_id
  AND j.finished_at IS NOT NULL AND j.finished_at >= e.enabled_at
WHERE e.enabled AND 'generation.' || j.state <> ALL(e.event_types)
  AND NOT EXISTS (SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id
    AND d.generation_id = g.id AND d.event_type = 'generation.' || j.state)
ORDER BY ended_at LIMIT %(limit)s
"""


def list_due(*, limit: int) -> list[DueMessage]:
    """What is to be told and has no delivery yet, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"limit": limit})
        return [DueMessage(*row[:5]) for row in cursor.fetchall()]
