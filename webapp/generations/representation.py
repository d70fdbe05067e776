"""A generation as the REST interface and the live stream show it."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.urls import reverse

from webapp.accounts.models import User
from webapp.generations.inputs import KeptInput
from webapp.generations.models import (
    Artifact,
    Batch,
    Generation,
    Reproduction,
    Response,
    Upload,
)
from webapp.generations.surprise import SURPRISE
from webapp.jobs.models import JobState, Priority
from webapp.jobs.queries import Waiting, describe_waiting

_LIST_TEXT_LENGTH = 400


def describe_generation(
    generation: Generation, *, brief: bool = False, viewer: User | None = None
) -> dict[str, Any]:
    """The object; `brief` cuts long texts and leaves out what would cost a query per row.

    How it stands is told to reviewers and admins only, and so never where no `viewer` is named.
    """
    job = generation.job
    response = _response(generation)
    waiting = None if brief else describe_waiting(job)
    prompt = generation.prompt[:_LIST_TEXT_LENGTH] if brief else generation.prompt
    return {
        "id": str(generation.id),
        "accession": generation.accession,
        "status": job.status,
        "terminal": job.terminal,
        "status_seq": job.status_seq,
        "status_reason": _reason(generation, waiting),
        "progress": job.progress or None,
        "queue": None
        if waiting is None
        else {"position": waiting.position, "eta_s": waiting.seconds},
        "model": {
            "slug": generation.checkpoint.slug,
            "family": generation.checkpoint.family,
            "modality": generation.checkpoint.modality,
            "weights_sha256": generation.checkpoint_revision,
            "routed": generation.routed,
        },
        "prompt": prompt,
        "params": generation.parameters,
        "inputs": {
            name: describe_input(generation, name, kept)
            for name, kept in generation.kept_inputs.items()
        },
        "seed": generation.seed,
        "tags": generation.tags,
        "score": None
        if generation.mean_score is None
        else {"mean": generation.mean_score, "num_scores": generation.num_scores},
        "standing": (generation.standing or None)
        if viewer is not None and viewer.sees_everything
        else None,
        "provenance": generation.provenance,
        "owner": generation.owner.username,
        "parent": _id(generation.parent_id),
        "reference": _id(generation.reference_id),
        "template": _used_template(generation),
        "retried_from": _id(generation.retried_from_id),
        "batch": _place_in_batch(generation),
        "reproduction": _reproduction(generation),
        "text": _text(generation, response, brief=brief),
        "artifacts": [describe_artifact(artifact) for artifact in _artifacts(response)],
        "metrics": dict(response.metrics) if response else {},
        "extra": _extra(response, brief=brief),
        "environment": dict(response.environment) if response else {},
        "attempt": job.attempt,
        "priority": Priority(job.priority).name.lower(),
        "expires_at": _time(job.expires_at),
        "deadline_at": _time(job.finish_by),
        "created_at": _time(generation.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "trashed_at": _time(generation.trashed_at),
        "links": {
            "self": reverse("api:generation", args=[generation.id]),
            "events": reverse("api:generation", args=[generation.id]) + "/events",
            "page": reverse("generation", args=[generation.id]),
        },
    }


def describe_batch(batch: Batch, counts: Mapping[str, int]) -> dict[str, Any]:
    """A batch, with how many of its generations have which status."""
    unfinished = sum(counts.get(status, 0) for status in ("queued", "running", "canceling"))
    link = reverse("api:batch", args=[batch.id])
    return {
        "id": str(batch.id),
        "terminal": unfinished == 0,
        "progress": {
            "done": batch.total - unfinished,
            "total": batch.total,
            "unit": "generation",
        },
        "counts": dict(counts),
        "model": batch.model,
        "axes": batch.axes,
        "owner": batch.owner.username,
        "created_at": _time(batch.created_at),
        "trashed_at": _time(batch.trashed_at),
        "links": {
            "self": link,
            "generations": f"{reverse('api:generations')}?batch={batch.id}",
            "page": reverse("batch", args=[batch.id]),
        },
    }


def describe_artifact(artifact: Artifact) -> dict[str, Any]:
    """A file of a generation, with the address of its bytes."""
    return {
        "id": str(artifact.id),
        "media_type": artifact.media_type,
        "size": artifact.size,
        "sha256": artifact.sha256,
        "url": reverse("api:artifact-content", args=[artifact.id]),
    }


def describe_input(generation: Generation, name: str, kept: KeptInput) -> dict[str, Any]:
    """A file that a generation starts from, with the address of its bytes."""
    return {
        "media_type": kept.media_type,
        "size": kept.size,
        "sha256": kept.sha256,
        "upload": _id(kept.upload_id),
        "artifact": _id(kept.artifact_id),
        "url": reverse("api:generation-input", args=[generation.id, name]),
    }


def describe_upload(upload: Upload) -> dict[str, Any]:
    """A picture to start from."""
    return {
        "id": str(upload.id),
        "name": upload.name,
        "media_type": upload.media_type,
        "size": upload.size,
        "sha256": upload.sha256,
        "width": upload.width,
        "height": upload.height,
        "created_at": _time(upload.created_at),
        "links": {
            "self": reverse("api:upload", args=[upload.id]),
            "content": reverse("api:upload-content", args=[upload.id]),
        },
    }


def _reason(generation: Generation, waiting: Waiting | None) -> dict[str, str] | None:
    """Why it ended as it did, or why it is not running yet where that is not its turn alone."""
    job = generation.job
    if waiting is None:
        if not job.error_code:
            return None
        return {"code": job.error_code, "detail": job.error_detail}
    if not waiting.is_served:
        detail = (
            f"No worker for {generation.checkpoint.family} is running. "
            "It is queued and starts when one is."
        )
        return {"code": "no_worker", "detail": detail}
    if waiting.retry_at is not None:
        detail = f"{job.error_detail} It is tried again at {_time(waiting.retry_at)}."
        return {"code": "retry_scheduled", "detail": detail.strip()}
    if waiting.running_limit is not None:
        detail = (
            f"{waiting.running_limit} of its owner's are running, which is as many as may. "
            "It starts when one of them ends."
        )
        return {"code": "running_limit", "detail": detail}
    return None


def _response(generation: Generation) -> Response | None:
    """What it came to; others than those that succeeded are not asked for it."""
    if generation.job.state != JobState.SUCCEEDED:
        return None
    try:
        return generation.response
    except ObjectDoesNotExist:
        return None


def _used_template(generation: Generation) -> dict[str, Any] | None:
    version = generation.prompt_version
    if version is None:
        return None
    return {
        "id": str(version.template_id),
        "version": version.number,
        "variables": generation.variables,
    }


def _place_in_batch(generation: Generation) -> dict[str, Any] | None:
    if generation.batch_id is None:
        return None
    return {"id": str(generation.batch_id), "place": generation.batch_place}


def _reproduction(generation: Generation) -> dict[str, Any] | None:
    """What came of making another's result again; None for what was not to."""
    reproduction: Reproduction | None = getattr(generation, "reproduction", None)
    if reproduction is None:
        return None
    return {
        "original": str(reproduction.original_id),
        "verdict": reproduction.verdict or None,
        "facts": reproduction.facts,
    }


def _artifacts(response: Response | None) -> list[Artifact]:
    if response is None:
        return []
    return sorted(response.artifacts.all(), key=lambda artifact: artifact.ordinal)


def _text(generation: Generation, response: Response | None, *, brief: bool) -> str | None:
    if response is None or (generation.checkpoint.modality == "image" and not response.text):
        return None
    return response.text[:_LIST_TEXT_LENGTH] if brief else response.text


def _extra(response: Response | None, *, brief: bool) -> dict[str, Any]:
    """What the generator said beside the result; lists leave out figures for every token."""
    if response is None:
        return {}
    return {
        name: value for name, value in response.extra.items() if not (brief and name == SURPRISE)
    }


def _id(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime.datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")
