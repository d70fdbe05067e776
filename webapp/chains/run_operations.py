"""Writes on runs: beginning, going on, stopping, trying again, the trash.

A run goes on in transactions that hold its row: what a step came to is noted, and the next step is
queued, in one of them or not at all. So whoever dies, and however many look at the same run, each
step is queued once. Whoever looks finds what is to be done in the rows (`list_due_runs`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.queries import UnableToUseCheckpoint
from webapp.chains.checking import check_definition, check_inputs
from webapp.chains.definitions import Definition
from webapp.chains.models import Chain, ChainRun, ChainRunStep
from webapp.chains.queries import get_version
from webapp.chains.run_queries import UnableToFindRun
from webapp.chains.stepping import UnableToUseOutput, describe_refusal, request_of_step
from webapp.common import live
from webapp.common.ids import uuid7
from webapp.common.refusals import Conflict
from webapp.generations import operations as generations
from webapp.generations.broadcast import tell_changed, topic_of_owner
from webapp.generations.models import Generation
from webapp.jobs import operations as jobs
from webapp.jobs.admission import Refused
from webapp.jobs.idempotency import made_before
from webapp.jobs.models import JobState

#: A step that was refused for a quota or a full queue is tried again after this long at most.
_MAX_WAIT_SECONDS = 60
_MIN_WAIT_SECONDS = 2
_ENDPOINT = "chain-runs"


class UnableToRunChain(Conflict):
    """The chain is in the trash."""


class UnableToRetryRun(Conflict):
    """Only a run that ended without its last result can go on."""


@dataclass(frozen=True)
class StartedRun:
    """A run that was accepted, now or by an earlier request with the same key."""

    run_id: uuid.UUID
    replayed: bool


def start_run(
    *,
    owner: User,
    chain: Chain,
    values: Mapping[str, str],
    number: int | None = None,
    idempotency_key: str | None = None,
) -> StartedRun:
    """Begin a run of a version of the chain, of the newest if no number is given.

    Its first step is queued with it or nothing is stored. Raises InvalidRequest with every fault,
    UnableToFindChainVersion, UnableToRunChain, UnableToReuseIdempotencyKey, and what submitting a
    generation raises.
    """
    version = get_version(chain, number)
    definition = version.definition
    run_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=[str(chain.id), number, dict(values)],
            object_id=run_id,
        )
        if earlier_id is not None:
            return StartedRun(earlier_id, replayed=True)
        if chain.trashed_at is not None:
            raise UnableToRunChain("The chain is in the trash.")
        inputs = check_inputs(definition=definition, values=values)
        checked = check_definition(user=owner, definition=definition)
        run = ChainRun.objects.create(
            id=run_id,
            owner=owner,
            chain=chain,
            version=version,
            inputs=inputs,
            # For other steps that can begin at once; none of them is lost with this process.
            look_at=Now(),
        )
        steps = ChainRunStep.objects.bulk_create(
            ChainRunStep(run=run, place=place, prompt_version=each.version)
            for place, each in enumerate(checked)
        )
        _begin_first(run, definition, steps)
        transaction.on_commit(partial(_tell, run))
    go_on(run_id=run_id)
    return StartedRun(run_id, replayed=False)


def _begin_first(run: ChainRun, definition: Definition, steps: Sequence[ChainRunStep]) -> None:
    """The first step leans on no other, so what is wrong with it is wrong with the request."""
    try:
        _queue(run, definition, steps, place=0)
    except InvalidRequest as error:
        raise InvalidRequest(
            [
                fault
                if fault.pointer.startswith("/steps/")
                else Fault(f"/steps/0{fault.pointer}", fault.code, fault.detail)
                for fault in error.faults
            ]
        ) from error


def _queue(
    run: ChainRun, definition: Definition, steps: Sequence[ChainRunStep], *, place: int
) -> None:
    request = request_of_step(run=run, definition=definition, steps=steps, place=place)
    submitted = generations.submit_generation(owner=run.owner, request=request)
    ChainRunStep.objects.filter(id=steps[place].id, started_at__isnull=True).update(
        generation_id=submitted.generation_id, started_at=Now()
    )


def go_on(*, run_id: uuid.UUID) -> None:
    """Do all that can be done for a run now; what another process does already is left to it."""
    while _go_one_step(run_id):
        pass


def _go_one_step(run_id: uuid.UUID) -> bool:
    """One transaction; whether another may find more to do.

    1. Note what steps that ran have come to.
    2. Where one ended without a result, or a cancel was asked for, nothing is begun any more.
    3. Otherwise queue one step whose predecessors have all succeeded.
    4. End the run where nothing runs and nothing is left to begin.
    """
    with transaction.atomic():
        rows = ChainRun.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        run = (
            rows.select_related("owner", "version")
            .filter(id=run_id, state=JobState.RUNNING)
            .first()
        )
        if run is None:
            return False
        steps = _note_ends(run)
        definition = run.version.definition
        broken = next((step for step in steps if step.state not in {"", JobState.SUCCEEDED}), None)
        is_active = any(step.started_at and not step.state for step in steps)
        is_stopped = broken is not None or run.cancel_requested_at is not None
        ready = [] if is_stopped else _ready_places(definition, steps)
        if ready:
            return _begin(run, definition, steps, ready[0], has_more=len(ready) > 1)
        ChainRun.objects.filter(id=run.id).update(look_at=None)
        if not is_active:
            _end(run, broken, is_whole=all(step.state == JobState.SUCCEEDED for step in steps))
        return False


def _note_ends(run: ChainRun) -> list[ChainRunStep]:
    rows = run.steps.select_related(
        "generation__job", "generation__response", "prompt_version", "retried"
    )
    steps = list(rows.order_by("place"))
    for step in steps:
        if step.state or step.started_at is None:
            continue
        if step.generation is None:
            step.state = JobState.FAILED
        elif step.generation.job.terminal:
            step.state = step.generation.job.state
        if step.state:
            ChainRunStep.objects.filter(id=step.id).update(state=step.state)
            _count_change(run)
    return steps


def _ready_places(definition: Definition, steps: Sequence[ChainRunStep]) -> list[int]:
    return [
        step.place
        for step in steps
        if step.started_at is None
        and all(
            steps[place].state == JobState.SUCCEEDED
            for place in definition.places_used_by(step.place)
        )
    ]


def _begin(
    run: ChainRun,
    definition: Definition,
    steps: Sequence[ChainRunStep],
    place: int,
    *,
    has_more: bool,
) -> bool:
    """Queue a step; one that is refused for now is tried again later, another ends as failed."""
    changes: dict[str, object]
    try:
        with transaction.atomic():
            _queue(run, definition, steps, place=place)
    except Refused as error:
        asked = error.retry_after_seconds or _MIN_WAIT_SECONDS
        seconds = min(max(asked, _MIN_WAIT_SECONDS), _MAX_WAIT_SECONDS)
        changes = {
            "look_at": Now() + timedelta(seconds=seconds),
            "reason_code": error.code,
            "reason_detail": str(error),
        }
        goes_on = False
    except (InvalidRequest, UnableToUseCheckpoint, UnableToUseOutput) as error:
        ChainRunStep.objects.filter(id=steps[place].id).update(
            state=JobState.FAILED, started_at=Now()
        )
        code, detail = _describe(error)
        changes = {"look_at": Now(), "reason_code": code, "reason_detail": detail}
        goes_on = True
    else:
        # Kept until the last of them is queued, so that a crash here holds up none of them.
        look_at = Now() if has_more else None
        changes = {"look_at": look_at, "reason_code": "", "reason_detail": ""}
        goes_on = has_more
    ChainRun.objects.filter(id=run.id).update(**changes)
    _count_change(run)
    return goes_on


def _describe(error: Exception) -> tuple[str, str]:
    match error:
        case InvalidRequest():
            return "invalid_request", describe_refusal(error)
        case UnableToUseOutput():
            return error.code, str(error)
        case _:
            return "model_unavailable", str(error)


def _end(run: ChainRun, broken: ChainRunStep | None, *, is_whole: bool) -> None:
    """End a run as the step ended that broke it, or as canceled, or with everything made."""
    changes: dict[str, object] = {"reason_code": "", "reason_detail": ""}
    if broken is not None:
        state = broken.state
        changes = {}
        # Of one that could not be queued the reason is there already.
        if broken.generation is not None:
            job = broken.generation.job
            changes = {"reason_code": job.error_code, "reason_detail": job.error_detail}
    else:
        state = JobState.SUCCEEDED if is_whole else JobState.CANCELED
    ChainRun.objects.filter(id=run.id).update(
        state=state, finished_at=Now(), look_at=None, **changes
    )
    _count_change(run)


def give_up(*, run_id: uuid.UUID) -> None:
    """End a run that cannot go on for a reason that nobody expected; it can be tried again."""
    with transaction.atomic():
        run = ChainRun.objects.select_for_update(no_key=True).get(id=run_id)
        if run.terminal:
            return
        ChainRun.objects.filter(id=run_id).update(
            state=JobState.FAILED,
            finished_at=Now(),
            look_at=None,
            reason_code="internal_error",
            reason_detail="Going on failed on the server.",
        )
        _count_change(run)


def _count_change(run: ChainRun) -> None:
    ChainRun.objects.filter(id=run.id).update(status_seq=F("status_seq") + 1)
    transaction.on_commit(partial(_tell, run))


def _tell(run: ChainRun) -> None:
    """Say that its row has something new: look there."""
    topics = (str(run.id), topic_of_owner(run.owner_id))
    live.publish(topics, "chain_run.changed", {"id": str(run.id)})


def cancel_run(*, run: ChainRun) -> None:
    """Begin nothing more and stop what runs; a run that has ended stays as it is."""
    with transaction.atomic():
        locked = _lock(run)
        if locked.terminal:
            return
        ChainRun.objects.filter(id=run.id, cancel_requested_at__isnull=True).update(
            cancel_requested_at=Now(), look_at=Now()
        )
        active = Q(chain_step__run=run, chain_step__state="", job__finished_at__isnull=True)
        job_ids = list(Generation.objects.filter(active).values_list("job_id", flat=True))
        canceled = jobs.cancel_jobs(job_ids)
        transaction.on_commit(partial(tell_changed, [job.id for job in canceled]))
        _count_change(locked)
    go_on(run_id=run.id)


def retry_run(*, run: ChainRun) -> None:
    """Go on from the steps that ended without a result; what is finished is kept.

    Raises UnableToRetryRun.
    """
    with transaction.atomic():
        locked = _lock(run)
        if not locked.terminal or locked.state == JobState.SUCCEEDED:
            raise UnableToRetryRun(f"Nothing to retry. It is {locked.status}.")
        broken = locked.steps.exclude(state__in=["", JobState.SUCCEEDED])
        for step in broken:
            ChainRunStep.objects.filter(id=step.id).update(
                retried=step.generation_id or step.retried_id,
                generation=None,
                state="",
                started_at=None,
            )
        ChainRun.objects.filter(id=run.id).update(
            state=JobState.RUNNING,
            finished_at=None,
            cancel_requested_at=None,
            reason_code="",
            reason_detail="",
            look_at=Now(),
        )
        _count_change(locked)
    go_on(run_id=run.id)


def trash_run(*, run: ChainRun) -> None:
    """Put a run in the trash, with its generations that are not there; what runs is canceled."""
    cancel_run(run=run)
    with transaction.atomic():
        now = timezone.now()
        if ChainRun.objects.filter(id=run.id, trashed_at__isnull=True).update(trashed_at=now):
            mine = Generation.objects.filter(chain_step__run=run, trashed_at__isnull=True)
            mine.update(trashed_at=now)


def restore_run(*, run: ChainRun) -> None:
    """Take a run out of the trash, with those of its generations that went there with it."""
    with transaction.atomic():
        row = _lock(run)
        if row.trashed_at is not None:
            mine = Generation.objects.filter(chain_step__run=run, trashed_at=row.trashed_at)
            mine.update(trashed_at=None)
            ChainRun.objects.filter(id=run.id).update(trashed_at=None)


def _lock(run: ChainRun) -> ChainRun:
    row = ChainRun.objects.select_for_update(no_key=True).filter(id=run.id).first()
    if row is None:
        raise UnableToFindRun(str(run.id))
    return row
