"""Two models, an author, a chain of the two, and somebody who ends generations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from genmodels.contract import Input, Sample
from tests.factories import make_card, make_checkpoint, make_user, make_worker
from tests.pages.makers import PNG
from webapp.accounts.models import User
from webapp.chains.run_operations import go_on
from webapp.chains.run_queries import list_due_runs
from webapp.generations.models import Generation
from webapp.generations.operations import Completion, complete_generations
from webapp.jobs import operations as jobs

WRITE_AND_DRAW: dict[str, Any] = {
    "name": "Write and draw",
    "inputs": [{"name": "idea", "default": None}],
    "steps": [
        {"name": "Write", "model": "toy-text", "text": "Tell of {{idea}}:", "seed": 7},
        {
            "name": "Draw",
            "model": "toy-picture",
            "text": "{{idea}}, {{words}}",
            "variables": {"words": {"step": "Write", "output": "first_line"}},
        },
    ],
}


@pytest.fixture(autouse=True)
def _models(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.PINAKES_BLOBS = tmp_path / "blobs"
    make_checkpoint()
    make_checkpoint(
        make_card(
            slug="toy-picture",
            family="gan",
            modality="image",
            media_type="image/png",
            tasks=("text-to-image",),
            inputs=(Input("image", "Picture", "To start from."),),
        )
    )


@pytest.fixture
def owner() -> User:
    return make_user()


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_for(owner)


@pytest.fixture
def chain(client: APIClient) -> dict[str, Any]:
    """A chain that writes a text of an idea, and draws both."""
    made = client.post("/api/v1/chains", WRITE_AND_DRAW, format="json")
    assert made.status_code == 201, made.content
    return dict(made.json())


def look() -> None:
    """What a worker of the library does from time to time."""
    for run_id in list_due_runs(limit=50):
        go_on(run_id=run_id)


EndStep = Callable[..., Generation]


@pytest.fixture
def end_next() -> EndStep:
    """End the generation that waits longest, as a worker does: with a text, or with a failure."""

    def end(text: str = "An old boat.\nIt leaks.", *, fails: bool = False) -> Generation:
        queues = ["family.transformer", "family.gan"]
        [claimed] = jobs.claim_jobs(
            worker_id=make_worker(queues=queues).id, queues=queues, limit=1
        )
        generation = Generation.objects.select_related("checkpoint").get(job_id=claimed.id)
        if fails:
            jobs.fail_job(
                job_id=claimed.id,
                fence=claimed.fence,
                code="out_of_memory",
                detail="There was not enough memory.",
                transient=False,
            )
            return generation
        sample = Sample(text.encode(), "text/plain", text=text)
        if generation.checkpoint.modality == "image":
            sample = Sample(PNG, "image/png")
        complete_generations(
            [Completion(generation.id, claimed.id, claimed.fence, sample, used_seconds=0.5)]
        )
        return generation

    return end
