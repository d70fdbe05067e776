"""Writes on generations."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from genmodels.contract import (
    Fault,
    InputFacts,
    InvalidRequest,
    Sample,
    resolve_request,
)
from webapp import queueing
from webapp.accounts.models import User
from webapp.catalog.models import CONNECTED, Checkpoint
from webapp.catalog.queries import (
    AUTO,
    UnableToFindCheckpoint,
    checkpoint_for,
    one_of_each_family,
)
from webapp.common import live
from webapp.common.ids import uuid7
from webapp.common.refusals import Conflict
from webapp.common.storage import store_bytes
from webapp.generations.batching import BatchRequest, Cell, Expansion, expand, size_faults
from webapp.generations.broadcast import Broadcast, tell_changed
from webapp.generations.comparing import (
    MIN_MODELS,
    ComparisonRequest,
    expand_comparison,
    find_models,
)
from webapp.generations.input_queries import find_inputs
from webapp.generations.inputs import KeptInput
from webapp.generations.models import (
    Artifact,
    Batch,
    Generation,
    Reproduction,
    Response,
    Verdict,
)
from webapp.generations.requests import SubmitRequest, draw_seed
from webapp.generations.tag_operations import name_tags
from webapp.generations.tags import tag_faults
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.admission import return_share, take_share
from webapp.jobs.idempotency import made_before
from webapp.jobs.models import Job, JobState
from webapp.jobs.operations import FinishedJob, NewJob
from webapp.prompts.queries import UnableToFindTemplate, get_version

JOB_KIND = "generation"

#: How long one attempt may take, in seconds, by what is made.
_ATTEMPT_SECONDS = {"text": 120, "molecule": 120, "music": 120, "video": 3600}
_DEFAULT_ATTEMPT_SECONDS = 600
#: Of large models, the loading counts as well.
_CONNECTED_ATTEMPT_SECONDS = 3600


class UnableToReproduce(Conflict):
    """Only a result can be made again, and only with the weights that made it."""

    @property
    def detail(self) -> str:
        """What cannot be done, and why."""
        return f"It cannot be made again. {self}"


class UnableToRetry(Conflict):
    """Only a generation that ended without a result can be retried."""

    @property
    def detail(self) -> str:
        """What cannot be done, and why."""
        return f"Nothing to retry. {self}"


@dataclass(frozen=True)
class Submitted:
    """An accepted generation.

    `generation` is None when an earlier request with the same key had made it.
    """

    generation_id: uuid.UUID
    generation: Generation | None

    @property
    def replayed(self) -> bool:
        """Whether nothing was made now."""
        return self.generation is None


@dataclass(frozen=True)
class SubmittedBatch:
    """An accepted batch, with its generations in their places.

    There are none where an earlier request with the same key had made it.
    """

    batch_id: uuid.UUID
    generations: tuple[Generation, ...]

    @property
    def replayed(self) -> bool:
        """Whether nothing was made now."""
        return not self.generations


@dataclass(frozen=True)
class _Key:
    """What stands for a request that may be sent again."""

    endpoint: str
    text: str
    request: SubmitRequest | BatchRequest | ComparisonRequest


def submit_generation(
    *,
    owner: User,
    request: SubmitRequest,
    idempotency_key: str | None = None,
    original: Artifact | None = None,
    alongside: Callable[[Generation], None] | None = None,
) -> Submitted:
    """Accept a request: generation, job, key and first event in one transaction, then a wake-up.

    What is stored `alongside` is stored in that transaction, and what it raises refuses all.
    Raises InvalidRequest with every fault, UnableToUseCheckpoint, or UnableToReuseIdempotencyKey;
    in each case nothing was stored.
    """
    checkpoint = _checkpoint(request, request.prompt)
    inputs, faults = find_inputs(user=owner, references=request.inputs)
    faults += _circumstantial_faults(owner, request)
    with _joined_to(faults):
        resolved = resolve_request(
            checkpoint.card,
            prompt=request.prompt,
            parameters=request.params,
            seed=draw_seed() if request.seed is None else request.seed,
            inputs=_facts(inputs),
        )
    cell = Cell(resolved, checkpoint)
    key = None if idempotency_key is None else _Key("generations", idempotency_key, request)
    generation_id = uuid7()
    with _shares(owner, request, [cell]) as new_jobs, transaction.atomic():
        earlier_id = _made_before(owner, key, generation_id)
        if earlier_id is not None:
            new_jobs.clear()
            return Submitted(earlier_id, generation=None)
        [generation] = _store(owner, request, [cell], inputs, new_jobs, ids=[generation_id])
        if original is None:
            # So that nobody asks the database what is known here.
            Generation.reproduction.related.set_cached_value(generation, None)
        else:
            generation.reproduction = Reproduction.objects.create(
                generation=generation,
                original_id=original.response_id,
                original_sha256=original.sha256,
            )
        if alongside is not None:
            alongside(generation)
    return Submitted(generation_id, generation)


def submit_batch(
    *, owner: User, request: BatchRequest, idempotency_key: str | None = None
) -> SubmittedBatch:
    """Accept many generations in one transaction, all or none. Raises as `submit_generation`."""
    faults = size_faults(request)
    if faults:
        raise InvalidRequest(faults)
    checkpoints = [_checkpoint(request.each, prompt) for prompt in request.prompts]
    inputs, faults = find_inputs(user=owner, references=request.each.inputs)
    faults += _circumstantial_faults(owner, request.each)
    with _joined_to(faults):
        expansion = expand(request, checkpoints, _facts(inputs))
    key = None if idempotency_key is None else _Key("batches", idempotency_key, request)
    batch = Batch(id=uuid7(), owner=owner, model=request.each.model)
    return _accept_batch(batch, request.each, expansion, inputs, key)


def submit_comparison(
    *, owner: User, request: ComparisonRequest, idempotency_key: str | None = None
) -> SubmittedBatch:
    """Accept one generation of every model, all or none. Raises as `submit_generation`.

    Where one of every family is asked for, those whose models refuse the prompt are left out.
    """
    faults = _circumstantial_faults(owner, request.each)
    checkpoints: list[Checkpoint | None]
    if isinstance(request.models, str):
        checkpoints = [*one_of_each_family(request.each.prompt)]
        if not request.each.prompt.strip():
            faults.append(Fault("/prompt", "required", "must not be empty"))
        elif len(checkpoints) < MIN_MODELS:
            detail = "fewer than two families have a model that takes this prompt"
            faults.append(Fault("/models", "too_few", detail))
    else:
        checkpoints, model_faults = find_models(request.models)
        faults += model_faults
    with _joined_to(faults):
        expansion = expand_comparison(request, checkpoints)
    key = None if idempotency_key is None else _Key("comparisons", idempotency_key, request)
    batch = Batch(id=uuid7(), owner=owner, is_comparison=True, is_blind=request.is_blind)
    return _accept_batch(batch, request.each, expansion, {}, key)


def _accept_batch(
    batch: Batch,
    each: SubmitRequest,
    expansion: Expansion,
    inputs: Mapping[str, KeptInput],
    key: _Key | None,
) -> SubmittedBatch:
    """Store a batch with its generations, or find the one that the key made before."""
    batch.axes, batch.total = expansion.axes_as_json(), len(expansion.cells)
    owner = batch.owner
    with _shares(owner, each, expansion.cells) as new_jobs, transaction.atomic():
        earlier_id = _made_before(owner, key, batch.id)
        if earlier_id is not None:
            new_jobs.clear()
            return SubmittedBatch(earlier_id, ())
        batch.save(force_insert=True)
        rows = _store(owner, each, expansion.cells, inputs, new_jobs, batch=batch)
    return SubmittedBatch(batch.id, tuple(rows))


@contextmanager
def _shares(owner: User, request: SubmitRequest, cells: Sequence[Cell]) -> Iterator[list[NewJob]]:
    """The jobs of these cells, whose places in the owner's fair share are taken at once.

    Jobs that were not let in, and those that the caller takes out of the list, give them back:
    otherwise those who ask again and again would have to wait for it one day.
    """
    jobs_of_cells = _jobs_for(owner, request, cells)
    used = list(jobs_of_cells)
    accepted = False
    try:
        yield used
        accepted = bool(used)
    finally:
        if not accepted:
            for queue in {job.queue for job in jobs_of_cells}:
                mine = [job.estimated_seconds for job in jobs_of_cells if job.queue == queue]
                return_share(
                    owner=owner, queue=queue, priority=request.priority, seconds=sum(mine)
                )


def _made_before(owner: User, key: _Key | None, object_id: uuid.UUID) -> uuid.UUID | None:
    if key is None:
        return None
    return made_before(
        owner=owner,
        endpoint=key.endpoint,
        key=key.text,
        request=dataclasses.asdict(key.request),
        object_id=object_id,
    )


def _store(
    owner: User,
    request: SubmitRequest,
    cells: Sequence[Cell],
    inputs: Mapping[str, KeptInput],
    new_jobs: Sequence[NewJob],
    *,
    ids: Sequence[uuid.UUID] = (),
    batch: Batch | None = None,
) -> list[Generation]:
    """Store what was accepted, in the caller's transaction."""
    rows = jobs.submit_jobs(owner=owner, jobs=new_jobs)
    tags = name_tags(owner=owner, tags=request.tags)
    generations = Generation.objects.bulk_create(
        Generation(
            id=ids[place] if ids else uuid7(),
            owner=owner,
            job=row,
            checkpoint=cell.checkpoint,
            checkpoint_revision=cell.checkpoint.revision,
            routed=request.model == AUTO,
            prompt=cell.wish.prompt,
            parameters=dict(cell.wish.parameters),
            inputs={name: kept.to_json() for name, kept in inputs.items()},
            seed=cell.wish.seed,
            tags=tags,
            parent_id=request.parent_id,
            reference_id=request.reference_id,
            prompt_version_id=request.prompt_version_id,
            variables=dict(request.variables),
            retried_from_id=request.retried_from_id,
            batch=batch,
            batch_place=None if batch is None else place,
            # The job's, so that usage, which is counted by jobs, and lists agree.
            created_at=row.created_at,
        )
        for place, (cell, row) in enumerate(zip(cells, rows, strict=True))
    )
    news = [
        Broadcast(generation_id=generation.id, owner_id=owner.pk).changed
        for generation in generations
    ]
    transaction.on_commit(partial(live.publish_all, news))
    return generations


def _jobs_for(owner: User, request: SubmitRequest, cells: Sequence[Cell]) -> list[NewJob]:
    """The jobs of these cells, with start tags."""
    untagged = [_job_for(request, cell.checkpoint) for cell in cells]
    tags: dict[uuid.UUID, float] = {}
    for queue in {job.queue for job in untagged}:
        mine = [job for job in untagged if job.queue == queue]
        shares = take_share(
            owner=owner,
            queue=queue,
            priority=request.priority,
            seconds=[job.estimated_seconds for job in mine],
        )
        tags.update(zip((job.id for job in mine), shares, strict=True))
    return [dataclasses.replace(job, start_tag=tags[job.id]) for job in untagged]


def _job_for(request: SubmitRequest, checkpoint: Checkpoint) -> NewJob:
    batch_key = f"{checkpoint.slug}@{checkpoint.revision}"
    return NewJob(
        id=uuid7(),
        kind=JOB_KIND,
        queue=queueing.family_queue(checkpoint.family),
        attempt_seconds=_attempt_seconds(checkpoint),
        batch_key=batch_key,
        priority=request.priority,
        estimated_seconds=job_queries.estimated_seconds(batch_key),
        expires_at=_in(request.expires_in_seconds),
        finish_by=_in(request.deadline_in_seconds),
    )


def _attempt_seconds(checkpoint: Checkpoint) -> int:
    if checkpoint.family == CONNECTED:
        return _CONNECTED_ATTEMPT_SECONDS
    return _ATTEMPT_SECONDS.get(checkpoint.modality, _DEFAULT_ATTEMPT_SECONDS)


def _in(seconds: int | None) -> datetime.datetime | None:
    return None if seconds is None else timezone.now() + timedelta(seconds=seconds)


def _checkpoint(request: SubmitRequest, prompt: str) -> Checkpoint:
    try:
        return checkpoint_for(
            request.model, prompt=prompt, inputs=request.inputs, task=request.task
        )
    except UnableToFindCheckpoint as error:
        faults = [Fault("/model", "unknown_model", f"there is no model {request.model!r}")]
        raise InvalidRequest(faults) from error


def _circumstantial_faults(owner: User, request: SubmitRequest) -> list[Fault]:
    """What is wrong with a request apart from what the card of its model says."""
    faults = tag_faults(request.tags)
    visible = Generation.objects.visible_to(owner).kept()
    if request.parent_id is not None and not visible.filter(id=request.parent_id).exists():
        faults.append(Fault("/parent", "not_found", "there is no such generation"))
    if request.reference_id is not None:
        results = visible.filter(job__state=JobState.SUCCEEDED)
        if not results.filter(id=request.reference_id).exists():
            faults.append(Fault("/reference", "not_found", "there is no such result"))
    if request.prompt_version_id is not None:
        try:
            get_version(user=owner, version_id=request.prompt_version_id)
        except UnableToFindTemplate:
            faults.append(Fault("/prompt_version", "not_found", "there is no such prompt"))
    for name in ("expires_in", "deadline_in"):
        seconds = getattr(request, f"{name}_seconds")
        if seconds is not None and seconds < 1:
            faults.append(Fault(f"/{name}", "out_of_range", "must be at least 1 second"))
    return faults


def _facts(inputs: Mapping[str, KeptInput]) -> dict[str, InputFacts]:
    return {name: kept.facts for name, kept in inputs.items()}


@contextmanager
def _joined_to(faults: Sequence[Fault]) -> Iterator[None]:
    """Refuse for these faults together with those that the card finds, before anything is stored.

    A file that is not found is told of once, and not called missing besides.
    """
    pointers = {fault.pointer for fault in faults}
    try:
        yield
    except InvalidRequest as error:
        more = [fault for fault in error.faults if fault.pointer not in pointers]
        raise InvalidRequest([*more, *faults]) from error
    if faults:
        raise InvalidRequest(faults)


@dataclass(frozen=True)
class Comparison:
    """A verdict, and what differs."""

    verdict: Verdict
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Completion:
    """The result of a run, and the lease under which it may be stored."""

    generation_id: uuid.UUID
    job_id: uuid.UUID
    fence: int
    sample: Sample
    used_seconds: float
    environment: Mapping[str, Any] = field(default_factory=dict)
    #: For a generation that was to make another's result again.
    comparison: Comparison | None = None


def complete_generations(completions: Sequence[Completion]) -> list[JobState | None]:
    """Store the results of finished runs, each exactly once, all in one transaction.

    1. Files go to the blob store; a crash after that leaves files that nothing names.
    2. Jobs end under their fences; where a worker lost its lease nothing is stored (None).
    3. Responses and artifacts are written in the same transaction, unless a cancel came first.
    """
    hashes = {each.job_id: store_bytes(each.sample.content) for each in completions}
    with transaction.atomic():
        states = jobs.finish_jobs(
            [FinishedJob(each.job_id, each.fence, each.used_seconds) for each in completions]
        )
        stored = [each for each in completions if states.get(each.job_id) == JobState.SUCCEEDED]
        responses = Response.objects.bulk_create(
            Response(
                generation_id=each.generation_id,
                fence=each.fence,
                text=each.sample.text,
                metrics=dict(each.sample.metrics),
                extra=dict(each.sample.extra),
                environment=dict(each.environment),
            )
            for each in stored
        )
        for each in stored:
            if each.comparison is not None:
                Reproduction.objects.filter(generation=each.generation_id).update(
                    verdict=each.comparison.verdict, facts=dict(each.comparison.facts)
                )
        Artifact.objects.bulk_create(
            Artifact(
                response=response,
                sha256=hashes[each.job_id],
                size=len(each.sample.content),
                media_type=each.sample.media_type,
            )
            for response, each in zip(responses, stored, strict=True)
        )
        if stored:
            transaction.on_commit(lambda: queueing.wake(queueing.INDEXING_QUEUE))
    return [states.get(each.job_id) for each in completions]


def cancel_generation(*, generation: Generation) -> Job:
    """Stop a generation; one that has ended stays as it is."""
    [job] = jobs.cancel_jobs([generation.job_id])
    transaction.on_commit(partial(tell_changed, [job.id]))
    return job


def cancel_batch(*, batch: Batch) -> None:
    """Stop all of its generations that have not ended."""
    unfinished = Job.objects.filter(generation__batch=batch, finished_at__isnull=True)
    canceled = jobs.cancel_jobs(list(unfinished.values_list("id", flat=True)))
    transaction.on_commit(partial(tell_changed, [job.id for job in canceled]))


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
        inputs=generation.input_references,
        seed=generation.seed,
        tags=tuple(generation.tags),
        parent_id=generation.parent_id,
        reference_id=generation.reference_id,
        prompt_version_id=generation.prompt_version_id,
        variables=generation.variables,
        retried_from_id=generation.id,
    )
    return submit_generation(owner=owner, request=request, idempotency_key=idempotency_key)


def reproduce_generation(
    *, owner: User, generation: Generation, idempotency_key: str | None = None
) -> Submitted:
    """Make a result again, as a new generation that ends with a verdict on how near it came.

    Raises UnableToReproduce, and what `submit_generation` raises.
    """
    if generation.job.state != JobState.SUCCEEDED:
        raise UnableToReproduce(f"It is {generation.job.status}.")
    if generation.checkpoint.revision != generation.checkpoint_revision:
        raise UnableToReproduce("The model has other weights now than those that made it.")
    original = generation.response.artifacts.order_by("ordinal").first()
    if original is None:
        raise UnableToReproduce("Its result is not kept.")
    request = SubmitRequest(
        model=generation.checkpoint.slug,
        prompt=generation.prompt,
        params=generation.parameters,
        inputs=generation.input_references,
        seed=generation.seed,
        reproduces_id=generation.id,
    )
    return submit_generation(
        owner=owner, request=request, idempotency_key=idempotency_key, original=original
    )


def trash_generation(*, generation: Generation) -> None:
    """Put a generation in the trash; it stops being found, and a running one is canceled."""
    cancel_generation(generation=generation)
    Generation.objects.filter(id=generation.id, trashed_at__isnull=True).update(
        trashed_at=timezone.now(), revision=F("revision") + 1
    )


def restore_generation(*, generation: Generation) -> None:
    """Take a generation out of the trash."""
    Generation.objects.filter(id=generation.id, trashed_at__isnull=False).update(
        trashed_at=None, revision=F("revision") + 1
    )


def trash_batch(*, batch: Batch) -> None:
    """Put a batch in the trash, with its generations that are not there already."""
    cancel_batch(batch=batch)
    with transaction.atomic():
        now = timezone.now()
        if Batch.objects.filter(id=batch.id, trashed_at__isnull=True).update(trashed_at=now):
            batch.generations.filter(trashed_at__isnull=True).update(trashed_at=now)


def restore_batch(*, batch: Batch) -> None:
    """Take a batch out of the trash, with those of its generations that went there with it."""
    with transaction.atomic():
        row = Batch.objects.select_for_update().get(id=batch.id)
        if row.trashed_at is not None:
            batch.generations.filter(trashed_at=row.trashed_at).update(trashed_at=None)
            Batch.objects.filter(id=batch.id).update(trashed_at=None)
