"""Jobs in any order of events: the statements against a model of them in Python.

Hypothesis invents what three workers, three owners, a reaper, an admin and the clock do. After
each step every row must be as the model has it, and the rules of `tests/faults/invariants.py` that
hold at any time must hold; at the end all work is drained, and then all of them must.
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field

import pytest
from django.conf import settings as site
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.factories import make_user
from tests.faults.invariants import BROKEN
from webapp import queueing
from webapp.common.ids import uuid7
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobAttempt, Priority, Worker

pytestmark = pytest.mark.django_db

QUEUE = "family.gan"
NUM_WORKERS = 3
ATTEMPT_SECONDS = 60
MAX_ATTEMPTS = 2
MAX_RUNNING = 2
RETRY_SECONDS = 5
# No sum of steps comes within three seconds of a limit, so the time that the test itself takes
# decides nothing.
STEPS = (11, 23)
START_WITHIN = 40
END_WITHIN = 95

ALWAYS = [rule for rule in BROKEN if rule.startswith(("I3", "I4", "I6", "I7", "I8", "I10"))]
TERMINAL = ("succeeded", "failed", "canceled", "expired")


@dataclass
class ModelJob:
    """What the row of a job should be; times are seconds of the model's clock."""

    id: uuid.UUID
    owner: int
    priority: int
    start_tag: float
    batch_key: str
    sched_at: float
    expires_at: float
    finish_by: float
    state: str = "queued"
    attempt: int = 0
    crashes: int = 0
    used_seconds: float = 0.0
    cancel_requested: bool = False
    fence: int | None = None
    worker: int | None = None
    deadline_at: float = 0.0

    @property
    def turn(self) -> tuple[int, float, uuid.UUID]:
        return (self.priority, self.start_tag, self.id)

    def end_lease(self, state: str) -> None:
        self.state, self.fence, self.worker = state, None, None


@dataclass
class ModelWorker:
    id: int
    heartbeat_at: float
    dead: bool = False


@dataclass
class Model:
    now: float = 0.0
    jobs: dict[uuid.UUID, ModelJob] = field(default_factory=dict)
    workers: list[ModelWorker] = field(default_factory=list)
    #: Every lease that was ever given, also those that have ended: (job, fence).
    leases: list[tuple[uuid.UUID, int]] = field(default_factory=list)

    def holder(self, lease: tuple[uuid.UUID, int]) -> ModelJob | None:
        job = self.jobs[lease[0]]
        return job if job.state == "running" and job.fence == lease[1] else None

    def running_of(self, owner: int) -> int:
        return sum(job.state == "running" and job.owner == owner for job in self.jobs.values())

    def next_claim(self, *, limit: int, is_busy: bool, hold_back: bool) -> set[uuid.UUID]:
        ready = sorted(
            (
                job
                for job in self.jobs.values()
                if job.state == "queued"
                and job.sched_at <= self.now
                and min(job.expires_at, job.finish_by) > self.now
                and self.running_of(job.owner) < MAX_RUNNING
            ),
            key=lambda job: job.turn,
        )
        heads = [job for job in ready if job.crashes == 0 or not is_busy or hold_back]
        if not heads or (heads[0].crashes and is_busy):
            return set()
        head = heads[0]
        mates = [
            job
            for job in ready
            if job is not head
            and job.batch_key == head.batch_key
            and job.crashes == 0
            and head.crashes == 0
        ][: limit - 1]
        chosen: set[uuid.UUID] = set()
        taken: dict[int, int] = {}
        for job in [head, *sorted(mates, key=lambda job: (job.start_tag, job.id))]:
            taken[job.owner] = taken.get(job.owner, 0) + 1
            if self.running_of(job.owner) + taken[job.owner] <= MAX_RUNNING:
                chosen.add(job.id)
        return chosen

    def reap(self) -> None:
        for worker in self.workers:
            if worker.heartbeat_at < self.now - site.JOBS_HEARTBEAT_TTL:
                worker.dead = True
        dead = {worker.id for worker in self.workers if worker.dead}
        for job in self.jobs.values():
            is_late = job.deadline_at < self.now
            if job.state == "running" and (is_late or job.worker in dead):
                is_out_of_time = job.finish_by <= self.now
                job.crashes += not is_out_of_time
                if is_late and not is_out_of_time:
                    job.used_seconds += ATTEMPT_SECONDS
                if job.cancel_requested:
                    job.end_lease("canceled")
                elif is_out_of_time or job.crashes >= jobs.MAX_CRASHES:
                    job.end_lease("failed")
                else:
                    job.end_lease("queued")
            if job.state == "queued" and min(job.expires_at, job.finish_by) < self.now:
                job.state = "expired"


class AnyOrder(RuleBasedStateMachine):
    """Each example lives in a transaction of its own that is rolled back at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.model = Model()
        self.owners = [make_user() for _ in range(3)]
        for slot in range(NUM_WORKERS):
            self.model.workers.append(self.new_worker(slot))

    def teardown(self) -> None:
        try:
            self.drain_everything()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def new_worker(self, slot: int) -> ModelWorker:
        row = jobs.register_worker(queues=[QUEUE], node="model", slot=slot, pid=slot + 1, info={})
        return ModelWorker(row.id, self.model.now)

    def drain_everything(self) -> None:
        """Whatever has happened, working on ends every job."""
        for _ in range(200):
            if all(job.state in TERMINAL for job in self.model.jobs.values()):
                break
            self.reap()
            for slot in range(NUM_WORKERS):
                self.beat(slot)
                self.claim(slot, limit=4, is_busy=False, hold_back=False)
            for number in reversed(range(len(self.model.leases))):
                self.finish(number)
            self.advance(11)
        self.rows_are_as_the_model()
        self.check(list(BROKEN))

    def check(self, rules: list[str]) -> None:
        with connection.cursor() as cursor:
            for name in rules:
                cursor.execute(BROKEN[name])
                assert cursor.fetchall() == [], name

    def pick(self, number: int) -> tuple[uuid.UUID, int] | None:
        leases = self.model.leases
        return leases[-1 - number % len(leases)] if leases else None

    @rule(
        owner=st.integers(0, 2),
        priority=st.sampled_from(list(Priority)),
        batch_key=st.sampled_from("ab"),
        must_start=st.booleans(),
        must_end=st.booleans(),
        count=st.integers(1, 3),
    )
    def submit(
        self,
        *,
        owner: int,
        priority: Priority,
        batch_key: str,
        must_start: bool,
        must_end: bool,
        count: int,
    ) -> None:
        def within(seconds: int) -> datetime.datetime:
            return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)

        new = [
            jobs.NewJob(
                uuid7(),
                "model",
                QUEUE,
                attempt_seconds=ATTEMPT_SECONDS,
                batch_key=batch_key,
                priority=priority,
                expires_at=within(START_WITHIN) if must_start else None,
                finish_by=within(END_WITHIN) if must_end else None,
                max_attempts=MAX_ATTEMPTS,
            )
            for _ in range(count)
        ]
        rows = jobs.submit_jobs(owner=self.owners[owner], jobs=new)
        tags = [row.start_tag for row in rows]
        assert tags == sorted(set(tags)), "An owner's own jobs are served as they came."
        for row in rows:
            self.model.jobs[row.id] = ModelJob(
                row.id,
                owner,
                priority,
                row.start_tag,
                batch_key,
                sched_at=self.model.now,
                expires_at=self.model.now + START_WITHIN if must_start else float("inf"),
                finish_by=self.model.now + END_WITHIN if must_end else float("inf"),
            )

    @rule(
        slot=st.integers(0, NUM_WORKERS - 1),
        limit=st.integers(1, 4),
        is_busy=st.booleans(),
        hold_back=st.booleans(),
    )
    def claim(self, slot: int, limit: int, *, is_busy: bool, hold_back: bool) -> None:
        """Also by a worker that does not know yet that it was declared dead."""
        worker = self.model.workers[slot]
        expected = self.model.next_claim(limit=limit, is_busy=is_busy, hold_back=hold_back)
        claimed = jobs.claim_jobs(
            worker_id=worker.id, queues=[QUEUE], limit=limit, busy=is_busy, hold_back=hold_back
        )
        assert {job.id for job in claimed} == expected
        earlier = [fence for _, fence in self.model.leases]
        for row in claimed:
            assert all(row.fence > fence for fence in earlier)
            job = self.model.jobs[row.id]
            job.state, job.fence, job.worker = "running", row.fence, worker.id
            job.attempt += 1
            job.deadline_at = min(self.model.now + ATTEMPT_SECONDS, job.finish_by)
            self.model.leases.append((row.id, row.fence))

    @rule(slot=st.integers(0, NUM_WORKERS - 1))
    def beat(self, slot: int) -> None:
        worker = self.model.workers[slot]
        state = jobs.beat(worker_id=worker.id, info={})
        assert (state is None) == worker.dead
        if worker.dead:
            self.model.workers[slot] = self.new_worker(slot)
        else:
            worker.heartbeat_at = self.model.now

    @rule(slot=st.integers(0, NUM_WORKERS - 1))
    def restart(self, slot: int) -> None:
        """A worker is killed; its successor of the same slot says so, and its jobs are reaped."""
        lost = self.model.workers[slot].id
        for job in self.model.jobs.values():
            # For the model, the work of a process that is gone is found by the next reaping.
            if job.worker == lost:
                job.worker = -1
        self.model.workers[slot] = self.new_worker(slot)
        jobs.reap()
        gone = ModelWorker(-1, self.model.now, dead=True)
        self.model.workers.append(gone)
        self.model.reap()
        self.model.workers.remove(gone)

    @rule(number=st.integers(0, 6))
    def finish(self, number: int) -> None:
        lease = self.pick(number)
        if lease is None:
            return
        state = jobs.finish_job(job_id=lease[0], fence=lease[1], used_seconds=1.5)
        job = self.model.holder(lease)
        if job is None:
            assert state is None
            return
        job.used_seconds += 1.5
        job.end_lease("canceled" if job.cancel_requested else "succeeded")
        assert state == job.state

    @rule(number=st.integers(0, 6), is_transient=st.booleans())
    def fail(self, number: int, is_transient: bool) -> None:
        lease = self.pick(number)
        if lease is None:
            return
        state = jobs.fail_job(
            job_id=lease[0],
            fence=lease[1],
            code="oom",
            detail="",
            transient=is_transient,
            used_seconds=0.5,
            retry_in_seconds=RETRY_SECONDS,
        )
        job = self.model.holder(lease)
        if job is None:
            assert state is None
            return
        job.used_seconds += 0.5
        if is_transient and job.attempt < MAX_ATTEMPTS:
            job.sched_at = self.model.now + RETRY_SECONDS
            job.end_lease("canceled" if job.cancel_requested else "queued")
        else:
            job.end_lease("canceled" if job.cancel_requested else "failed")
        assert state == job.state

    @rule(number=st.integers(0, 6))
    def release(self, number: int) -> None:
        lease = self.pick(number)
        if lease is None:
            return
        state = jobs.release_job(job_id=lease[0], fence=lease[1])
        job = self.model.holder(lease)
        if job is None:
            assert state is None
            return
        job.attempt -= 1
        job.end_lease("canceled" if job.cancel_requested else "queued")
        assert state == job.state

    @rule(number=st.integers(0, 6))
    def cancel(self, number: int) -> None:
        known = list(self.model.jobs.values())
        if not known:
            return
        job = known[-1 - number % len(known)]
        row = jobs.cancel_job(job_id=job.id)
        if job.state == "queued":
            job.state = "canceled"
        elif job.state == "running":
            job.cancel_requested = True
        assert row.state == job.state

    @rule(number=st.integers(0, 6))
    def requeue_failed(self, number: int) -> None:
        known = list(self.model.jobs.values())
        if not known:
            return
        failed = [job for job in known if job.state == "failed"]
        job = failed[number % len(failed)] if failed else known[number % len(known)]
        assert jobs.requeue_failed_job(job_id=job.id) == (job.state == "failed")
        if job.state == "failed":
            job.state, job.attempt, job.crashes = "queued", 0, 0
            job.sched_at, job.cancel_requested = self.model.now, False

    @rule()
    def reap(self) -> None:
        jobs.reap()
        self.model.reap()

    @rule(seconds=st.sampled_from(STEPS))
    def advance(self, seconds: int) -> None:
        """Time passes: every time that the database has is moved into the past."""
        self.model.now += seconds
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET sched_at = sched_at - %(by)s::interval,"
                " deadline_at = deadline_at - %(by)s::interval,"
                " expires_at = expires_at - %(by)s::interval,"
                " finish_by = finish_by - %(by)s::interval WHERE state IN ('queued', 'running')",
                {"by": f"{seconds} seconds"},
            )
            # The guard refuses changes of ended jobs, but failed ones may be started over later.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE jobs_job DISABLE TRIGGER jobs_guard")
            cursor.execute(
                "UPDATE jobs_job SET expires_at = expires_at - %(by)s::interval,"
                " finish_by = finish_by - %(by)s::interval WHERE state = 'failed'",
                {"by": f"{seconds} seconds"},
            )
            cursor.execute("ALTER TABLE jobs_job ENABLE TRIGGER jobs_guard")
        for worker in Worker.objects.all():
            worker.heartbeat_at -= datetime.timedelta(seconds=seconds)
            worker.save(update_fields=["heartbeat_at"])

    @invariant()
    def rows_are_as_the_model(self) -> None:
        columns = ("id", "state", "attempt", "crashes", "fence", "used_seconds")
        rows = {row[0]: row[1:] for row in Job.objects.values_list(*columns)}
        assert rows == {
            job.id: (job.state, job.attempt, job.crashes, job.fence, job.used_seconds)
            for job in self.model.jobs.values()
        }

    @invariant()
    def rules_hold(self) -> None:
        self.check(ALWAYS)
        open_attempts = set(
            JobAttempt.objects.filter(ended_at=None).values_list("job_id", "fence")
        )
        held = Job.objects.filter(state="running").values_list("id", "fence")
        assert open_attempts == set(held)


def test_rows_follow_the_model_whatever_happens(monkeypatch, settings_of_site):
    monkeypatch.setattr(queueing, "wake", _ignore)
    profile = settings(
        max_examples=12,
        stateful_step_count=40,
        deadline=None,
        # Shrinking replays whole histories against the database and outlasts a test's time.
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AnyOrder, settings=profile)


def _ignore(_queue: str) -> None:
    """Wake-ups are for workers that sleep; these do not."""


@pytest.fixture
def settings_of_site(settings):
    settings.JOBS_MAX_RUNNING_PER_OWNER = MAX_RUNNING
