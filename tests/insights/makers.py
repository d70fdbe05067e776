"""Generations of the past, as they would be found long after they ended."""

from __future__ import annotations

import datetime as dt
import itertools

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Artifact, Generation, Response
from webapp.jobs.models import Job, JobState

_numbers = itertools.count(1)


def make_past(
    *,
    owner: User,
    checkpoint: Checkpoint,
    at: dt.datetime,
    state: JobState = JobState.SUCCEEDED,
    waited: float = 1.0,
    ran: float = 2.0,
    code: str = "",
    score: float | None = None,
    trashed: bool = False,
) -> Generation:
    """A generation that was asked for at a time; nobody's guard lets a job be moved there."""
    has_ended = state not in {JobState.QUEUED, JobState.RUNNING}
    started = at + dt.timedelta(seconds=waited) if state != JobState.EXPIRED else None
    ended = (started or at) + dt.timedelta(seconds=ran)
    job = Job.objects.create(
        kind="generation",
        owner=owner,
        queue=f"family.{checkpoint.family}",
        batch_key=f"{checkpoint.slug}@{checkpoint.revision}",
        attempt_seconds=60,
        state=state,
        used_seconds=ran / 2,
        error_code=code,
        created_at=at,
        started_at=started if has_ended else None,
        finished_at=ended if has_ended else None,
    )
    generation = Generation.objects.create(
        owner=owner,
        job=job,
        checkpoint=checkpoint,
        checkpoint_revision=checkpoint.revision,
        prompt=f"number {next(_numbers)}",
        seed=1,
        mean_score=score,
        num_scores=0 if score is None else 1,
        created_at=at,
        trashed_at=ended if trashed else None,
    )
    if state == JobState.SUCCEEDED:
        response = Response.objects.create(
            generation=generation, fence=1, text="so", metrics={"tokens": 7.0, "passes": 3}
        )
        Artifact.objects.create(
            response=response, sha256="0" * 64, size=100, media_type="text/plain"
        )
    return generation
