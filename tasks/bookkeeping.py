"""What the worker's loop has Postgres do: claims, leases, and the end of every job.

All of it waits for disks and connections, so it runs in a thread of its own (`Background`), one
thing after the other, while the loop goes on with its passes.
"""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import connection

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import InvalidRequest, UnableToGenerate
from tasks.recovery import recover
from webapp.catalog.operations import mark_unavailable
from webapp.common.problems import DATABASE_OUTAGES
from webapp.generations import operations as generations
from webapp.generations.models import Generation, Response
from webapp.generations.operations import Completion
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.models import JobState
from webapp.jobs.operations import ClaimedJob

logger = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")
Outcome = TypeVar("Outcome")

#: Jobs taken at one claim: enough to fill a pass, few enough to leave some for other processes.
CLAIM_LIMIT = 8
#: How long the end of a job is tried again while Postgres is away.
FINISH_SECONDS = 120
#: Work that may wait before what can be spared is left out.
_MAX_BACKLOG = 64


class Background(Protocol):
    """Runs work in order, away from the caller."""

    @property
    def is_behind(self) -> bool: ...

    def submit(
        self,
        work: Callable[Arguments, Outcome],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Outcome]: ...


class BackgroundThread:
    """One thread and its queue."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._last: list[Future[Any]] = []

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that events nobody will miss should be left out."""
        self._last = [future for future in self._last if not future.done()]
        return len(self._last) > _MAX_BACKLOG

    def submit(
        self,
        work: Callable[Arguments, Outcome],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Outcome]:
        """Run `work` when all that was submitted before is done."""
        future = self._executor.submit(work, *args, **kwargs)
        self._last.append(future)
        return future


@dataclass(frozen=True)
class Held:
    """A job that the loop runs, as much of it as a look needs."""

    job_id: uuid.UUID
    fence: int
    used_seconds: float


@dataclass(frozen=True)
class Room:
    """What the loop could take: `runs` more at all, and of a batch key only so many.

    `is_busy` keeps out jobs that lost a worker before: those run alone. When it is the turn of
    one, and what runs `ends_soon`, nothing else is taken until it can start.
    """

    runs: int
    by_batch_key: Mapping[str, int]
    is_busy: bool
    ends_soon: bool = True


@dataclass
class Seen:
    """What a look found."""

    lost: set[uuid.UUID] = field(default_factory=set)
    canceled: set[uuid.UUID] = field(default_factory=set)
    claimed: list[tuple[ClaimedJob, Generation]] = field(default_factory=list)


class Process(Protocol):
    """What bookkeeping needs of the worker process."""

    @property
    def id(self) -> int: ...

    @property
    def queues(self) -> list[str]: ...

    @property
    def accepts_work(self) -> bool: ...

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None: ...


class Bookkeeping:
    """Reads and writes of one worker process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        #: After an outage a claim may have been committed without our knowing; at the start too.
        self._may_hold_more = True

    def look(self, held: Sequence[Held], room: Room) -> Seen:
        """Notice cancels and lost leases, and take jobs where there is room.

        A job with its cancel flag set is ended here. Raises DATABASE_OUTAGES.
        """
        seen = Seen()
        try:
            if self._may_hold_more:
                self._release_unknown(held)
                self._may_hold_more = False
            if held:
                self._check_leases(held, seen)
            self._claim(room, seen)
        except DATABASE_OUTAGES:
            connection.close()
            self._may_hold_more = True
            if not seen.claimed:
                raise
        return seen

    def _release_unknown(self, held: Sequence[Held]) -> None:
        """Give back what was claimed by a statement whose answer was lost.

        Whatever was to end before this look has ended, because there is one thread.
        """
        known = {job.job_id for job in held}
        for job_id, fence in job_queries.list_held_jobs(worker_id=self._process.id):
            if job_id not in known:
                logger.warning("job %s was claimed unnoticed; giving it back", job_id)
                jobs.release_job(job_id=job_id, fence=fence)

    def _check_leases(self, held: Sequence[Held], seen: Seen) -> None:
        found = job_queries.look_at_jobs([job.job_id for job in held])
        if any(row.overdue for row in found.values()):
            recover()
            found = job_queries.look_at_jobs([job.job_id for job in held])
        for job in held:
            row = found.get(job.job_id)
            if row is None or row.fence != job.fence:
                logger.warning("job %s was taken away", job.job_id)
                seen.lost.add(job.job_id)
            elif row.cancel_requested:
                # The cancel flag is set, so this can only end as canceled.
                jobs.finish_job(job_id=job.job_id, fence=job.fence, used_seconds=job.used_seconds)
                seen.canceled.add(job.job_id)

    def _claim(self, room: Room, seen: Seen) -> None:
        """Take jobs while there is room; one that lost a worker before runs alone."""
        if room.runs <= 0 or not job_queries.has_work(self._process.queues):
            return
        left = room.runs
        left_of = dict(room.by_batch_key)
        while left > 0:
            claimed = jobs.claim_jobs(
                worker_id=self._process.id,
                queues=self._process.queues,
                limit=min(CLAIM_LIMIT, left),
                busy=room.is_busy or bool(seen.claimed),
                hold_back=room.ends_soon,
                room=left_of,
            )
            rows = Generation.objects.select_related(
                "checkpoint__connector", "job", "reproduction"
            ).filter(job_id__in=[job.id for job in claimed])
            by_job = {row.job_id: row for row in rows}
            for job in claimed:
                self._process.hold(job.id, seconds=by_job[job.id].job.attempt_seconds)
                seen.claimed.append((job, by_job[job.id]))
            for job in claimed:
                # Of what was never loaded here, no more is taken than came with the first.
                left_of[job.batch_key] = max(0, left_of.get(job.batch_key, 1) - 1)
            left -= len(claimed)
            if len(claimed) < CLAIM_LIMIT or any(job.crashes for job in claimed):
                return

    def finish(self, completions: Sequence[Completion]) -> list[JobState | None]:
        """Store results, all in one transaction; None where a lease was lost.

        Raises OSError where a file cannot be written, and then nothing was stored.
        """
        return self._patiently(lambda: self._complete(completions)) or [None] * len(completions)

    @staticmethod
    def _complete(completions: Sequence[Completion]) -> list[JobState | None]:
        states = generations.complete_generations(completions)
        return [
            state or _outcome_of_lost_answer(each)
            for state, each in zip(states, completions, strict=True)
        ]

    def fail(self, job: ClaimedJob, error: Exception, used_seconds: float) -> None:
        """End an attempt that raised."""
        failure = _describe(error)
        logger.warning("job %s failed: %s", job.id, failure.code, exc_info=error)
        self._patiently(
            lambda: jobs.fail_job(
                job_id=job.id,
                fence=job.fence,
                code=failure.code,
                detail=failure.detail,
                transient=failure.transient,
                used_seconds=used_seconds,
                error="".join(traceback.format_exception(error))[-8000:],
            )
        )

    def mark_unavailable(self, checkpoint_id: int, error: UnableToLoadCheckpoint) -> None:
        """Remember that a checkpoint cannot be loaded, and why."""
        self._patiently(lambda: mark_unavailable(checkpoint_id=checkpoint_id, reason=str(error)))

    def release(self, job: ClaimedJob) -> None:
        """Give a job back unharmed."""
        self._patiently(lambda: jobs.release_job(job_id=job.id, fence=job.fence))

    def record_progress(self, job: ClaimedJob, facts: Mapping[str, Any]) -> None:
        """Keep how far a job is; during an outage nothing is kept."""
        try:
            jobs.record_progress(job_id=job.id, fence=job.fence, progress=facts)
        except DATABASE_OUTAGES:
            connection.close()

    def _patiently(self, write: Callable[[], Outcome]) -> Outcome | None:
        """Try a write again while Postgres is away; the fence makes it happen once."""
        give_up_at = time.monotonic() + FINISH_SECONDS
        while True:
            try:
                return write()
            except DATABASE_OUTAGES as error:
                if time.monotonic() > give_up_at:
                    logger.exception("given up; the lease will end by itself")
                    return None
                logger.warning("writing again in a moment: %s", error)
                connection.close()
                time.sleep(0.5)


def _outcome_of_lost_answer(completion: Completion) -> JobState | None:
    """Succeeded where the commit had gone through although its answer was lost."""
    mine = Response.objects.filter(generation=completion.generation_id, fence=completion.fence)
    return JobState.SUCCEEDED if mine.exists() else None


class ModelReplaced(Exception):
    """The weights on the disk are not those that the request was accepted for."""


class InputLost(Exception):
    """The bytes of a file that the request starts from are gone, or are others by now."""


@dataclass(frozen=True)
class _Failure:
    code: str
    detail: str
    transient: bool


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, of the machine or of an accelerator."""
    # torch.OutOfMemoryError by its name, because this module does without torch.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _describe(error: Exception) -> _Failure:
    """What a failure is called, what its owner is told, and whether trying again makes sense."""
    match error:
        case UnableToGenerate():
            return _Failure(error.code, error.detail, transient=error.transient)
        case InvalidRequest():
            return _Failure("invalid_request", str(error), transient=False)
        case UnableToLoadCheckpoint():
            return _Failure("model_unavailable", "The model cannot be loaded.", transient=False)
        case ModelReplaced():
            detail = "The model was replaced since. Submit it again to use the new one."
            return _Failure("model_replaced", detail, transient=False)
        case InputLost():
            detail = f"The file that it starts from ({error}) is lost. Bring it again."
            return _Failure("input_lost", detail, transient=False)
        case _ if is_out_of_memory(error):
            return _Failure("out_of_memory", "There was not enough memory.", transient=True)
        case OSError():
            detail = f"The result could not be stored: {error.strerror}."
            return _Failure("storage_failed", detail, transient=True)
        case _:
            return _Failure(
                "generation_failed", "The model failed on this request.", transient=False
            )
