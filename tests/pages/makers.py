"""Generations that have come to an end, made the way a worker ends them."""

from __future__ import annotations

from typing import Any

from genmodels.contract import Sample
from tests.factories import make_generation, make_worker
from webapp.accounts.models import User
from webapp.generations.batching import BatchRequest
from webapp.generations.models import Batch, Generation
from webapp.generations.operations import Completion, complete_generations, submit_batch
from webapp.generations.requests import SubmitRequest
from webapp.jobs import operations as jobs

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "ffff3f0005fe02fea7c1d60c0000000049454e44ae426082"
)


def make_done(*, owner: User, text: str = "and so on", **wish: Any) -> Generation:
    """A generation that succeeded with this text."""
    return _finish(owner, Sample(text.encode(), "text/plain", text=text), wish)


def make_picture(*, owner: User, **wish: Any) -> Generation:
    """A generation that succeeded with a picture."""
    return _finish(owner, Sample(PNG, "image/png"), wish)


def make_sample(*, owner: User, sample: Sample, **wish: Any) -> Generation:
    """A generation that succeeded with this sample."""
    return _finish(owner, sample, wish)


def make_failed(*, owner: User, detail: str = "It ran out of memory.", **wish: Any) -> Generation:
    """A generation that failed for good."""
    generation, job_fence = _claim(owner, wish)
    jobs.fail_job(
        job_id=generation.job_id,
        fence=job_fence,
        code="out_of_memory",
        detail=detail,
        transient=False,
        error="Traceback of the worker",
    )
    return Generation.objects.with_details().get(id=generation.id)


def make_batch(owner: User, *, prompts: tuple[str, ...] = ("a red house",), **wish: Any) -> Batch:
    """A batch of generations that wait."""
    each = SubmitRequest(model="toy-text", prompt=prompts[0], seed=7)
    request = BatchRequest(each=each, prompts=prompts, **wish)
    return Batch.objects.get(id=submit_batch(owner=owner, request=request).batch_id)


def _finish(owner: User, sample: Sample, wish: dict[str, Any]) -> Generation:
    generation, fence = _claim(owner, wish)
    complete_generations(
        [Completion(generation.id, generation.job_id, fence, sample, used_seconds=0.5)]
    )
    return Generation.objects.with_details().get(id=generation.id)


def _claim(owner: User, wish: dict[str, Any]) -> tuple[Generation, int]:
    generation = make_generation(owner=owner, **wish)
    worker = make_worker(queues=[generation.job.queue])
    [claimed] = jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
    assert claimed.id == generation.job_id, "an earlier job was still queued"
    return generation, claimed.fence
