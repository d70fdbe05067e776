"""Writes on endpoints and deliveries."""

from __future__ import annotations

import dataclasses
import datetime
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from genmodels.contract import Fault, InvalidRequest
from webapp import queueing
from webapp.accounts.models import User
from webapp.chains.representation import describe_run
from webapp.chains.run_queries import UnableToFindRun, get_run
from webapp.common import outbound
from webapp.common.encryption import UnableToDecrypt, decrypt, encrypt
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.generations.models import Generation
from webapp.generations.operations import Submitted, submit_generation
from webapp.generations.queries import UnableToFindGeneration, get_generation
from webapp.generations.representation import describe_generation
from webapp.generations.requests import SubmitRequest
from webapp.jobs import operations as jobs
from webapp.jobs.idempotency import made_before
from webapp.jobs.models import Job, JobState
from webapp.jobs.operations import ClaimedJob, NewJob
from webapp.webhooks import queries
from webapp.webhooks.messages import generate_secret, make_body, sign
from webapp.webhooks.models import (
    TEST_EVENT,
    Delivery,
    DeliveryAttempt,
    Endpoint,
    EventType,
    Watch,
)

JOB_KIND = "webhook"
MAX_ENDPOINTS = 10
MAX_DESCRIPTION_LENGTH = 200
#: With more waiting than this, nobody is listening.
MAX_WAITING = 1000
#: After so many messages in a row were given up, an endpoint is switched off.
MAX_DEAD = 5

#: An answer within this long counts, and so much of it is kept.
ANSWER_SECONDS = 10.0
KEPT_ANSWER_BYTES = 1024
KEPT_FOR = timedelta(days=30)
#: How long a secret that was replaced still signs.
ROTATION = timedelta(hours=24)

#: Seconds from an attempt to the next one: three days in all.
RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
_MAX_RETRY_AFTER = 86_400
_GONE = 410
#: Keys the advisory lock under which one process at a time looks for what is to be told.
_LOOK_LOCK = 0x70696E63


class UnableToAddEndpoint(Conflict):
    """There are as many as there may be."""


class UnableToSend(Conflict):
    """The state of the delivery or of its endpoint does not allow it."""


@dataclass(frozen=True)
class EndpointWish:
    """What an endpoint is to be."""

    url: str
    event_types: tuple[str, ...]
    description: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class EndpointWithSecret:
    """A new endpoint, or one with a new secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


def create_endpoint(
    *, owner: User, wish: EndpointWish, idempotency_key: str | None = None
) -> EndpointWithSecret:
    """Add an endpoint; the same key again answers with the same one.

    Raises InvalidRequest, UnableToAddEndpoint or UnableToReuseIdempotencyKey.
    """
    _check(wish)
    secret = generate_secret()
    endpoint_id = uuid7()
    with transaction.atomic():
        # Locked, so that two at once do not both take the last place.
        User.objects.select_for_update(no_key=True).get(id=owner.pk)
        earlier_id = made_before(
            owner=owner,
            endpoint="webhook-endpoints",
            key=idempotency_key,
            request=asdict(wish),
            object_id=endpoint_id,
        )
        if earlier_id is not None:
            earlier = queries.get_endpoint(user=owner, endpoint_id=earlier_id)
            return EndpointWithSecret(earlier, decrypt(earlier.secret))
        if Endpoint.objects.filter(owner=owner).count() >= MAX_ENDPOINTS:
            raise UnableToAddEndpoint(f"You have {MAX_ENDPOINTS} endpoints, which is the most.")
        endpoint = Endpoint.objects.create(
            id=endpoint_id,
            owner=owner,
            url=wish.url,
            description=wish.description,
            event_types=list(dict.fromkeys(wish.event_types)),
            enabled=wish.enabled,
            secret=encrypt(secret),
        )
    return EndpointWithSecret(endpoint, secret)


def _check(wish: EndpointWish) -> None:
    faults = []
    try:
        outbound.check_destination(wish.url)
    except (outbound.Forbidden, outbound.Unreachable) as error:
        faults.append(Fault("/url", "invalid", str(error)))
    for place, name in enumerate(wish.event_types):
        if name not in EventType.values:
            detail = f"must be one of {', '.join(EventType.values)}"
            faults.append(Fault(f"/event_types/{place}", "invalid", detail))
    if len(wish.description) > MAX_DESCRIPTION_LENGTH or "\x00" in wish.description:
        detail = f"must have at most {MAX_DESCRIPTION_LENGTH} characters"
        faults.append(Fault("/description", "invalid", detail))
    if faults:
        raise InvalidRequest(faults)


def update_endpoint(
    *, endpoint: Endpoint, wish: EndpointWish, revision: int | None = None
) -> Endpoint:
    """Change an endpoint. Switched on again, it is told of what ends from now on.

    Raises InvalidRequest, or ChangedSinceRead for another `revision`.
    """
    _check(wish)
    with transaction.atomic():
        row = Endpoint.objects.select_for_update().get(id=endpoint.id)
        if revision is not None and row.revision != revision:
            raise ChangedSinceRead("The endpoint")
        changes: dict[str, Any] = {
            "url": wish.url,
            "description": wish.description,
            "event_types": list(dict.fromkeys(wish.event_types)),
            "enabled": wish.enabled,
            "revision": F("revision") + 1,
        }
        if wish.enabled and not row.enabled:
            changes |= {
                "num_dead": 0,
                "disabled_reason": "",
                "enabled_at": Now(),
                "looked_until": Now(),
            }
        Endpoint.objects.filter(id=endpoint.id).update(**changes)
        if not wish.enabled:
            _cancel_waiting(endpoint.id)
    return queries.get_endpoint(user=endpoint.owner, endpoint_id=endpoint.id)


def delete_endpoint(*, endpoint: Endpoint) -> None:
    """Remove an endpoint and its log; what waits is not sent."""
    with transaction.atomic():
        _cancel_waiting(endpoint.id)
        endpoint.delete()


def rotate_secret(*, endpoint: Endpoint) -> EndpointWithSecret:
    """Give an endpoint a new secret; for a day messages are signed with the old one as well."""
    secret = generate_secret()
    Endpoint.objects.filter(id=endpoint.id).update(
        previous_secret=F("secret"), previous_secret_until=Now() + ROTATION, secret=encrypt(secret)
    )
    return EndpointWithSecret(
        queries.get_endpoint(user=endpoint.owner, endpoint_id=endpoint.id), secret
    )


def send_test(*, endpoint: Endpoint) -> Delivery:
    """Queue a message that tells of nothing. Raises UnableToSend."""
    if not endpoint.enabled:
        raise UnableToSend("The endpoint is switched off.")
    with transaction.atomic():
        [job] = jobs.submit_jobs(owner=endpoint.owner, jobs=[_new_job(endpoint.id)])
        return Delivery.objects.create(endpoint=endpoint, event_type=TEST_EVENT, job=job)


def resend(*, delivery: Delivery) -> Delivery:
    """Send a message that has ended once more, with all attempts. Raises UnableToSend."""
    if not delivery.endpoint.enabled:
        raise UnableToSend("The endpoint is switched off.")
    with transaction.atomic():
        row = (
            Delivery.objects.select_for_update(of=("self",))
            .select_related("job")
            .get(id=delivery.id)
        )
        if not row.job.terminal:
            raise UnableToSend("It is being sent already.")
        [job] = jobs.submit_jobs(
            owner=delivery.endpoint.owner, jobs=[_new_job(delivery.endpoint_id)]
        )
        Delivery.objects.filter(id=delivery.id).update(job=job)
    return queries.get_delivery(user=delivery.endpoint.owner, delivery_id=delivery.id)


def submit_told_generation(
    *,
    owner: User,
    request: SubmitRequest,
    endpoint_id: uuid.UUID,
    idempotency_key: str | None = None,
) -> Submitted:
    """Accept a generation of whose end this endpoint is told, both or neither.

    Raises as `submit_generation`, and InvalidRequest for an endpoint that cannot be told.
    """

    def watch(generation: Generation) -> None:
        # Locked, so that it is not removed or switched off before this is stored.
        locked = Endpoint.objects.select_for_update(no_key=True)
        endpoint = locked.filter(owner=owner, id=endpoint_id).first()
        if endpoint is None:
            raise InvalidRequest([Fault("/webhook", "not_found", "you have no such endpoint")])
        if not endpoint.enabled:
            raise InvalidRequest([Fault("/webhook", "switched_off", "is switched off")])
        Watch.objects.create(generation=generation, endpoint=endpoint)

    return submit_generation(
        owner=owner,
        request=dataclasses.replace(request, told_to=endpoint_id),
        idempotency_key=idempotency_key,
        alongside=watch,
    )


def _new_job(endpoint_id: uuid.UUID) -> NewJob:
    return NewJob(
        id=uuid7(),
        kind=JOB_KIND,
        queue=queueing.WEBHOOKS_QUEUE,
        # So that the queue can tell the endpoints apart, and none holds up the others.
        batch_key=str(endpoint_id),
        attempt_seconds=60,
        estimated_seconds=0.1,
        max_attempts=len(RETRY_SECONDS) + 1,
        limited=False,
    )


def _cancel_waiting(endpoint_id: uuid.UUID) -> None:
    waiting = Job.objects.filter(delivery__endpoint_id=endpoint_id, finished_at__isnull=True)
    jobs.cancel_jobs(list(waiting.values_list("id", flat=True)))


#: How many messages are queued by one look.
_MOST_AT_ONCE = 500


def queue_due_messages() -> int:
    """Queue what is to be told and has no delivery yet; how many. One process at a time looks."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOOK_LOCK])
        row = cursor.fetchone()
        assert row is not None
        if not row[0] or not Endpoint.objects.filter(enabled=True).exists():
            return 0
        cursor.execute("SELECT statement_timestamp()")
        now = cursor.fetchone()
        assert now is not None
        due = queries.list_due(limit=_MOST_AT_ONCE)
        owners = {user.pk: user for user in User.objects.filter(id__in={d.owner_id for d in due})}
        for message in due:
            [job] = jobs.submit_jobs(
                owner=owners[message.owner_id], jobs=[_new_job(message.endpoint_id)]
            )
            Delivery.objects.create(
                endpoint_id=message.endpoint_id,
                generation_id=message.generation_id,
                chain_run_id=message.chain_run_id,
                event_type=message.event_type,
                job=job,
            )
            Watch.objects.filter(
                generation=message.generation_id, endpoint=message.endpoint_id
            ).delete()
        if len(due) < _MOST_AT_ONCE:
            Endpoint.objects.filter(enabled=True, looked_until__lt=now[0]).update(
                looked_until=now[0]
            )
    for endpoint_id in {message.endpoint_id for message in due}:
        _give_up_on_the_deaf(endpoint_id)
    return len(due)


def _give_up_on_the_deaf(endpoint_id: uuid.UUID) -> None:
    unfinished = Q(job__state__in=(JobState.QUEUED, JobState.RUNNING))
    waiting = Delivery.objects.filter(unfinished, endpoint_id=endpoint_id).count()
    if waiting > MAX_WAITING:
        switch_off(endpoint_id=endpoint_id, reason=f"More than {MAX_WAITING} messages waited.")


def switch_off(*, endpoint_id: uuid.UUID, reason: str) -> None:
    """Stop telling an endpoint, for a reason that its owner sees."""
    with transaction.atomic():
        Endpoint.objects.filter(id=endpoint_id, enabled=True).update(
            enabled=False, disabled_reason=reason
        )
        _cancel_waiting(endpoint_id)


@dataclass(frozen=True)
class Message:
    """A request that is ready to be sent."""

    delivery_id: uuid.UUID
    endpoint_id: uuid.UUID
    job: ClaimedJob
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came of a request: a status with the start of the answer, or why there is none."""

    milliseconds: int
    status: int | None = None
    answer: bytes = b""
    retry_after_seconds: float | None = None
    error: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def prepare_messages(claimed: Sequence[ClaimedJob]) -> list[Message]:
    """Write the requests of claimed jobs; those that cannot be sent are ended here."""
    found = queries.deliveries_of_jobs([job.id for job in claimed])
    messages = []
    for job in claimed:
        delivery = found.get(job.id)
        if delivery is None or not delivery.endpoint.enabled:
            _end(job, code="endpoint_gone", detail="The endpoint is no more.")
            continue
        try:
            messages.append(_prepare(job, delivery))
        except (UnableToFindGeneration, UnableToFindRun):
            _end(job, code="generation_gone", detail="What it was to tell of is no more.")
        except UnableToDecrypt:
            switch_off(
                endpoint_id=delivery.endpoint_id,
                reason="Its secret cannot be read any more: rotate it and switch it on again.",
            )
            _end(job, code="secret_lost", detail="The secret cannot be read any more.")
    return messages


def _end(job: ClaimedJob, *, code: str, detail: str) -> None:
    jobs.fail_job(job_id=job.id, fence=job.fence, code=code, detail=detail, transient=False)


def _prepare(job: ClaimedJob, delivery: Delivery) -> Message:
    endpoint = delivery.endpoint
    now = timezone.now()
    data: Mapping[str, Any] = {"id": str(delivery.id)}
    at = delivery.created_at
    if delivery.generation_id is not None:
        generation = get_generation(user=endpoint.owner, generation_id=delivery.generation_id)
        data = describe_generation(generation, viewer=endpoint.owner)
        at = generation.job.finished_at or at
    elif delivery.chain_run_id is not None:
        run = get_run(user=endpoint.owner, run_id=delivery.chain_run_id)
        data = describe_run(run)
        at = run.finished_at or at
    body = make_body(event_type=delivery.event_type, at=at, data=data)
    headers = sign(
        message_id=delivery.message_id,
        at=now,
        body=body,
        signing_secrets=_signing_secrets(endpoint, now),
    )
    return Message(delivery.id, endpoint.id, job, endpoint.url, body, headers)


def _signing_secrets(endpoint: Endpoint, now: datetime.datetime) -> list[str]:
    held = [decrypt(endpoint.secret)]
    if endpoint.previous_secret_until is not None and endpoint.previous_secret_until > now:
        held.append(decrypt(endpoint.previous_secret))
    return held


def record_outcome(*, message: Message, outcome: Outcome) -> None:
    """End the attempt in one transaction: log, job, and what it means for the endpoint."""
    with transaction.atomic():
        job = message.job
        attempt = job.attempt
        if outcome.arrived:
            state = jobs.finish_job(job_id=job.id, fence=job.fence)
        else:
            state = jobs.fail_job(
                job_id=job.id,
                fence=job.fence,
                code="delivery_failed",
                detail=_say(outcome),
                transient=outcome.status != _GONE,
                retry_in_seconds=_pause(attempt, outcome),
            )
        if state is None or not Delivery.objects.filter(id=message.delivery_id).exists():
            return
        DeliveryAttempt.objects.create(
            delivery_id=message.delivery_id,
            status=outcome.status,
            milliseconds=outcome.milliseconds,
            answer=outcome.answer[:KEPT_ANSWER_BYTES].decode(errors="replace").replace("\x00", ""),
            error=outcome.error[:300].replace("\x00", ""),
        )
        endpoint = Endpoint.objects.filter(id=message.endpoint_id)
        if outcome.arrived:
            endpoint.filter(num_dead__gt=0).update(num_dead=0)
        elif outcome.status == _GONE:
            switch_off(endpoint_id=message.endpoint_id, reason="It answered 410 Gone.")
        elif state == JobState.FAILED:
            endpoint.update(num_dead=F("num_dead") + 1)
            if endpoint.filter(num_dead__gte=MAX_DEAD).exists():
                reason = f"{MAX_DEAD} messages in a row could not be delivered."
                switch_off(endpoint_id=message.endpoint_id, reason=reason)


def _say(outcome: Outcome) -> str:
    return f"It answered {outcome.status}." if outcome.status else outcome.error[:300]


def _pause(attempt: int, outcome: Outcome) -> float:
    """Seconds to the next attempt; a receiver may ask for more."""
    planned = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 -- spreads load, keeps no secret
    asked = min(outcome.retry_after_seconds or 0.0, _MAX_RETRY_AFTER)
    return max(planned, asked)


def forget_old_attempts() -> int:
    """Remove the log, and messages that have ended, after a while; how many rows."""
    before = timezone.now() - KEPT_FOR
    DeliveryAttempt.objects.filter(at__lt=before).delete()
    # Of those whose endpoints were switched off meanwhile.
    Watch.objects.filter(generation__job__finished_at__lt=before).delete()
    ended = Delivery.objects.filter(created_at__lt=before, job__finished_at__isnull=False)
    return ended.delete()[0]
