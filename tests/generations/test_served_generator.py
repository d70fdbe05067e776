"""Generations by a model on a server, through the worker's loop and a real HTTP server."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest_django import Settings

from genmodels.contract import FailedRuns, Run, resolve_request
from tasks.connected import load_connected
from tasks.generation_loop import GenerationLoop
from tasks.generators import LoadedGenerators
from tasks.served_generator import ServedGenerator
from tests.catalog.model_server import MODEL, ModelServer, running_model_server
from tests.factories import make_generation, make_user
from tests.generations.test_loop import FakeProcess, Foreground
from webapp.accounts.models import User
from webapp.catalog.connector_operations import (
    ConnectorChange,
    ConnectorWish,
    change_connector,
    connect_model,
)
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation, Response
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobAttempt, JobState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def eager_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the database at every step, so that tests need no waiting."""
    monkeypatch.setattr("tasks.generation_loop.LOOK_SECONDS", 0)
    monkeypatch.setattr("tasks.generation_loop.LINGER_SECONDS", 0)


@pytest.fixture
def server(settings: Settings) -> Iterator[ModelServer]:
    with running_model_server() as server:
        settings.OUTBOUND_ALLOW = server.allowed
        yield server


@pytest.fixture
def owner() -> User:
    return make_user()


def connect(server: ModelServer, **changes: Any) -> Checkpoint:
    wish = ConnectorWish(kind="server", url=server.url, model=MODEL, key="the key", **changes)
    return connect_model(by=None, wish=wish, root=Path("unused")).checkpoint


def load(checkpoint: Checkpoint) -> Any:
    return load_connected(checkpoint, device=torch.device("cpu"))


def work_off(load: Callable[[Checkpoint], Any] = load) -> LoadedGenerators:
    """The worker's loop, until nothing is left to do."""
    loaded = LoadedGenerators(load)
    GenerationLoop(
        process=FakeProcess(["family.connected"]),
        generators=loaded,
        background=Foreground(),
        environment={},
    ).run_until_idle()
    return loaded


def job_of(generation: Generation) -> Job:
    return Job.objects.get(id=generation.job_id)


def test_what_the_server_writes_is_kept(server: ModelServer, owner: User) -> None:
    checkpoint = connect(server)
    generation = make_generation(
        owner=owner,
        checkpoint=checkpoint,
        prompt="one two three",
        params={"temperature": 0.3, "system": "Be brief.", "stop": "END|\\n", "max_new_tokens": 9},
        seed=2**40 + 7,
    )
    work_off()
    response = Response.objects.get(generation=generation)
    assert response.text == "one two three"
    assert response.metrics["tokens"] == 3
    assert response.extra == {"finish_reason": "stop"}
    [asked] = server.asked
    assert asked["path"] == "/v1/chat/completions"
    assert asked["authorization"] == "Bearer the key"
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one two three"},
    ]
    assert (asked["temperature"], asked["stop"], asked["max_tokens"]) == (0.3, ["END", "\n"], 9)
    assert asked["seed"] == 7 + 2**40 % 2**31
    assert asked["stream"] is True


def test_a_plain_text_is_gone_on_with(server: ModelServer, owner: User) -> None:
    checkpoint = connect(server, protocol="completion")
    generation = make_generation(owner=owner, checkpoint=checkpoint, prompt="once upon")
    work_off()
    assert Response.objects.get(generation=generation).text == "once upon"
    assert (server.asked[0]["path"], server.asked[0]["prompt"]) == (
        "/v1/completions",
        "once upon",
    )


def test_a_cancel_amid_the_text_hangs_up(server: ModelServer, owner: User) -> None:
    server.may_go_on.clear()
    generation = make_generation(owner=owner, checkpoint=connect(server), prompt="one two three")
    seen: list[tuple[str, int]] = []

    class Watched(ServedGenerator):
        def advance(self, runs: Sequence[Run]) -> None:
            super().advance(runs)
            preview, progress = runs[0].preview(), runs[0].progress
            if preview is not None and preview.text and not seen:
                seen.append((preview.text, progress.done))
                jobs.cancel_job(job_id=generation.job_id)

    def load_watched(checkpoint: Checkpoint) -> Watched:
        usual = load(checkpoint)
        return Watched(card=usual.card, served=usual._served, slots=usual.slots)

    # Its generator stays loaded: the run is what has to be let go of.
    loaded = work_off(load_watched)
    assert seen == [("one", 1)], "it is shown while it is written"
    assert job_of(generation).state == JobState.CANCELED
    assert not Response.objects.exists()
    assert server.left.wait(60)
    del loaded


def test_one_that_is_refused_leaves_the_others_alone(server: ModelServer, owner: User) -> None:
    checkpoint = connect(server)
    refused = make_generation(owner=owner, checkpoint=checkpoint, prompt="status 400")
    others = [
        make_generation(owner=owner, checkpoint=checkpoint, prompt=f"red house {number}")
        for number in range(3)
    ]
    work_off()
    assert job_of(refused).error_code == "connector_refused"
    assert job_of(refused).state == JobState.FAILED
    attempt = JobAttempt.objects.get(job_id=refused.job_id)
    assert "the reason" in attempt.error, "operators read what the server said"
    assert all(job_of(each).state == JobState.SUCCEEDED for each in others)
    assert len(server.asked) == 4, "nobody was asked twice"


def test_the_failure_of_one_holds_on_to_no_other(server: ModelServer) -> None:
    server.may_go_on.clear()
    generator = load(connect(server))
    runs = [
        generator.open(resolve_request(generator.card, prompt=prompt, parameters={}, seed=1))
        for prompt in ("status 400", "one two three")
    ]
    failures: Sequence[tuple[Run, Exception]] = ()
    # What hangs up must not have to wait for the collector of cycles.
    gc.disable()
    try:
        while not (failures and runs[1].preview().text):
            try:
                generator.advance(runs)
            except FailedRuns as failed:
                failures = failed.failures
        runs.clear()
        assert server.left.wait(60)
    finally:
        gc.enable()
    assert [str(error) for _, error in failures] == [
        f"127.0.0.1:{server.port} refuses the request (status 400)."
    ]


@pytest.mark.parametrize(
    ("prompt", "code", "is_tried_again"),
    [
        ("status 503", "connector_failed", True),
        ("status 401", "connector_refused", False),
        ("break off", "connector_unreachable", True),
        ("fault now", "connector_failed", True),
    ],
)
def test_what_went_wrong_has_a_name(
    server: ModelServer, owner: User, prompt: str, code: str, *, is_tried_again: bool
) -> None:
    generation = make_generation(owner=owner, checkpoint=connect(server), prompt=prompt)
    work_off()
    job = job_of(generation)
    assert job.error_code == code
    assert job.state == (JobState.QUEUED if is_tried_again else JobState.FAILED)
    attempt = JobAttempt.objects.get(job=job)
    assert f"127.0.0.1:{server.port}" in attempt.error


def test_a_server_that_went_away_is_waited_for(settings: Settings, owner: User) -> None:
    with running_model_server() as server:
        settings.OUTBOUND_ALLOW = server.allowed
        generation = make_generation(owner=owner, checkpoint=connect(server), prompt="one")
    work_off()
    job = job_of(generation)
    assert (job.state, job.attempt) == (JobState.QUEUED, 1)
    assert Checkpoint.objects.get().available, "it may be back for the next prompt"
    error = JobAttempt.objects.get(job=job).error
    assert f"127.0.0.1:{server.port} does not answer, or broke off." in error


def test_an_address_that_is_no_longer_allowed_is_not_called(
    server: ModelServer, owner: User, settings: Settings
) -> None:
    generation = make_generation(owner=owner, checkpoint=connect(server), prompt="one")
    settings.OUTBOUND_ALLOW = frozenset()
    work_off()
    assert job_of(generation).error_code == "connector_refused"
    assert "private network" in job_of(generation).error_detail
    assert not server.asked


def test_a_changed_key_is_sent_from_the_next_answer_on(server: ModelServer, owner: User) -> None:
    checkpoint = connect(server)
    make_generation(owner=owner, checkpoint=checkpoint, prompt="one")
    loaded = work_off()
    change_connector(slug=checkpoint.slug, change=ConnectorChange(key="another"))
    make_generation(owner=owner, checkpoint=checkpoint, prompt="two")
    GenerationLoop(
        process=FakeProcess(["family.connected"]),
        generators=loaded,
        background=Foreground(),
        environment={},
    ).run_until_idle()
    assert [asked["authorization"] for asked in server.asked] == [
        "Bearer the key",
        "Bearer another",
    ]
