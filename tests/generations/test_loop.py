"""The worker's loop with a pretend generator: who shares a pass, who fails, what is stored."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card, GenerationRequest, Preview, Progress, Sample
from tasks import bookkeeping
from tasks.generation_loop import GenerationLoop
from tests.factories import make_card, make_checkpoint, make_generation, make_user, make_worker
from webapp.catalog.models import Checkpoint
from webapp.common.storage import read_blob
from webapp.generations.models import Generation, Reproduction, Response
from webapp.generations.operations import reproduce_generation
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobAttempt, JobState

pytestmark = pytest.mark.django_db


class FakeRun:
    """Writes one letter of the prompt per pass."""

    def __init__(self, request: GenerationRequest) -> None:
        self.request = request
        self.text = ""

    @property
    def progress(self) -> Progress:
        return Progress(len(self.text), len(self.request.prompt), "letter")

    @property
    def done(self) -> bool:
        return self.text == self.request.prompt

    def preview(self) -> Preview:
        return Preview("text/plain", text=self.text)

    @property
    def sample(self) -> Sample:
        return Sample(self.text.encode(), "text/plain", text=self.text)


class FakeGenerator:
    """Advances fake runs, and remembers who shared each pass."""

    def __init__(self, card: Card, *, slots: int = 4) -> None:
        self.card = card
        self.slots = slots
        self.passes: list[list[str]] = []
        self.before_pass = lambda _runs: None

    def open(self, request: GenerationRequest) -> FakeRun:
        return FakeRun(request)

    def advance(self, runs: Sequence[Any]) -> None:
        self.passes.append([run.request.prompt for run in runs])
        self.before_pass(runs)
        for run in runs:
            run.text = run.request.prompt[: len(run.text) + 1]


class FakeProcess:
    """A worker process that exists as a row only."""

    def __init__(self, queues: list[str]) -> None:
        self.queues = queues
        self.id = make_worker(queues=queues).id
        self.sure = True
        self.accepts_work = True
        self.nudged = threading.Event()
        self.doomed: set[uuid.UUID] = set()
        self.batch_limits: dict[str, int] = {}
        self.held: set[uuid.UUID] = set()

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None:  # noqa: ARG002 -- a fake
        self.held.add(job_id)

    def let_go(self, job_id: uuid.UUID) -> None:
        self.held.discard(job_id)


class Foreground:
    """Does at once what a worker leaves to its background."""

    is_behind = False

    def submit(self, work, *args, **kwargs):
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 -- as a future does
            future.set_exception(error)
        return future


class FakeGenerators:
    """Hands out the test's generators by slug."""

    def __init__(self, *generators: FakeGenerator) -> None:
        self.by_slug = {generator.card.slug: generator for generator in generators}

    def get(self, key: str, checkpoint: Checkpoint) -> FakeGenerator:  # noqa: ARG002 -- a fake
        slug = key.partition("@")[0]
        if slug not in self.by_slug:
            raise UnableToLoadCheckpoint("its weights are gone")
        return self.by_slug[slug]


@pytest.fixture(autouse=True)
def eager_looks(monkeypatch):
    """Look at the database at every step, so that tests need no waiting."""
    monkeypatch.setattr("tasks.generation_loop.LOOK_SECONDS", 0)
    monkeypatch.setattr("tasks.generation_loop.LINGER_SECONDS", 0)


@pytest.fixture
def owner():
    return make_user()


@pytest.fixture
def checkpoint():
    return make_checkpoint()


@pytest.fixture
def generator(checkpoint):
    return FakeGenerator(checkpoint.card)


@pytest.fixture
def process(checkpoint):
    return FakeProcess(["family.transformer"])


@pytest.fixture
def loop(process, generator):
    return GenerationLoop(
        process=process,
        generators=FakeGenerators(generator),
        background=Foreground(),
        environment={"torch": "pretended"},
    )


def test_a_result_is_stored_once_with_its_file(owner, loop, process):
    generation = make_generation(owner=owner, prompt="abc")
    loop.run_until_idle()
    response = Response.objects.get(generation=generation)
    artifact = response.artifacts.get()
    assert response.text == "abc"
    assert read_blob(artifact.sha256) == b"abc"
    assert response.metrics["passes"] == 3
    assert JobAttempt.objects.get(job=generation.job).outcome == "ok"
    assert not process.held


def test_runs_share_passes_and_leave_when_they_are_done(owner, loop, generator):
    for prompt in ("ab", "abcd"):
        make_generation(owner=owner, prompt=prompt)
    loop.run_until_idle()
    assert [len(runs) for runs in generator.passes] == [2, 2, 1, 1]
    assert Response.objects.count() == 2


def test_a_run_joins_between_steps(owner, loop, generator):
    make_generation(owner=owner, prompt="abcd")

    def submit_another(runs):
        if len(generator.passes) == 2:
            make_generation(owner=owner, prompt="xy")

    generator.before_pass = submit_another
    loop.run_until_idle()
    assert generator.passes == [["abcd"], ["abcd"], ["abcd", "xy"], ["abcd", "xy"]]


def test_more_runs_than_slots_take_turns(owner, loop, generator):
    generator.slots = 2
    for prompt in ("aa", "bb", "cc"):
        make_generation(owner=owner, prompt=prompt)
    loop.run_until_idle()
    assert max(len(runs) for runs in generator.passes) == 2
    assert Response.objects.count() == 3


def test_a_cancel_is_noticed_at_the_next_step(owner, loop, generator):
    generation = make_generation(owner=owner, prompt="abcdef")

    def cancel(runs):
        if len(generator.passes) == 2:
            jobs.cancel_job(job_id=generation.job_id)

    generator.before_pass = cancel
    loop.run_until_idle()
    assert len(generator.passes) == 2
    assert Job.objects.get(id=generation.job_id).state == JobState.CANCELED
    assert not Response.objects.exists()


def test_a_run_whose_lease_was_lost_stores_nothing(owner, loop, generator):
    generation = make_generation(owner=owner, prompt="abcd")

    def lose(runs):
        if len(generator.passes) == 2:
            held = Job.objects.get(id=generation.job_id)
            assert held.fence is not None
            jobs.release_job(job_id=held.id, fence=held.fence)
            Job.objects.filter(id=held.id).update(sched_at="2999-01-01T00:00:00Z")

    generator.before_pass = lose
    loop.run_until_idle()
    assert len(generator.passes) == 2
    assert not Response.objects.exists()
    assert Job.objects.get(id=generation.job_id).state == JobState.QUEUED


def test_one_that_raises_does_not_harm_its_neighbours(owner, loop, generator):
    innocent = [make_generation(owner=owner, prompt=prompt) for prompt in ("ab", "cd", "ef")]
    culprit = make_generation(owner=owner, prompt="poison")

    def fail(runs):
        if any(run.request.prompt == "poison" for run in runs):
            raise RuntimeError("shape mismatch at layer 3")

    generator.before_pass = fail
    loop.run_until_idle()
    assert Response.objects.filter(generation__in=innocent).count() == 3
    job = Job.objects.get(id=culprit.job_id)
    assert (job.state, job.error_code) == ("failed", "generation_failed")
    assert "layer 3" not in job.error_detail
    assert "layer 3" in JobAttempt.objects.get(job=job).error


def test_running_out_of_memory_is_tried_again_later(owner, loop, generator):
    generation = make_generation(owner=owner, prompt="ab")

    def fail(runs):
        raise MemoryError

    generator.before_pass = fail
    loop.run_until_idle()
    job = Job.objects.get(id=generation.job_id)
    assert (job.state, job.error_code, job.attempt) == ("queued", "out_of_memory", 1)


def test_memory_that_runs_out_in_company_makes_passes_smaller(owner, loop, generator, process):
    """Halved until it fits, remembered for the process, and nobody fails."""
    for letter in "abcd":
        make_generation(owner=owner, prompt=letter * 3)

    def fail(runs):
        if len(runs) > 1:
            raise MemoryError

    generator.before_pass = fail
    loop.run_until_idle()
    assert Response.objects.count() == 4
    sizes = [len(runs) for runs in generator.passes]
    assert sizes[:2] == [4, 2]
    assert set(sizes[3:]) == {1}
    assert list(process.batch_limits.values()) == [1]


def test_one_that_needs_too_much_even_alone_does_not_make_passes_smaller(
    owner, loop, generator, process
):
    """Its neighbours share their passes as before; it alone has failed."""
    for prompt in ("huge", "abcdef", "ghijkl", "mnopqr"):
        make_generation(owner=owner, prompt=prompt)

    def fail(runs):
        if any(run.request.prompt == "huge" for run in runs):
            raise MemoryError

    generator.before_pass = fail
    loop.run_until_idle()
    assert Response.objects.count() == 3
    assert Job.objects.get(error_code="out_of_memory").attempt == 1
    assert list(process.batch_limits.values()) == [4]
    last_of_it = max(place for place, runs in enumerate(generator.passes) if "huge" in runs)
    assert max(len(runs) for runs in generator.passes[last_of_it + 1 :]) > 1


def test_a_limit_that_was_learnt_holds_for_later_runs(owner, checkpoint, loop, generator, process):
    process.batch_limits[f"{checkpoint.slug}@{checkpoint.revision}"] = 2
    for letter in "abcde":
        make_generation(owner=owner, prompt=letter * 2)
    loop.run_until_idle()
    assert {len(runs) for runs in generator.passes} <= {1, 2}
    assert Response.objects.count() == 5


def test_after_the_culprit_is_gone_runs_share_their_passes_again(owner, loop, generator):
    for prompt in ("bad", "abcdef", "ghijkl"):
        make_generation(owner=owner, prompt=prompt)

    def fail(runs):
        if any(run.request.prompt == "bad" for run in runs):
            raise RuntimeError("no")

    generator.before_pass = fail
    loop.run_until_idle()
    assert ["abcdef", "ghijkl"] in [sorted(runs) for runs in generator.passes]
    assert Response.objects.count() == 2


def test_a_model_that_fails_in_company_only_still_serves_everybody(owner, loop, generator):
    for prompt in ("abc", "def", "ghi"):
        make_generation(owner=owner, prompt=prompt)

    def fail(runs):
        if len(runs) > 1:
            raise RuntimeError("no")

    generator.before_pass = fail
    loop.run_until_idle()
    assert Response.objects.count() == 3


def test_a_doomed_run_takes_no_further_step(owner, loop, generator, process, monkeypatch):
    """The word of a cancel stops a run before the database has been looked at."""
    monkeypatch.setattr("tasks.generation_loop.LOOK_SECONDS", 60)
    generation = make_generation(owner=owner, prompt="abcdef")
    make_generation(owner=owner, prompt="ghijkl")

    def cancel(runs):
        if len(generator.passes) == 2:
            jobs.cancel_job(job_id=generation.job_id)
            process.doomed.add(generation.job_id)

    generator.before_pass = cancel
    loop.run_until_idle()
    assert [runs.count("abcdef") for runs in generator.passes[:4]] == [1, 1, 0, 0]
    assert Job.objects.get(id=generation.job_id).state == JobState.CANCELED
    assert Response.objects.count() == 1


def test_a_false_alarm_delays_a_run_until_the_next_look(owner, loop, generator, process):
    generation = make_generation(owner=owner, prompt="abcdef")

    def cry_wolf(runs):
        if len(generator.passes) == 2:
            process.doomed.add(generation.job_id)

    generator.before_pass = cry_wolf
    loop.run_until_idle()
    assert Response.objects.get().text == "abcdef"


def test_a_claim_whose_answer_was_lost_is_given_back(owner, loop, generator, process, monkeypatch):
    """The commit went through, its answer did not: the job must not wait for its deadline."""
    generation = make_generation(owner=owner, prompt="abc")
    claim = jobs.claim_jobs
    lost: list[jobs.ClaimedJob] = []

    def claim_and_lose(**arguments):
        claimed = claim(**arguments)
        if claimed and not lost:
            lost.extend(claimed)
            raise OperationalError("server closed the connection unexpectedly")
        return claimed

    monkeypatch.setattr(jobs, "claim_jobs", claim_and_lose)
    monkeypatch.setattr("tasks.bookkeeping.connection.close", lambda: None)
    loop.run_until_idle()
    assert not Response.objects.exists()
    # The next message, or the process's own look, starts another loop.
    GenerationLoop(
        process=process,
        generators=FakeGenerators(generator),
        background=Foreground(),
        environment={"torch": "pretended"},
    ).run_until_idle()
    outcomes = JobAttempt.objects.filter(job=generation.job).order_by("fence")
    assert list(outcomes.values_list("outcome", flat=True)) == ["released", "ok"]
    assert Response.objects.get().text == "abc"


def test_a_result_that_cannot_be_encoded_fails_its_own_job(owner, loop, monkeypatch):
    generation = make_generation(owner=owner, prompt="ab")
    monkeypatch.setattr(FakeRun, "sample", property(lambda _run: 1 / 0))
    loop.run_until_idle()
    assert Job.objects.get(id=generation.job_id).error_code == "generation_failed"


def test_what_a_run_is_charged_with_is_its_share_of_the_passes(owner, loop, generator):
    for prompt in ("abc", "def"):
        make_generation(owner=owner, prompt=prompt)
    generator.before_pass = lambda _runs: time.sleep(0.02)
    loop.run_until_idle()
    for response in Response.objects.all():
        assert response.metrics["pass_seconds"] >= 0.06
        assert response.metrics["used_seconds"] == pytest.approx(
            response.metrics["pass_seconds"] / 2, abs=0.001
        )


def test_a_full_disk_loses_nothing(owner, loop, monkeypatch):
    generation = make_generation(owner=owner, prompt="ab")

    def full(content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("webapp.generations.operations.store_bytes", full)
    loop.run_until_idle()
    job = Job.objects.get(id=generation.job_id)
    assert (job.state, job.error_code) == ("queued", "storage_failed")
    assert not Response.objects.exists()


def test_a_checkpoint_that_cannot_be_loaded_fails_its_own_jobs_only(owner, loop):
    good = make_generation(owner=owner, prompt="ab")
    lost = make_checkpoint(make_card(slug="lost"))
    bad = make_generation(owner=owner, checkpoint=lost)
    loop.run_until_idle()
    lost.refresh_from_db()
    assert not lost.available
    assert Job.objects.get(id=bad.job_id).error_code == "model_unavailable"
    assert Job.objects.get(id=good.job_id).state == JobState.SUCCEEDED


def test_weights_that_were_swapped_are_refused(owner, loop, checkpoint):
    generation = make_generation(owner=owner)
    Generation.objects.filter(id=generation.id).update(checkpoint_revision="1" * 64)
    loop.run_until_idle()
    assert Job.objects.get(id=generation.job_id).error_code == "model_replaced"


def test_a_draining_process_gives_its_work_back(owner, loop, generator, process):
    generation = make_generation(owner=owner, prompt="abcd")

    def drain(runs):
        process.accepts_work = False

    generator.before_pass = drain
    loop.run_until_idle()
    job = Job.objects.get(id=generation.job_id)
    assert (job.state, job.attempt) == ("queued", 0)
    assert JobAttempt.objects.get(job=job).outcome == "released"


def test_a_process_that_is_not_sure_of_its_lease_stores_nothing(owner, loop, generator, process):
    make_generation(owner=owner, prompt="abcd")

    def isolate(runs):
        process.sure = False

    generator.before_pass = isolate
    loop.run_until_idle()
    assert len(generator.passes) == 1
    assert not Response.objects.exists()


def test_a_job_that_crashed_before_runs_alone(owner, loop, generator):
    suspect = make_generation(owner=owner, prompt="ab")
    Job.objects.filter(id=suspect.job_id).update(crashes=1)
    make_generation(owner=owner, prompt="cd")
    loop.run_until_idle()
    assert all(len(runs) == 1 for runs in generator.passes)
    assert Response.objects.count() == 2


def test_a_result_that_is_made_again_ends_with_a_verdict(owner, loop, generator):
    first = make_generation(owner=owner, prompt="abc")
    loop.run_until_idle()
    original = Generation.objects.with_details().get(id=first.id)
    assert original.response.environment == {"torch": "pretended", "most_runs_in_a_pass": 1}
    again = reproduce_generation(owner=owner, generation=original)
    loop.run_until_idle()
    reproduction = Reproduction.objects.get(generation=again.generation_id)
    assert (reproduction.verdict, reproduction.facts) == ("bit_exact", {})
    assert reproduction.original == original


def test_a_result_that_comes_out_differently_has_diverged(owner, loop, generator, monkeypatch):
    first = make_generation(owner=owner, prompt="abc")
    loop.run_until_idle()
    again = reproduce_generation(
        owner=owner, generation=Generation.objects.with_details().get(id=first.id)
    )
    other = property(lambda _run: Sample(b"abX", "text/plain", text="abX"))
    monkeypatch.setattr(FakeRun, "sample", other)
    loop.run_until_idle()
    reproduction = Reproduction.objects.get(generation=again.generation_id)
    assert (reproduction.verdict, reproduction.facts) == (
        "diverged",
        {"first_other_character": 2},
    )


def test_what_could_not_be_made_again_has_no_verdict(owner, loop, generator):
    first = make_generation(owner=owner, prompt="abc")
    loop.run_until_idle()
    again = reproduce_generation(
        owner=owner, generation=Generation.objects.with_details().get(id=first.id)
    )
    job = Generation.objects.select_related("job").get(id=again.generation_id).job
    jobs.cancel_job(job_id=job.id)
    loop.run_until_idle()
    assert Reproduction.objects.get(generation=again.generation_id).verdict == ""


def test_blobs_lie_in_the_home_of_the_test():
    assert str(settings.PINAKES_BLOBS).startswith(str(settings.PINAKES_HOME))


def test_what_lost_its_worker_has_its_turn_although_others_keep_coming(owner, loop, generator):
    """It runs alone, and for that the stream of others stops when it is its turn."""
    suspect = make_generation(owner=owner, prompt="suspect")
    Job.objects.filter(id=suspect.job_id).update(crashes=1)
    others = [make_generation(owner=owner, prompt="abc") for _ in range(4)]
    # It comes while the others run, and behind them more of them wait.
    Job.objects.filter(id__in=[other.job_id for other in others]).update(start_tag=-1)
    arriving = iter(range(40))

    def keep_coming(_runs):
        if next(arriving, None) is not None:
            make_generation(owner=owner, prompt="xyz")

    generator.before_pass = keep_coming
    loop.run_until_idle()
    assert Response.objects.count() == 45
    first_of_it = next(place for place, runs in enumerate(generator.passes) if "suspect" in runs)
    assert generator.passes[first_of_it] == ["suspect"]
    later = [runs for runs in generator.passes[first_of_it:] if "xyz" in runs]
    assert len(later) > len(generator.passes) / 2


def test_no_more_is_claimed_of_a_model_than_its_passes_hold(owner, loop, generator, process):
    for _ in range(30):
        make_generation(owner=owner, prompt="abcdefgh")
    held = []
    generator.before_pass = lambda _runs: held.append(len(process.held))
    loop.run_until_idle()
    # The first claim knows nothing of the model yet.
    assert max(held) <= bookkeeping.CLAIM_LIMIT
    assert max(held[len(held) // 2 :]) <= generator.slots
