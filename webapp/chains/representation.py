"""Chains and their runs as the REST interface shows them."""

from __future__ import annotations

import datetime
from typing import Any

from django.urls import reverse

from webapp.chains.models import Chain, ChainRun, ChainRunStep, ChainVersion
from webapp.chains.queries import newest_version
from webapp.jobs.models import JobState


def describe_chain(chain: Chain) -> dict[str, Any]:
    """A chain with its newest version; must come from a function of `queries`."""
    link = reverse("api:chain", args=[chain.id])
    newest = newest_version(chain)
    return {
        "id": str(chain.id),
        "name": chain.name,
        "description": chain.description,
        "owner": chain.owner.get_username(),
        "latest": describe_version(newest),
        # Numbers follow each other, and no version goes.
        "num_versions": newest.number,
        "created_at": chain.created_at,
        "changed_at": chain.changed_at,
        "trashed_at": chain.trashed_at,
        "links": {
            "self": link,
            "versions": f"{link}/versions",
            "runs": f"{link}/runs",
            "page": f"/chains/{chain.id}",
        },
    }


def describe_version(version: ChainVersion) -> dict[str, Any]:
    """The steps of a chain at one time."""
    return {
        "number": version.number,
        **version.definition.to_json(),
        "note": version.note,
        "created_at": version.created_at,
    }


def describe_run(run: ChainRun) -> dict[str, Any]:
    """A run with its steps; must come from a function of `run_queries`."""
    link = reverse("api:chain-run", args=[run.id])
    steps = list(run.steps.all())
    definition = run.version.definition
    done = sum(1 for step in steps if step.state == JobState.SUCCEEDED)
    return {
        "id": str(run.id),
        "chain": {
            "id": str(run.chain_id),
            "name": run.chain.name,
            "version": run.version.number,
        },
        "status": run.status,
        "terminal": run.terminal,
        "status_seq": run.status_seq,
        "status_reason": _reason(run, steps),
        "progress": {"done": done, "total": len(steps), "unit": "step"},
        "inputs": run.inputs,
        "steps": [_describe_step(step, definition.steps[step.place].name) for step in steps],
        "owner": run.owner.get_username(),
        "created_at": _time(run.created_at),
        "finished_at": _time(run.finished_at),
        "trashed_at": _time(run.trashed_at),
        "links": {
            "self": link,
            "chain": reverse("api:chain", args=[run.chain_id]),
            "page": f"/chain-runs/{run.id}",
        },
    }


def _time(value: datetime.datetime | None) -> str | None:
    """As text, because messages of webhooks have it too."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _describe_step(step: ChainRunStep, name: str) -> dict[str, Any]:
    generation = step.generation
    return {
        "name": name,
        "status": step_status(step) or None,
        "generation": str(step.generation_id) if step.generation_id else None,
        "accession": generation.accession if generation else None,
        "model": generation.checkpoint.slug if generation else None,
        "retried_from": str(step.retried_id) if step.retried_id else None,
    }


def step_status(step: ChainRunStep) -> str:
    """The state of a step; empty before it has begun."""
    if step.state or step.generation is None:
        return step.state
    return step.generation.job.status


def _reason(run: ChainRun, steps: list[ChainRunStep]) -> dict[str, Any] | None:
    step = step_of_reason(run, steps)
    if step is None or not run.reason_code:
        return None
    return {
        "code": run.reason_code,
        "detail": run.reason_detail,
        "step": run.version.definition.steps[step.place].name,
    }


def step_of_reason(run: ChainRun, steps: list[ChainRunStep]) -> ChainRunStep | None:
    """The step for which a run ended without a result, or for which it waits."""
    if run.terminal:
        return next((each for each in steps if each.state not in {"", JobState.SUCCEEDED}), None)
    return next((each for each in steps if each.started_at is None), None)
