"""Reads of generations."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Avg, F, prefetch_related_objects

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.prepared import PreparedQuery
from webapp.common.refusals import UnableToFind
from webapp.generations.models import Artifact, Batch, Generation, GenerationQuerySet
from webapp.generations.tag_queries import spellings_of
from webapp.generations.tags import keys_of
from webapp.jobs.models import JobState

#: Facts about a checkpoint come from this many of the latest results of all.
_FACTS_FROM = 200


class UnableToFindGeneration(UnableToFind):
    """There is no such generation, or it is not the user's to see."""

    what = "generation"


class UnableToFindBatch(UnableToFind):
    """There is no such batch, or it is not the user's to see."""

    what = "batch"


class UnableToFindArtifact(UnableToFind):
    """There is no such file, or it is not the user's to see."""

    what = "file"


@dataclass(frozen=True)
class GenerationFilter:
    """Which generations of those one may see; empty fields filter nothing."""

    statuses: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    batch_id: uuid.UUID | None = None
    #: Leave out what would give away who made what in a blind comparison.
    without_blind: bool = False
    #: The caller has made sure that the user may see it.
    collection_ids: tuple[uuid.UUID, ...] = ()
    min_score: float | None = None
    #: As reviewers decided, empty for undecided; only who sees everything finds anything by it.
    standings: tuple[str, ...] = ()
    created_from: datetime.datetime | None = None
    created_to: datetime.datetime | None = None
    owner_id: int | None = None
    #: What they failed with.
    codes: tuple[str, ...] = ()
    mine: bool = False
    #: Those in the trash, or those that are not; None for both.
    trashed: bool | None = False


def visible_generations(*, user: User, only: GenerationFilter) -> GenerationQuerySet:
    """The generations that the user may see and asked for, in no order."""
    rows = Generation.objects.visible_to(user)
    if only.trashed is not None:
        rows = rows.filter(trashed_at__isnull=not only.trashed)
    if only.mine:
        rows = rows.filter(owner=user)
    if only.owner_id is not None:
        rows = rows.filter(owner_id=only.owner_id)
    if only.codes:
        rows = rows.filter(job__error_code__in=only.codes)
    if only.statuses:
        rows = rows.filter(job__state__in=only.statuses)
    if only.models:
        rows = rows.filter(checkpoint__slug__in=only.models)
    if only.families:
        rows = rows.filter(checkpoint__family__in=only.families)
    if only.tags:
        for spellings in spellings_of(keys_of(only.tags), user=user).values():
            rows = rows.filter(tags__overlap=spellings) if spellings else rows.none()
    if only.batch_id is not None:
        rows = rows.filter(batch_id=only.batch_id)
    if only.without_blind:
        rows = rows.exclude(batch__is_blind=True)
    if only.collection_ids:
        # By id, because a generation may be in several of them.
        held = Generation.objects.filter(
            collection_items__collection_id__in=only.collection_ids,
            collection_items__collection__trashed_at__isnull=True,
        )
        rows = rows.filter(id__in=held.values("id"))
    if only.min_score is not None:
        rows = rows.filter(mean_score__gte=only.min_score)
    if only.standings:
        rows = rows.filter(standing__in=only.standings) if user.sees_everything else rows.none()
    if only.created_from:
        rows = rows.filter(created_at__gte=only.created_from)
    if only.created_to:
        rows = rows.filter(created_at__lt=only.created_to)
    return rows


def list_generations(*, user: User, only: GenerationFilter, page: PageRequest) -> Page[Generation]:
    """One page, newest first, with all that a card shows, in a constant number of queries."""
    return paginate(visible_generations(user=user, only=only).with_details(), page)


_NO_ID = uuid.UUID(int=1)
_ANYBODYS_GENERATION = PreparedQuery(
    lambda generation_id: Generation.objects.with_details().filter(id=generation_id),
    generation_id=_NO_ID,
)
_OWN_GENERATION = PreparedQuery(
    lambda generation_id, owner_id: Generation.objects.with_details().filter(
        id=generation_id, owner_id=owner_id
    ),
    generation_id=_NO_ID,
    owner_id=-1,
)


def get_generation(*, user: User, generation_id: uuid.UUID) -> Generation:
    """One generation with its details, trashed or not; raises UnableToFindGeneration."""
    if user.sees_everything:
        found = _ANYBODYS_GENERATION.first(generation_id=generation_id)
    else:
        found = _OWN_GENERATION.first(generation_id=generation_id, owner_id=user.pk)
    if found is None:
        raise UnableToFindGeneration(str(generation_id))
    if found.job.state == JobState.SUCCEEDED:
        prefetch_related_objects([found], "response__artifacts")
    return found


def get_artifact(*, user: User, artifact_id: uuid.UUID) -> Artifact:
    """A file of a generation that the user may see; raises UnableToFindArtifact."""
    seen = Generation.objects.visible_to(user)
    try:
        return Artifact.objects.get(id=artifact_id, response__generation__in=seen)
    except Artifact.DoesNotExist as error:
        raise UnableToFindArtifact(str(artifact_id)) from error


def get_generations(*, user: User, generation_ids: Sequence[uuid.UUID]) -> list[Generation]:
    """Those of these generations that the user may see, without the trash, in no order."""
    return list(
        Generation.objects.visible_to(user).kept().with_details().filter(id__in=generation_ids)
    )


def list_batches(*, user: User, trashed: bool, page: PageRequest) -> Page[Batch]:
    """One page of the batches that one may see, newest first, without comparisons."""
    rows = Batch.objects.visible_to(user).filter(
        trashed_at__isnull=not trashed, is_comparison=False
    )
    return paginate(rows.select_related("owner"), page)


def get_batch(*, user: User, batch_id: uuid.UUID) -> Batch:
    """One batch, trashed or not, that is no comparison; raises UnableToFindBatch."""
    rows = Batch.objects.visible_to(user).select_related("owner")
    try:
        return rows.get(id=batch_id, is_comparison=False)
    except Batch.DoesNotExist as error:
        raise UnableToFindBatch(str(batch_id)) from error


def list_cells(*, batch: Batch) -> list[Generation]:
    """The generations of a batch in their places, those in the trash too."""
    return list(batch.generations.with_details().order_by("batch_place"))


def list_first_cells(*, batch_ids: Sequence[uuid.UUID], count: int) -> list[Generation]:
    """The first generations of each of these batches, in their places."""
    rows = Generation.objects.with_details().filter(batch_id__in=batch_ids)
    return list(rows.filter(batch_place__lt=count).order_by("batch_id", "batch_place"))


_BATCH_COUNTS = """
SELECT g.batch_id,
  CASE WHEN j.state = 'running' AND j.cancel_requested_at IS NOT NULL
    THEN 'canceling' ELSE j.state END AS status,
  count(*)
FROM generations_generation g JOIN jobs_job j ON j.id = g.job_id
WHERE g.batch_id = ANY(%s) GROUP BY 1, 2
"""


def count_batches(batch_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    """How many generations of each batch have which status."""
    counts: dict[uuid.UUID, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    with connection.cursor() as cursor:
        cursor.execute(_BATCH_COUNTS, [list(batch_ids)])
        for batch_id, status, count in cursor.fetchall():
            counts[batch_id][status] = count
    return counts


#: The latest of somebody's generations that a stream of them begins with.
_RECENT = 20
#: More active ones than this are not listed there.
_MOST_ACTIVE = 300


def list_recent(*, owner: User) -> list[Generation]:
    """The owner's generations that have not ended, and the latest of those that have."""
    mine = Generation.objects.filter(owner=owner).kept().with_details()
    active = mine.filter(job__state__in=(JobState.QUEUED, JobState.RUNNING)).order_by("-id")
    latest = mine.order_by("-id")
    found = {row.id: row for row in (*active[:_MOST_ACTIVE], *latest[:_RECENT])}
    return sorted(found.values(), key=lambda row: row.id, reverse=True)


_STATUS_NUMBERS = """
SELECT g.id, g.owner_id, j.status_seq FROM generations_generation g
JOIN jobs_job j ON j.id = g.job_id WHERE g.id = ANY(%(generations)s)
UNION
SELECT g.id, g.owner_id, j.status_seq FROM generations_generation g
JOIN jobs_job j ON j.id = g.job_id
WHERE j.owner_id = ANY(%(owners)s) AND (j.state IN ('queued', 'running')
  OR j.finished_at > statement_timestamp() - interval '1 minute')
"""


def list_status_numbers(
    *, generation_ids: Sequence[uuid.UUID], owner_ids: Sequence[int]
) -> dict[uuid.UUID, tuple[int, int]]:
    """Owner and `status_seq` of these generations, and of what these owners have had lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STATUS_NUMBERS, {"generations": list(generation_ids), "owners": list(owner_ids)}
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


#: How many of the runs that made a result again are listed.
_MOST_REPRODUCTIONS = 50


def list_reproductions(*, user: User, original: Generation) -> list[Generation]:
    """The latest generations that were to make this one's result again, as the user sees them."""
    rows = Generation.objects.visible_to(user).kept().with_details()
    return list(rows.filter(reproduction__original=original).order_by("-id")[:_MOST_REPRODUCTIONS])


#: From this mean on, people are taken to like a result.
_LIKED = 3.5
_NUM_SAMPLES = 3


def list_samples(*, owner: User, checkpoint: Checkpoint) -> list[Generation]:
    """Up to three of the owner's results of a checkpoint: the newest liked, else the newest."""
    own = Generation.objects.filter(owner=owner, checkpoint=checkpoint).kept()
    results = own.filter(job__state=JobState.SUCCEEDED).with_details().order_by("-id")
    liked = list(results.filter(mean_score__gte=_LIKED)[:_NUM_SAMPLES])
    if len(liked) == _NUM_SAMPLES:
        return liked
    seen = [row.id for row in liked]
    return [*liked, *results.exclude(id__in=seen)[: _NUM_SAMPLES - len(liked)]]


@dataclass(frozen=True)
class CheckpointFacts:
    """What the latest results of a checkpoint tell: seconds per result here, and one picture."""

    seconds: float
    sample_id: uuid.UUID | None


def checkpoint_facts(*, user: User) -> dict[int, CheckpointFacts]:
    """Facts by checkpoint id, from the latest results that the user may see, in two queries."""
    latest = (
        Generation.objects.visible_to(user)
        .kept()
        .filter(job__state=JobState.SUCCEEDED)
        .order_by("-id")
        .values("id")[:_FACTS_FROM]
    )
    pictures = (
        Artifact.objects.filter(response__generation__in=latest, media_type__startswith="image/")
        .order_by("response__generation__checkpoint_id", "-id")
        .distinct("response__generation__checkpoint_id")
        .values_list("response__generation__checkpoint_id", "id")
    )
    samples = dict(pictures)
    took = Avg(F("job__finished_at") - F("job__started_at"))
    means = (
        Generation.objects.filter(id__in=latest)
        .values_list("checkpoint_id")
        .annotate(took=took)
        .order_by("checkpoint_id")
    )
    return {
        checkpoint_id: CheckpointFacts(mean.total_seconds(), samples.get(checkpoint_id))
        for checkpoint_id, mean in means
    }
