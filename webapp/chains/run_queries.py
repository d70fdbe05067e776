"""Reads of runs, and of which of them something is to be done about."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import connection
from django.db.models import Prefetch

from webapp.accounts.models import User
from webapp.chains.models import ChainRun, ChainRunQuerySet, ChainRunStep
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.generations.models import Generation


class UnableToFindRun(UnableToFind):
    """There is no such run, or it is not the user's to see."""

    what = "run"


@dataclass(frozen=True)
class RunFilter:
    """Which runs of those one may see; empty fields filter nothing."""

    chain_id: uuid.UUID | None = None
    statuses: tuple[str, ...] = ()
    trashed: bool = False


def _with_steps(rows: ChainRunQuerySet) -> ChainRunQuerySet:
    generations = Generation.objects.select_related("job", "checkpoint")
    steps = ChainRunStep.objects.order_by("place").prefetch_related(
        Prefetch("generation", queryset=generations)
    )
    return rows.select_related("owner", "chain", "version").prefetch_related(
        Prefetch("steps", queryset=steps)
    )


def list_runs(*, user: User, only: RunFilter, page: PageRequest) -> Page[ChainRun]:
    """One page of runs, newest first, with their steps, in a constant number of queries."""
    rows = ChainRun.objects.visible_to(user).filter(trashed_at__isnull=not only.trashed)
    if only.chain_id is not None:
        rows = rows.filter(chain_id=only.chain_id)
    if only.statuses:
        rows = rows.filter(state__in=only.statuses)
    return paginate(_with_steps(rows), page)


def get_run(*, user: User, run_id: uuid.UUID) -> ChainRun:
    """One run with its steps, trashed or not; raises UnableToFindRun."""
    found = _with_steps(ChainRun.objects.visible_to(user)).filter(id=run_id).first()
    if found is None:
        raise UnableToFindRun(str(run_id))
    return found


def run_of_generation(*, user: User, generation_id: uuid.UUID) -> ChainRun | None:
    """The run that a generation is a step of, if the user may see it."""
    rows = ChainRun.objects.visible_to(user).select_related("chain")
    return rows.filter(steps__generation_id=generation_id).first()


# The rows say what is to be done, so no crash and no lost message can stop a run for good.
_DUE = """
SELECT r.id FROM chains_chainrun r
WHERE r.state = 'running' AND (r.look_at <= statement_timestamp() OR EXISTS (
  SELECT 1 FROM chains_chainrunstep s
  LEFT JOIN generations_generation g ON g.id = s.generation_id
  LEFT JOIN jobs_job j ON j.id = g.job_id
  WHERE s.run_id = r.id AND s.state = '' AND s.started_at IS NOT NULL
    AND (j.id IS NULL OR j.finished_at IS NOT NULL)))
ORDER BY r.id LIMIT %(limit)s
"""


def list_due_runs(*, limit: int) -> list[uuid.UUID]:
    """Runs of which a step has ended, or a next one is to be tried."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"limit": limit})
        return [row[0] for row in cursor.fetchall()]
