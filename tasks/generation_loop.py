"""The worker's loop: claim, advance every run by a step, publish, end what is done, claim again.

Runs join and leave between steps. Runs of the same checkpoint share its passes; checkpoints take
turns. Nothing here decides what a run computes: its bytes depend on its request alone
(`genmodels.contract`).
"""

from __future__ import annotations

import base64
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from django.conf import settings
from django.db import connection

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import GenerationRequest, Generator, InvalidRequest, Run, Sample
from webapp.catalog.models import Checkpoint
from webapp.catalog.operations import mark_unavailable
from webapp.common import live
from webapp.common.problems import DATABASE_OUTAGES
from webapp.generations import operations as generations
from webapp.generations.models import Generation, Response
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.models import JobState
from webapp.jobs.operations import ClaimedJob

logger = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")

#: Runs that one process holds at a time, over all its checkpoints.
MAX_RUNS = 32
#: Jobs taken at one claim: enough to fill a pass, few enough to leave some for other processes.
CLAIM_LIMIT = 8
#: Seconds between looks at the database while runs go on: for new jobs, and for cancels.
LOOK_SECONDS = 0.05
#: Seconds between the progress events of a run, between its previews, and between writes to its
#: row.
PROGRESS_SECONDS = 0.1
PREVIEW_SECONDS = 0.4
ROW_SECONDS = 1.0
#: How long the end of a job is tried again while Postgres is away.
FINISH_SECONDS = 120


class Process(Protocol):
    """What the loop needs of the worker process that it runs in."""

    @property
    def id(self) -> int: ...

    @property
    def queues(self) -> list[str]: ...

    @property
    def sure(self) -> bool: ...

    @property
    def accepts_work(self) -> bool: ...

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None: ...

    def let_go(self, job_id: uuid.UUID) -> None: ...


class Generators(Protocol):
    """Where the loop gets loaded checkpoints from."""

    def get(self, key: str, folder: Path) -> Generator: ...


@dataclass
class ActiveRun:
    """A claimed job on its way through a generator."""

    job: ClaimedJob
    generation_id: uuid.UUID
    run: Run
    opened_at: float
    progress_at: float = 0.0
    preview_at: float = 0.0
    row_at: float = 0.0
    steps: int = 0
    pass_seconds: float = 0.0


@dataclass
class Group:
    """The runs of one checkpoint. `single` after a pass failed: then each run goes alone."""

    generator: Generator
    runs: list[ActiveRun] = field(default_factory=list)
    single: bool = False


def checkpoint_folder(checkpoint: Checkpoint) -> Path:
    """Where this host keeps a checkpoint: where it was found, or below the host's own roots."""
    noted = Path(checkpoint.folder)
    candidates = [noted, *(root / checkpoint.slug for root in settings.PINAKES_CHECKPOINTS)]
    return next((folder for folder in candidates if folder.is_dir()), noted)


class GenerationLoop:
    """Runs jobs until none is left that this process may take."""

    def __init__(self, *, process: Process, generators: Generators) -> None:
        self._process = process
        self._generators = generators
        self._groups: dict[str, Group] = {}
        self._look_at = 0.0

    def run_until_idle(self) -> None:
        """Return when nothing runs and nothing waits; survives an outage of Postgres."""
        while True:
            try:
                self._look()
            except DATABASE_OUTAGES as error:
                logger.warning("looking again in a moment: %s", error)
                connection.close()
                time.sleep(0.5)
                if not self._groups:
                    return
            if not self._process.sure:
                self._abandon()
                return
            if not self._groups:
                return
            for key in list(self._groups):
                self._step(key)

    def _active(self) -> list[ActiveRun]:
        return [active for group in self._groups.values() for active in group.runs]

    def _look(self) -> None:
        """Claim new jobs, and notice cancels and lost leases, at most every LOOK_SECONDS."""
        now = time.monotonic()
        active = self._active()
        if active and now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        if active:
            self._check_leases(active)
        if self._process.accepts_work:
            self._claim()
        else:
            self._release_all()

    def _check_leases(self, active: Sequence[ActiveRun]) -> None:
        held = job_queries.look_at_jobs([run.job.id for run in active])
        if any(seen.overdue for seen in held.values()):
            jobs.reap()
            held = job_queries.look_at_jobs([run.job.id for run in active])
        for run in active:
            seen = held.get(run.job.id)
            if seen is None or seen.fence != run.job.fence:
                logger.warning("job %s was taken away", run.job.id)
                self._remove(run)
            elif seen.cancel_requested:
                # The cancel flag is set, so this can only end as canceled.
                jobs.finish_job(job_id=run.job.id, fence=run.job.fence)
                self._remove(run)
                self._publish_end(run)

    def _claim(self) -> None:
        """Take jobs while there is room; one that lost a worker before runs alone."""
        while True:
            active = self._active()
            if len(active) >= MAX_RUNS or any(run.job.crashes for run in active):
                return
            full = [key for key, group in self._groups.items() if len(group.runs) >= MAX_RUNS // 2]
            claimed = jobs.claim_jobs(
                worker_id=self._process.id,
                queues=self._process.queues,
                limit=min(CLAIM_LIMIT, MAX_RUNS - len(active)),
                busy=bool(active),
                full=full,
            )
            if not claimed:
                return
            self._open_all(claimed)
            if len(claimed) < CLAIM_LIMIT:
                return

    def _open_all(self, claimed: Sequence[ClaimedJob]) -> None:
        rows = Generation.objects.select_related("checkpoint", "job").filter(
            job_id__in=[job.id for job in claimed]
        )
        by_job = {row.job_id: row for row in rows}
        for job in claimed:
            row = by_job[job.id]
            self._process.hold(job.id, seconds=row.job.attempt_seconds)
            live.publish(str(row.id), "generation.status", {"status": JobState.RUNNING})
            try:
                self._open(job, row)
            except Exception as error:
                # A task boundary: whatever opening raises is this job's failure, not its
                # neighbours'.
                self._fail(job, row.id, error)

    def _open(self, job: ClaimedJob, row: Generation) -> None:
        key = f"{row.checkpoint.slug}@{row.checkpoint_revision}"
        try:
            generator = self._generators.get(key, checkpoint_folder(row.checkpoint))
        except UnableToLoadCheckpoint as error:
            mark_unavailable(checkpoint_id=row.checkpoint_id, reason=str(error))
            raise
        if generator.card.weights_sha256 != row.checkpoint_revision:
            raise ModelReplaced
        request = GenerationRequest(prompt=row.prompt, parameters=row.parameters, seed=row.seed)
        run = generator.open(request)
        group = self._groups.setdefault(job.batch_key, Group(generator))
        group.runs.append(ActiveRun(job, row.id, run, opened_at=time.monotonic()))

    def _step(self, key: str) -> None:
        """One pass of a group: at most `slots` of its runs, taking turns if there are more."""
        group = self._groups[key]
        slots = 1 if group.single else group.generator.slots
        members = [active for active in group.runs[:slots] if not active.run.done]
        group.runs = [*group.runs[slots:], *group.runs[:slots]]
        started = time.monotonic()
        try:
            if members:
                group.generator.advance([active.run for active in members])
        except Exception as error:
            # A task boundary: a pass that raises must not take the process down with it.
            self._recover(group, members, error)
            return
        seconds = time.monotonic() - started
        for active in members:
            active.steps += 1
            active.pass_seconds += seconds
        for active in members:
            if active.run.done:
                self._finish(active)
            else:
                self._publish(active)

    def _recover(self, group: Group, members: list[ActiveRun], error: Exception) -> None:
        """After a failed pass start its runs over, one at a time, to find whose fault it was."""
        if len(members) == 1:
            self._remove(members[0])
            self._fail(members[0].job, members[0].generation_id, error)
            return
        logger.warning("a pass of %s runs failed; running them singly", len(members))
        group.single = True
        for active in members:
            active.run = group.generator.open(active.run.request)

    def _finish(self, active: ActiveRun) -> None:
        try:
            sample = active.run.sample
        except Exception as error:
            # A task boundary: encoding a result may fail as a pass may.
            self._remove(active)
            self._fail(active.job, active.generation_id, error)
            return
        sample = _with_timings(sample, active)
        try:
            state = self._patiently(lambda: self._complete(active, sample))
        except OSError as error:
            self._remove(active)
            self._fail(active.job, active.generation_id, error)
            return
        self._remove(active)
        if state is None:
            logger.warning("job %s was finished by another process", active.job.id)
            return
        self._publish_end(active)

    @staticmethod
    def _complete(active: ActiveRun, sample: Sample) -> JobState | None:
        state = generations.complete_generation(
            generation_id=active.generation_id,
            job_id=active.job.id,
            fence=active.job.fence,
            sample=sample,
        )
        mine = Response.objects.filter(generation=active.generation_id, fence=active.job.fence)
        if state is None and mine.exists():
            # The commit had gone through although its answer was lost.
            return JobState.SUCCEEDED
        return state

    def _fail(self, job: ClaimedJob, generation_id: uuid.UUID, error: Exception) -> None:
        failure = _describe(error)
        logger.warning("job %s failed: %s", job.id, failure.code, exc_info=error)
        self._process.let_go(job.id)
        self._patiently(
            lambda: jobs.fail_job(
                job_id=job.id,
                fence=job.fence,
                code=failure.code,
                detail=failure.detail,
                transient=failure.transient,
                error="".join(traceback.format_exception(error))[-8000:],
            )
        )
        live.publish(str(generation_id), "generation.changed", {})

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

    def _publish(self, active: ActiveRun) -> None:
        """Tell whoever looks how far a run is, not more often than eyes can follow."""
        now = time.monotonic()
        topic = str(active.generation_id)
        progress = active.run.progress
        facts = {"done": progress.done, "total": progress.total, "unit": progress.unit}
        if now >= active.progress_at + PROGRESS_SECONDS:
            active.progress_at = now
            live.publish(topic, "generation.progress", facts)
        if now >= active.preview_at + PREVIEW_SECONDS:
            active.preview_at = now
            preview = active.run.preview()
            if preview is not None:
                data = {"media_type": preview.media_type, "text": preview.text}
                if preview.content:
                    data["data"] = base64.b64encode(preview.content).decode()
                live.publish(topic, "generation.preview", data)
        if now >= active.row_at + ROW_SECONDS:
            active.row_at = now
            try:
                jobs.record_progress(job_id=active.job.id, fence=active.job.fence, progress=facts)
            except DATABASE_OUTAGES:
                connection.close()

    def _publish_end(self, active: ActiveRun) -> None:
        live.publish(str(active.generation_id), "generation.changed", {})

    def _remove(self, active: ActiveRun) -> None:
        self._process.let_go(active.job.id)
        group = self._groups[active.job.batch_key]
        group.runs.remove(active)
        if not group.runs:
            del self._groups[active.job.batch_key]

    def _release_all(self) -> None:
        """Give everything back: this process is to stop, and others can go on."""
        for active in self._active():
            jobs.release_job(job_id=active.job.id, fence=active.job.fence)
            self._remove(active)
            self._publish_end(active)

    def _abandon(self) -> None:
        """The lease may be over: stop at once and store nothing."""
        for active in self._active():
            self._remove(active)


class ModelReplaced(Exception):
    """The weights on the disk are not those that the request was accepted for."""


@dataclass(frozen=True)
class _Failure:
    code: str
    detail: str
    transient: bool


def _describe(error: Exception) -> _Failure:
    """What a failure is called, what its owner is told, and whether trying again makes sense."""
    match error:
        case InvalidRequest():
            return _Failure("invalid_request", str(error), transient=False)
        case UnableToLoadCheckpoint():
            return _Failure("model_unavailable", "The model cannot be loaded.", transient=False)
        case ModelReplaced():
            detail = "The model was replaced since. Submit it again to use the new one."
            return _Failure("model_replaced", detail, transient=False)
        case MemoryError():
            return _Failure("out_of_memory", "There was not enough memory.", transient=True)
        case _ if type(error).__name__ == "OutOfMemoryError":
            return _Failure("out_of_memory", "There was not enough memory.", transient=True)
        case OSError():
            detail = f"The result could not be stored: {error.strerror}."
            return _Failure("storage_failed", detail, transient=True)
        case _:
            return _Failure(
                "generation_failed", "The model failed on this request.", transient=False
            )


def _with_timings(sample: Sample, active: ActiveRun) -> Sample:
    """Add how long it took. The bytes stay as they are: they depend on the request alone."""
    timings = {
        "run_seconds": round(time.monotonic() - active.opened_at, 4),
        "pass_seconds": round(active.pass_seconds, 4),
        "passes": active.steps,
    }
    return Sample(
        content=sample.content,
        media_type=sample.media_type,
        text=sample.text,
        metrics={**sample.metrics, **timings},
        extra=sample.extra,
    )
