"""Small makers of rows, each with the least that the row needs."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from typing import Any

from genmodels.contract import Card, Parameter
from webapp.accounts.models import Role, User
from webapp.accounts.operations import create_user
from webapp.catalog.models import Checkpoint
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.generations.operations import submit_generation
from webapp.generations.requests import SubmitRequest
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, Worker

PASSWORD = "correct horse battery staple"  # of people who exist in tests only
_numbers = itertools.count(1)


def make_user(*roles: Role, username: str = "") -> User:
    """A person with these roles; an author unless told otherwise."""
    return create_user(
        username=username or f"person-{next(_numbers)}",
        password=PASSWORD,
        roles=frozenset(roles or {Role.AUTHOR}),
    )


def make_card(*, slug: str = "toy-text", family: str = "transformer", **changes: Any) -> Card:
    """A card with one parameter of each common kind."""
    values: dict[str, Any] = {
        "slug": slug,
        "name": slug.title(),
        "family": family,
        "architecture": "toy",
        "summary": "Continues a text.",
        "tasks": ("text-generation",),
        "modality": "text",
        "media_type": "text/plain",
        "parameters": (
            Parameter(
                name="length",
                kind="integer",
                default=8,
                label="Length",
                help="How much to write.",
                minimum=1,
                maximum=64,
                essential=True,
            ),
            Parameter(
                name="temperature",
                kind="number",
                default=1.0,
                label="Temperature",
                help="How bold.",
                minimum=0.0,
                maximum=2.0,
            ),
        ),
        "config": {},
        "prompt_help": "Anything.",
        "max_prompt_length": 200,
        "data": {},
        "licence": "Apache-2.0",
        "weights_sha256": "0" * 64,
        "example_prompts": ("once upon a time",),
    }
    return Card(**{**values, **changes})


def make_checkpoint(card: Card | None = None, **changes: Any) -> Checkpoint:
    """A row of the catalogue for this card."""
    card = card or make_card()
    return Checkpoint.objects.create(
        slug=card.slug,
        family=card.family,
        name=card.name,
        modality=card.modality,
        folder="nowhere",
        revision=card.weights_sha256,
        card_data=card.to_dict(),
        **changes,
    )


def make_generation(
    *, owner: User, checkpoint: Checkpoint | None = None, prompt: str = "a red house", **wish: Any
) -> Generation:
    """A queued generation, submitted the way everybody submits."""
    checkpoint = checkpoint or Checkpoint.objects.first() or make_checkpoint()
    request = SubmitRequest(model=checkpoint.slug, prompt=prompt, **wish)
    submitted = submit_generation(owner=owner, request=request)
    return Generation.objects.select_related("job").get(id=submitted.generation_id)


def make_job(*, owner: User, queue: str = "family.gan", **changes: Any) -> Job:
    """A queued job of no particular kind."""
    wish = jobs.NewJob(uuid7(), kind="test", queue=queue, **{"attempt_seconds": 60, **changes})
    return jobs.submit_jobs(owner=owner, jobs=[wish])[0]


def make_worker(*, queues: Sequence[str] = ("family.gan",), slot: int = 0) -> Worker:
    """A worker process that exists as a row only."""
    return jobs.register_worker(
        queues=queues, node=f"node-{uuid.uuid4().hex[:8]}", slot=slot, pid=1, info={}
    )
