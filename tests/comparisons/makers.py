"""Comparisons whose sides have come to an end, made the way workers end them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genmodels.contract import Sample
from tests.factories import make_card, make_checkpoint, make_worker
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.comparisons.models import Verdict
from webapp.comparisons.operations import give_vote
from webapp.comparisons.queries import see_comparison
from webapp.generations.comparing import ComparisonRequest
from webapp.generations.models import Batch
from webapp.generations.operations import Completion, complete_generations, submit_comparison
from webapp.generations.requests import SubmitRequest
from webapp.jobs import operations as jobs
from webapp.jobs.operations import ClaimedJob

#: Slugs that name nothing else, so that any of them in an answer tells who made what.
MODELS = {"alpha-one": "transformer", "beta-two": "rnn", "gamma-three": "diffusion"}


def make_models(models: Mapping[str, str] = MODELS) -> list[Checkpoint]:
    """A model of text in each of these families, by slug."""
    return [
        make_checkpoint(make_card(slug=slug, family=family)) for slug, family in models.items()
    ]


def make_comparison(
    owner: User,
    *,
    models: tuple[str, ...] = tuple(MODELS),
    prompt: str = "once upon a time",
    is_blind: bool = False,
) -> Batch:
    """A comparison that waits."""
    request = ComparisonRequest(
        each=SubmitRequest(model="", prompt=prompt, seed=7),
        models=models,
        is_blind=is_blind,
    )
    return Batch.objects.get(id=submit_comparison(owner=owner, request=request).batch_id)


def finish(
    batch: Batch, *, fail: tuple[str, ...] = (), sample: Sample | None = None
) -> dict[str, str]:
    """End every side, with its own text unless told otherwise; returns the texts by slug."""
    rows = {row.job_id: row for row in batch.generations.select_related("checkpoint", "job")}
    queues = sorted({row.job.queue for row in rows.values()})
    worker = make_worker(queues=queues)
    texts = {}
    for job in _claim_one_model_after_the_other(worker.id, queues):
        row = rows[job.id]
        slug = row.checkpoint.slug
        if slug in fail:
            jobs.fail_job(
                job_id=job.id,
                fence=job.fence,
                code="out_of_memory",
                detail=f"{slug} ran out of memory.",
                transient=False,
                error="Traceback of the worker",
            )
            continue
        texts[slug] = f"words number {row.batch_place}"
        made = sample or Sample(texts[slug].encode(), "text/plain", text=texts[slug])
        complete_generations([Completion(row.id, job.id, job.fence, made, used_seconds=0.5)])
    return texts


def _claim_one_model_after_the_other(worker_id: int, queues: list[str]) -> Iterator[ClaimedJob]:
    while claimed := jobs.claim_jobs(worker_id=worker_id, queues=queues, limit=12):
        yield from claimed


def prefer(voter: User, batch: Batch, winner: str, loser: str) -> None:
    """Vote for one model's side over another's, whatever letters they have."""
    seen = see_comparison(viewer=voter, batch=batch)
    letters = {side.generation.checkpoint.slug: side.letter for side in seen.sides}
    give_vote(
        voter=voter,
        batch=batch,
        left=letters[winner],
        right=letters[loser],
        verdict=Verdict.FIRST,
    )
