"""A process dies before and after every step of a write: each place, one after the other.

A step is a statement, a commit, or a call that changes files. The process is forked for it, so it
dies as under `kill -9`: nothing is rolled back by it, flushed or said goodbye to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from genmodels.contract import Sample
from tests.factories import make_checkpoint, make_user, make_worker
from tests.faults.invariants import find_broken
from webapp.common.storage import read_blob
from webapp.generations.models import Generation, Response
from webapp.generations.operations import (
    Completion,
    cancel_generation,
    complete_generations,
    submit_generation,
)
from webapp.generations.requests import SubmitRequest
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState, Worker

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "family.transformer"
REQUEST = SubmitRequest(model="toy-text", prompt="a red house", seed=7)
SAMPLE = Sample(b"a result", "text/plain", text="a result")
DIED, CAME_THROUGH = 86, 0
#: More than any of the writes has; reaching it means that counting is broken.
MOST_STEPS = 120


class Countdown:
    """Ends the process at the given step."""

    def __init__(self, step: int) -> None:
        self.left = step

    def tick(self) -> None:
        if self.left == 0:
            os._exit(DIED)
        self.left -= 1

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            result = call(*args, **kwargs)
            self.tick()
            return result

        return counted

    def statement(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        return self.around(execute)(sql, params, many, context)

    @contextmanager
    def counting(self) -> Iterator[None]:
        plain: Any = connection  # its commit is private, and the only place that sees all of them
        plain._commit = self.around(plain._commit)
        os.fsync = self.around(os.fsync)
        Path.replace = self.around(Path.replace)  # type: ignore[method-assign]
        with connection.execute_wrapper(self.statement):
            yield


def die_at(step: int, work: Callable[[], object]) -> bool:
    """Do `work` in a process that dies at this step; False when there was no such step."""
    process_id = os.fork()
    if process_id == 0:
        # The parent goes on using its connection, so the child may not even close it.
        connection.connection = None
        status = 1
        try:
            connection.ensure_connection()
            with Countdown(step).counting():
                work()
            status = CAME_THROUGH
        finally:
            os._exit(status)
    _, ended = os.waitpid(process_id, 0)
    status = os.waitstatus_to_exitcode(ended)
    assert status in {DIED, CAME_THROUGH}, f"step {step} raised"
    await_rollback()
    return status == DIED


def await_rollback() -> None:
    """Wait until PostgreSQL has noticed the death: until then it keeps the locks of the dead.

    A reaper passes by what is locked, and comes again; the tests call it once.
    """
    open_ones = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        " AND backend_type = 'client backend'"
    )
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as direct:
        while direct.execute(open_ones).fetchone() != (0,):
            time.sleep(0.005)


def every_step(work_of: Callable[[int], Callable[[], object]]) -> Iterator[int]:
    """Every step at which work can be cut, after it was; `work_of` prepares what is done."""
    for step in range(MOST_STEPS):
        if not die_at(step, work_of(step)):
            assert step > 5, "there must be something to cut"
            return
        yield step
    raise AssertionError("it never came through")


def assert_intact() -> None:
    with psycopg.connect(**connection.get_connection_params()) as direct:
        broken = find_broken(direct, blobs=settings.PINAKES_BLOBS)
    waiting = ("I2", "I5")  # what waits for its turn has not ended
    assert [line for line in broken if not line.startswith(waiting)] == []


def claim(worker_id: int) -> list[jobs.ClaimedJob]:
    return jobs.claim_jobs(worker_id=worker_id, queues=[QUEUE], limit=8)


@pytest.fixture
def owner():
    make_checkpoint()
    return make_user()


def test_a_submission_is_whole_or_not_there_and_its_key_makes_one(owner):
    def submit(key: str) -> Callable[[], object]:
        return lambda: submit_generation(owner=owner, request=REQUEST, idempotency_key=key)

    steps = list(every_step(lambda step: submit(f"key {step}")))
    assert_intact()
    assert Job.objects.count() == Generation.objects.count() <= len(steps) + 1
    for step in range(len(steps) + 1):
        submit(f"key {step}")()
    assert Generation.objects.count() == Job.objects.count() == len(steps) + 1
    assert_intact()


def test_a_claim_that_was_cut_is_taken_back_with_the_worker(owner):
    generation = submit_generation(owner=owner, request=REQUEST)
    for _ in every_step(lambda _step: lambda: claim(make_worker(queues=[QUEUE]).id)):
        # Its successor in the slot declares it dead.
        Worker.objects.exclude(state="dead").update(state="dead")
        jobs.reap()
        job = Job.objects.get(generation=generation.generation_id)
        assert job.state in {JobState.QUEUED, JobState.FAILED}
        if job.state == JobState.FAILED:
            # Three deaths with this job in hand: it is taken for the cause, rightly here.
            assert job.error_code == "poison"
            jobs.requeue_failed_job(job_id=job.id)
        assert_intact()


def test_a_result_that_was_cut_is_stored_once_in_the_end(owner):
    def prepare(_step: int) -> Callable[[], object]:
        submit_generation(owner=owner, request=REQUEST)
        [job] = claim(make_worker(queues=[QUEUE]).id)
        generation = Generation.objects.get(job_id=job.id)
        sample = Sample(f"result of {generation.id}".encode(), "text/plain", text="a result")
        done = Completion(generation.id, job.id, job.fence, sample, used_seconds=0.1)
        return lambda: complete_generations([done])

    for _ in every_step(prepare):
        assert_intact()
        Worker.objects.exclude(state="dead").update(state="dead")
        jobs.reap()
        worker = make_worker(queues=[QUEUE])
        for job in claim(worker.id):
            generation = Generation.objects.get(job_id=job.id)
            done = Completion(generation.id, job.id, job.fence, SAMPLE, used_seconds=0.1)
            assert complete_generations([done]) == [JobState.SUCCEEDED]
        assert not Job.objects.exclude(state=JobState.SUCCEEDED).exists()
        assert Response.objects.count() == Generation.objects.count()
        for response in Response.objects.all():
            assert read_blob(response.artifacts.get().sha256)
        assert_intact()


def test_a_cancel_that_was_cut_can_be_asked_for_again(owner):
    def prepare(_step: int) -> Callable[[], object]:
        submitted = submit_generation(owner=owner, request=REQUEST)
        generation = Generation.objects.select_related("job").get(id=submitted.generation_id)
        return lambda: cancel_generation(generation=generation)

    for _ in every_step(prepare):
        assert_intact()
        for generation in Generation.objects.select_related("job"):
            cancel_generation(generation=generation)
        assert not Job.objects.exclude(state=JobState.CANCELED).exists()
        assert_intact()
