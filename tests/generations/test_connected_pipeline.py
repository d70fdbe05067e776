"""A connected pipeline in the worker's loop: stored, canceled in the middle, refused by name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest_django import Settings

pytest.importorskip("diffusers")

from genmodels.contract import Run
from genmodels.pretrained.pipeline_generator import PipelineGenerator
from tasks.connected import load_connected
from tasks.generation_loop import GenerationLoop
from tasks.generators import LoadedGenerators
from tests.factories import make_generation, make_user
from tests.generations.test_loop import FakeProcess, Foreground
from tests.genmodels.pretrained.pipelines import save_stable_diffusion
from webapp.catalog.connector_operations import ConnectorWish, connect_model
from webapp.catalog.models import Checkpoint
from webapp.common.storage import read_blob
from webapp.generations.models import Response
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState

pytestmark = [
    pytest.mark.django_db,
    # What the library says of its own parts and of what it would rather be given.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def eager_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the database at every step, so that tests need no waiting."""
    monkeypatch.setattr("tasks.generation_loop.LOOK_SECONDS", 0)
    monkeypatch.setattr("tasks.generation_loop.LINGER_SECONDS", 0)


@pytest.fixture
def checkpoint(settings: Settings, tmp_path: Path) -> Checkpoint:
    settings.PINAKES_MODELS = tmp_path
    save_stable_diffusion(tmp_path / "painter")
    wish = ConnectorWish(kind="folder", model="painter")
    return connect_model(by=None, wish=wish, root=tmp_path).checkpoint


def work_off() -> None:
    """The worker's loop, until nothing is left to do."""
    GenerationLoop(
        process=FakeProcess(["family.connected"]),
        generators=LoadedGenerators(lambda row: load_connected(row, device=torch.device("cpu"))),
        background=Foreground(),
        environment={},
    ).run_until_idle()


def test_a_picture_is_kept_and_another_canceled_in_the_middle(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_user()
    kept, canceled = (
        make_generation(owner=owner, checkpoint=checkpoint, params={"steps": steps})
        for steps in (3, 40)
    )
    passes: list[int] = []
    advance = PipelineGenerator.advance

    def watched(generator: PipelineGenerator, runs: Sequence[Run]) -> None:
        advance(generator, runs)
        passes.append(len(runs))
        if len(passes) == 6:
            jobs.cancel_job(job_id=canceled.job_id)

    monkeypatch.setattr(PipelineGenerator, "advance", watched)
    work_off()
    artifact = Response.objects.get(generation=kept).artifacts.get()
    assert artifact.media_type == "image/png"
    assert read_blob(artifact.sha256).startswith(b"\x89PNG")
    # Its sampler takes one step more than it was asked for; then the other goes on alone.
    assert passes == [2, 2, 2, 2, 1, 1]
    assert Job.objects.get(id=canceled.job_id).state == JobState.CANCELED
    assert not Response.objects.filter(generation=canceled).exists()


def test_without_the_package_the_model_says_what_to_install(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = make_generation(owner=make_user(), checkpoint=checkpoint)
    missing: Any = None
    monkeypatch.setitem(sys.modules, "diffusers", missing)
    work_off()
    job = Job.objects.get(id=generation.job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "model_unavailable")
    checkpoint.refresh_from_db()
    assert not checkpoint.available
    assert "pip install 'pinakes[diffusers]'" in checkpoint.unavailable_reason
