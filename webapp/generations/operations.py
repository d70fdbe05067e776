"""Writes on generations."""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    InvalidRequest,
    Sample,
    resolve_request,
)
from webapp import queueing
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import (
    AUTO,
    UnableToFindCheckpoint,
    checkpoint_for,
)
from webapp.common.ids import uuid7
from webapp.common.storage import store_bytes
from webapp.generations.models import Artifact, Generation, Response
from webapp.generations.requests import SubmitRequest, draw_seed, tag_faults
from webapp.jobs import operations as jobs
from webapp.jobs.idempotency import digest_request
from webapp.jobs.models import Job, JobState

JOB_KIND = "generation"
_ENDPOINT = "generations"

#: How long one attempt may take, in seconds, by what is made.
_ATTEMPT_SECONDS = {"text": 120, "molecule": 120, "music": 120, "video": 3600}
_DEFAULT_ATTEMPT_SECONDS = 600


class UnableToRetry(Exception):
    """Only a generation that ended without a result can be retried."""


@dataclass(frozen=True)
class Submitted:
    """An accepted generation; `replayed` when an earlier request with the same key had made it."""

    generation_id: uuid.UUID
    replayed: bool


def submit_generation(
    *, owner: User, request: SubmitRequest, idempotency_key: str | None = None
) -> Submitted:
    """Accept a request: generation, job, key and first event in one transaction, then a wake-up.

    Raises InvalidRequest with every fault, UnableToUseCheckpoint, or UnableToReuseIdempotencyKey;
    in each case nothing was stored.
    """
    checkpoint = _checkpoint(request)
    resolved = _resolve(owner, request, checkpoint.card)
    generation_id = uuid7()
    with transaction.atomic():
        if idempotency_key is not None:
            bound_id = jobs.claim_idempotency_key(
                owner=owner,
                endpoint=_ENDPOINT,
                key=idempotency_key,
                request_sha256=digest_request(dataclasses.asdict(request)),
                object_id=generation_id,
            )
            if bound_id != generation_id:
                return Submitted(bound_id, replayed=True)
        expires_at = None
        if request.expires_in_seconds is not None:
            expires_at = timezone.now() + timedelta(seconds=request.expires_in_seconds)
        job = jobs.submit_job(
            job_id=uuid7(),
            kind=JOB_KIND,
            owner=owner,
            queue=queueing.family_queue(checkpoint.family),
            attempt_seconds=_ATTEMPT_SECONDS.get(checkpoint.modality, _DEFAULT_ATTEMPT_SECONDS),
            batch_key=f"{checkpoint.slug}@{checkpoint.revision}",
            expires_at=expires_at,
        )
        Generation.objects.create(
            id=generation_id,
            owner=owner,
            job=job,
            checkpoint=checkpoint,
            checkpoint_revision=checkpoint.revision,
            routed=request.model == AUTO,
            prompt=resolved.prompt,
            parameters=dict(resolved.parameters),
            seed=resolved.seed,
            tags=list(dict.fromkeys(request.tags)),
            parent_id=request.parent_id,
            retried_from_id=request.retried_from_id,
        )
    return Submitted(generation_id, replayed=False)


def _checkpoint(request: SubmitRequest) -> Checkpoint:
    try:
        return checkpoint_for(request.model, prompt=request.prompt)
    except UnableToFindCheckpoint as error:
        faults = [Fault("/model", "unknown_model", f"there is no model {request.model!r}")]
        raise InvalidRequest(faults) from error


def _resolve(owner: User, request: SubmitRequest, card: Card) -> GenerationRequest:
    """Check everything that can be checked before anything is stored, and collect all faults."""
    faults = tag_faults(request.tags)
    if request.parent_id is not None:
        visible = Generation.objects.visible_to(owner).kept()
        if not visible.filter(id=request.parent_id).exists():
            faults.append(Fault("/parent", "not_found", "there is no such generation"))
    if request.expires_in_seconds is not None and request.expires_in_seconds < 1:
        faults.append(Fault("/expires_in", "out_of_range", "must be at least 1 second"))
    seed = draw_seed() if request.seed is None else request.seed
    try:
        resolved = resolve_request(
            card, prompt=request.prompt, parameters=request.params, seed=seed
        )
    except InvalidRequest as error:
        raise InvalidRequest([*error.faults, *faults]) from error
    if faults:
        raise InvalidRequest(faults)
    return resolved


def complete_generation(
    *,
    generation_id: uuid.UUID,
    job_id: uuid.UUID,
    fence: int,
    sample: Sample,
    used_seconds: float,
) -> JobState | None:
    """Store the result of a finished run, exactly once.

    1. The file goes to the blob store; a crash after that leaves a file that nothing names.
    2. The job ends under its fence; a worker that lost its lease stores nothing (None).
    3. Response and artifact are written in the same transaction, unless a cancel came first.
    """
    sha256 = store_bytes(sample.content)
    with transaction.atomic():
        state = jobs.finish_job(job_id=job_id, fence=fence, used_seconds=used_seconds)
        if state == JobState.SUCCEEDED:
            response = Response.objects.create(
                generation_id=generation_id,
                fence=fence,
                text=sample.text,
                metrics=dict(sample.metrics),
                extra=dict(sample.extra),
            )
            Artifact.objects.create(
                response=response,
                sha256=sha256,
                size=len(sample.content),
                media_type=sample.media_type,
            )
            transaction.on_commit(lambda: queueing.wake(queueing.INDEXING_QUEUE))
    return state


def cancel_generation(*, generation: Generation) -> Job:
    """Stop a generation; one that has ended stays as it is."""
    return jobs.cancel_job(job_id=generation.job_id)


def retry_generation(
    *, owner: User, generation: Generation, idempotency_key: str | None = None
) -> Submitted:
    """Run a generation without a result again, as a new one linked to it. Raises UnableToRetry."""
    if not generation.job.terminal or generation.job.state == JobState.SUCCEEDED:
        raise UnableToRetry(f"It is {generation.job.status}.")
    request = SubmitRequest(
        model=generation.checkpoint.slug,
        prompt=generation.prompt,
        params=generation.parameters,
        seed=generation.seed,
        tags=tuple(generation.tags),
        parent_id=generation.parent_id,
        retried_from_id=generation.id,
    )
    return submit_generation(owner=owner, request=request, idempotency_key=idempotency_key)


def trash_generation(*, generation: Generation) -> None:
    """Put a generation in the trash; it stops being found, and a running one is canceled."""
    jobs.cancel_job(job_id=generation.job_id)
    Generation.objects.filter(id=generation.id, trashed_at__isnull=True).update(
        trashed_at=timezone.now()
    )


def restore_generation(*, generation: Generation) -> None:
    """Take a generation out of the trash."""
    Generation.objects.filter(id=generation.id).update(trashed_at=None)
