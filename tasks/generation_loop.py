"""The worker's loop: claim, advance every run by a step, publish, end what is done, claim again.

Runs join and leave between steps. Runs of the same checkpoint share its passes; checkpoints take
turns. Nothing here decides what a run computes: its bytes depend on its request alone
(`genmodels.contract`). And nothing here waits for Postgres or Redis while a run could advance:
that is done in the background (`tasks.bookkeeping`).
"""

from __future__ import annotations

import dataclasses
import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import FailedRuns, GenerationRequest, Generator, Run
from tasks import bookkeeping
from tasks.bookkeeping import (
    Background,
    Bookkeeping,
    Held,
    InputLost,
    ModelReplaced,
    Room,
    Seen,
)
from tasks.comparison import compare
from tasks.generators import generator_key
from webapp.catalog.models import Checkpoint
from webapp.common import live
from webapp.common.problems import DATABASE_OUTAGES
from webapp.common.storage import BlobCorrupt, BlobMissing, read_blob
from webapp.generations.broadcast import PROGRESS_SECONDS, Broadcast, progress_facts
from webapp.generations.inputs import KeptInput
from webapp.generations.models import Generation, Reproduction
from webapp.generations.operations import Completion
from webapp.jobs.operations import ClaimedJob

logger = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")

#: Runs that one process holds at a time, over all its checkpoints.
MAX_RUNS = 64
#: Seconds between looks at the database while runs go on: for new jobs, and for cancels.
LOOK_SECONDS = 0.1
#: Seconds between looks when there was a word of something new.
NUDGED_SECONDS = 0.02
#: How long a process without work listens before it goes back to waiting for messages, which
#: wake it less quickly.
LINGER_SECONDS = 0.5
#: Seconds between writes of a run's progress to its row.
ROW_SECONDS = 1.0
#: What takes longer than this to end is not waited for by a job that must run alone.
SOON_SECONDS = 30.0
#: How much longer each run is silent for every other that has something to tell.
_SECONDS_PER_EVENT = 0.015
#: Seconds until the database is asked again after it could not be.
_OUTAGE_SECONDS = 0.5


class Process(bookkeeping.Process, Protocol):
    """What the loop needs of the worker process that it runs in."""

    @property
    def sure(self) -> bool: ...

    @property
    def nudged(self) -> threading.Event:
        """Set when there may be new jobs."""
        ...

    @property
    def doomed(self) -> set[uuid.UUID]:
        """Jobs that somebody has just asked to cancel; the loop empties it."""
        ...

    @property
    def batch_limits(self) -> MutableMapping[str, int]:
        """How many runs of a checkpoint fit into memory, where fewer do than it has slots for."""
        ...

    def let_go(self, job_id: uuid.UUID) -> None: ...


class Generators(Protocol):
    """Where the loop gets loaded checkpoints from."""

    def get(self, key: str, checkpoint: Checkpoint) -> Generator: ...


@dataclass(eq=False)
class ActiveRun:
    """A claimed job on its way through a generator."""

    job: ClaimedJob
    generation_id: uuid.UUID
    run: Run
    opened_at: float
    broadcast: Broadcast
    row_at: float = 0.0
    steps: int = 0
    pass_seconds: float = 0.0
    #: Its share of the passes: what it is charged with.
    used_seconds: float = 0.0
    #: How many runs shared a pass of it at most.
    most_company: int = 0
    #: Where the bytes lie that it is to make again.
    original_sha256: str = ""

    @property
    def seconds_left(self) -> float:
        """How much longer it will take at its pace so far; 0 while nothing is known."""
        progress = self.run.progress
        if progress.done == 0:
            return 0.0
        elapsed = time.monotonic() - self.opened_at
        return elapsed * (progress.total - progress.done) / progress.done


@dataclass
class Group:
    """The runs of one checkpoint, at most `limit` of which share a pass.

    `single` after a pass failed: then each run goes alone until the culprit is found. `suspects`
    shared a pass when memory ran out: if one of them needs too much even alone, the limit was not
    to blame and is `limit_before` again.
    """

    generator: Generator
    limit: int
    runs: list[ActiveRun] = field(default_factory=list)
    single: bool = False
    suspects: set[ActiveRun] = field(default_factory=set)
    limit_before: int = 0


class GenerationLoop:
    """Runs jobs until none is left that this process may take."""

    def __init__(
        self,
        *,
        process: Process,
        generators: Generators,
        background: Background,
        environment: Mapping[str, Any],
    ) -> None:
        self._process = process
        self._generators = generators
        self._background = background
        self._environment = environment
        self._books = Bookkeeping(process)
        self._groups: dict[str, Group] = {}
        self._endings: list[Future[None]] = []
        self._look: Future[Seen] | None = None
        self._doomed_at_look: set[uuid.UUID] = set()
        #: How many runs share a pass, by the batch keys that came so far.
        self._limits: dict[str, int] = {}
        #: Whether the latest look could take any job: none that must run alone was left out.
        self._looked_alone = False
        self._looked_at = -math.inf
        self._untold: list[live.NewEvent] = []

    def run_until_idle(self) -> None:
        """Return when nothing runs and nothing waits; survives an outage of Postgres."""
        idle_since: float | None = None
        while self._process.sure and self._process.accepts_work:
            self._attend()
            if self._groups:
                idle_since = None
                advanced = [self._step(key) for key in list(self._groups)]
                if not any(advanced) and self._look is not None:
                    wait_for([self._look], timeout=LOOK_SECONDS)
                continue
            now = time.monotonic()
            idle_since = now if idle_since is None else idle_since
            left_seconds = idle_since + LINGER_SECONDS - now
            if self._looked_alone:
                if left_seconds <= 0:
                    break
                self._process.nudged.wait(min(left_seconds, LOOK_SECONDS))
        if self._process.sure:
            self._release_all()
        else:
            self._abandon()
        # A result that is on its way to the database must get there.
        wait_for(self._endings)

    def _active(self) -> list[ActiveRun]:
        return [active for group in self._groups.values() for active in group.runs]

    def _attend(self) -> None:
        """Have the rows looked at when it is time, and take in what was found."""
        if self._look is None and self._is_time():
            self._look = self._ask()
        # There is something to wait for only where nothing can advance.
        if self._look is not None and (self._look.done() or not self._groups):
            look, self._look = self._look, None
            self._take_in(look)

    def _is_time(self) -> bool:
        now = time.monotonic()
        if self._process.doomed:
            self._process.doomed.intersection_update([run.job.id for run in self._active()])
        is_new_alone = not self._groups and not self._looked_alone
        if self._process.doomed or is_new_alone or now >= self._looked_at + LOOK_SECONDS:
            return True
        return self._process.nudged.is_set() and now >= self._looked_at + NUDGED_SECONDS

    def _ask(self) -> Future[Seen]:
        self._looked_at = time.monotonic()
        self._process.nudged.clear()
        self._doomed_at_look = set(self._process.doomed)
        self._endings = [ending for ending in self._endings if not ending.done()]
        active = self._active()
        is_busy = bool(active or self._endings)
        self._looked_alone = not is_busy
        room = Room(
            runs=MAX_RUNS - len(active),
            by_batch_key=self._limits
            | {key: max(0, group.limit - len(group.runs)) for key, group in self._groups.items()},
            is_busy=is_busy,
            ends_soon=all(run.seconds_left <= SOON_SECONDS for run in active),
        )
        if any(run.job.crashes for run in active):
            # One that lost a worker before runs alone.
            room = dataclasses.replace(room, runs=0)
        return self._background.submit(
            self._books.look,
            [Held(run.job.id, run.job.fence, run.used_seconds) for run in active],
            room,
        )

    def _take_in(self, look: Future[Seen]) -> None:
        try:
            seen = look.result()
        except DATABASE_OUTAGES as error:
            logger.warning("looking again in a moment: %s", error)
            self._looked_at = time.monotonic() + _OUTAGE_SECONDS
            self._looked_alone = True
            return
        self._process.doomed.difference_update(self._doomed_at_look)
        for active in self._active():
            if active.job.id in seen.lost or active.job.id in seen.canceled:
                self._remove(active)
                self._process.let_go(active.job.id)
                if active.job.id in seen.canceled:
                    active.broadcast.tell_changed()
        for job, row in seen.claimed:
            self._open(job, row)
        self._tell()

    def _open(self, job: ClaimedJob, row: Generation) -> None:
        broadcast = Broadcast(generation_id=row.id, owner_id=row.owner_id, publish=self._announce)
        broadcast.tell_started()
        try:
            group, run = self._open_run(job, row)
        except Exception as error:
            # A task boundary: whatever opening raises is this job's failure, not its neighbours'.
            if isinstance(error, UnableToLoadCheckpoint):
                self._background.submit(self._books.mark_unavailable, row.checkpoint_id, error)
            self._end(self._fail, job, broadcast, error, 0.0)
            return
        self._groups[job.batch_key] = group
        reproduction: Reproduction | None = getattr(row, "reproduction", None)
        group.runs.append(
            ActiveRun(
                job,
                row.id,
                run,
                opened_at=time.monotonic(),
                broadcast=broadcast,
                original_sha256=reproduction.original_sha256 if reproduction else "",
            )
        )

    def _open_run(self, job: ClaimedJob, row: Generation) -> tuple[Group, Run]:
        key = generator_key(row.checkpoint, revision=row.checkpoint_revision)
        generator = self._generators.get(key, row.checkpoint)
        if generator.card.weights_sha256 != row.checkpoint_revision:
            raise ModelReplaced
        request = GenerationRequest(
            prompt=row.prompt,
            parameters=row.parameters,
            seed=row.seed,
            inputs={name: _read_input(name, kept) for name, kept in row.kept_inputs.items()},
        )
        limit = min(generator.slots, self._process.batch_limits.get(job.batch_key, MAX_RUNS))
        self._limits[job.batch_key] = limit
        group = self._groups.get(job.batch_key) or Group(generator, limit)
        return group, generator.open(request)

    def _step(self, key: str) -> bool:
        """One pass of a group: at most `limit` of its runs, taking turns if there are more.

        Returns whether there was one to advance: those just asked to cancel are not.
        """
        group = self._groups[key]
        ready = [active for active in group.runs if active.job.id not in self._process.doomed]
        members = ready[: 1 if group.single else group.limit]
        if not members:
            return False
        group.runs = [active for active in group.runs if active not in members] + members
        started = time.monotonic()
        try:
            group.generator.advance([active.run for active in members])
        except FailedRuns as failed:
            members = self._part_with(failed, members)
        except Exception as error:
            # A task boundary: a pass that raises must not take the process down with it.
            self._recover(key, members, error)
            return True
        seconds = time.monotonic() - started
        for active in members:
            active.steps += 1
            active.pass_seconds += seconds
            active.used_seconds += seconds / len(members)
            active.most_company = max(active.most_company, len(members))
        done = [active for active in members if active.run.done]
        for active in done:
            self._remove(active)
        if done:
            self._end(self._finish, done)
        self._publish([active for active in members if not active.run.done])
        return True

    def _part_with(self, failed: FailedRuns, members: Sequence[ActiveRun]) -> list[ActiveRun]:
        """End the runs that cannot go on; returns the others, which have advanced."""
        errors = {id(run): error for run, error in failed.failures}
        for active in members:
            error = errors.get(id(active.run))
            if error is not None:
                self._remove(active)
                self._end(self._fail, active.job, active.broadcast, error, active.used_seconds)
        return [active for active in members if id(active.run) not in errors]

    def _recover(self, key: str, members: list[ActiveRun], error: Exception) -> None:
        """Start the runs of a failed pass over, fewer at a time.

        Half of them where memory ran out; else one at a time, to find whose fault it was.
        """
        group = self._groups[key]
        out_of_memory = bookkeeping.is_out_of_memory(error)
        if len(members) == 1:
            group.single = False
            active = members[0]
            if out_of_memory and active in group.suspects:
                group.limit = self._process.batch_limits[key] = group.limit_before
                group.suspects.clear()
            self._remove(active)
            self._end(self._fail, active.job, active.broadcast, error, active.used_seconds)
            return
        logger.warning("a pass of %s runs failed: %s", len(members), error)
        if out_of_memory:
            if not group.suspects:
                group.limit_before = group.limit
            group.suspects.update(members)
            group.limit = self._process.batch_limits[key] = len(members) // 2
        else:
            group.single = True
        for active in members:
            active.run = group.generator.open(active.run.request)

    def _end(
        self, ending: Callable[Arguments, None], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> None:
        self._endings.append(self._background.submit(ending, *args, **kwargs))

    def _finish(self, done: Sequence[ActiveRun]) -> None:
        """In the background: store results and tell of them; those that cannot be, singly."""
        try:
            states = self._books.finish([self._completion_of(active) for active in done])
        except Exception as error:
            # A task boundary: encoding or storing a result may fail as a pass may.
            if len(done) > 1:
                for active in done:
                    self._finish([active])
            else:
                [active] = done
                self._fail(active.job, active.broadcast, error, active.used_seconds)
            return
        for active, state in zip(done, states, strict=True):
            self._process.let_go(active.job.id)
            if state is None:
                logger.warning("job %s was finished by another process", active.job.id)
        live.publish_all([active.broadcast.changed for active in done])

    def _completion_of(self, active: ActiveRun) -> Completion:
        """The result, and how long it took. Its bytes depend on the request alone."""
        timings = {
            "run_seconds": round(time.monotonic() - active.opened_at, 4),
            "pass_seconds": round(active.pass_seconds, 4),
            "used_seconds": round(active.used_seconds, 4),
            "passes": active.steps,
        }
        sample = active.run.sample
        comparison = None
        if active.original_sha256:
            original = _read_if_there(active.original_sha256)
            comparison = compare(original, sample.content, sample.media_type)
        return Completion(
            generation_id=active.generation_id,
            job_id=active.job.id,
            fence=active.job.fence,
            sample=dataclasses.replace(sample, metrics={**sample.metrics, **timings}),
            used_seconds=active.used_seconds,
            environment={**self._environment, "most_runs_in_a_pass": active.most_company},
            comparison=comparison,
        )

    def _fail(
        self, job: ClaimedJob, broadcast: Broadcast, error: Exception, used_seconds: float
    ) -> None:
        """In the background: end an attempt and tell of it."""
        self._books.fail(job, error, used_seconds)
        self._process.let_go(job.id)
        live.publish_all([broadcast.changed])

    def _publish(self, members: Sequence[ActiveRun]) -> None:
        """Tell whoever looks how far these runs are; the more there are, the less often each."""
        if self._background.is_behind:
            return
        pace = max(PROGRESS_SECONDS, _SECONDS_PER_EVENT * len(members))
        now = time.monotonic()
        for active in members:
            if not active.broadcast.is_due:
                continue
            active.broadcast.tell_progress(active.run, pace=pace)
            if now >= active.row_at + ROW_SECONDS:
                active.row_at = now
                facts = progress_facts(active.run.progress)
                self._background.submit(self._books.record_progress, active.job, facts)
        self._tell()

    def _tell(self) -> None:
        """Send what was announced since, in one exchange with Redis."""
        if self._untold:
            events, self._untold = self._untold, []
            self._background.submit(live.publish_all, events)

    def _announce(self, topics: Sequence[str], event_type: str, data: Mapping[str, Any]) -> None:
        self._untold.append(live.NewEvent(topics, event_type, data))

    def _remove(self, active: ActiveRun) -> None:
        group = self._groups[active.job.batch_key]
        group.runs.remove(active)
        group.suspects.discard(active)
        if not group.runs:
            del self._groups[active.job.batch_key]

    def _release_all(self) -> None:
        """Give everything back: this process is to stop, and others can go on."""
        if self._look is not None:
            # It may have claimed more.
            self._take_in(self._look)
            self._look = None
        for active in self._active():
            self._remove(active)
            self._end(self._release, active)

    def _release(self, active: ActiveRun) -> None:
        """In the background: give a job back and tell of it."""
        self._books.release(active.job)
        self._process.let_go(active.job.id)
        live.publish_all([active.broadcast.changed])

    def _abandon(self) -> None:
        """The lease may be over: stop at once and store nothing."""
        for active in self._active():
            self._remove(active)
            self._process.let_go(active.job.id)


def _read_input(name: str, kept: KeptInput) -> bytes:
    try:
        return read_blob(kept.sha256)
    except (BlobMissing, BlobCorrupt) as error:
        raise InputLost(name) from error


def _read_if_there(sha256: str) -> bytes | None:
    try:
        return read_blob(sha256)
    except BlobMissing:
        return None
