"""Writes of reviewers: deciding on one result or on many, and taking that back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import connection, transaction

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.common.cleaning import clean_text, length_faults
from webapp.common.ids import uuid7
from webapp.common.refusals import Conflict
from webapp.generations.models import Generation
from webapp.jobs.idempotency import made_before
from webapp.jobs.models import JobState
from webapp.review.models import Decision, ReviewAssignment, Verdict
from webapp.review.operations import MAX_COMMENT_LENGTH, give_feedback
from webapp.review.queue_operations import clean_labels, label_faults

#: So many results are decided on in one call.
MAX_AT_ONCE = 1_000
_ENDPOINT = "review-decisions"


class UnableToDecide(Conflict):
    """Some of it is not there, has no result, or is in the trash."""


@dataclass(frozen=True)
class Judgement:
    """What is decided, on however many results; a score is given as feedback."""

    verdict: str
    labels: tuple[str, ...] = ()
    comment: str = ""
    score: int | None = None


def decide(
    *,
    reviewer: User,
    generations: Sequence[uuid.UUID],
    judgement: Judgement,
    item_of: dict[uuid.UUID, uuid.UUID] | None = None,
    idempotency_key: str | None = None,
) -> uuid.UUID:
    """Decide the same on all of these results or on none; gives the act, to take it back by.

    What the reviewer decided on them before counts no more. `item_of` names the items of a queue
    by their generations. A key that came before gives the act of that time, taken back or not.
    Raises InvalidRequest (from a score too), UnableToDecide or UnableToReuseIdempotencyKey.
    """
    judgement = _clean(judgement)
    if not 1 <= len(generations) <= MAX_AT_ONCE:
        detail = f"must be between 1 and {MAX_AT_ONCE}"
        raise InvalidRequest([Fault("/generations", "out_of_range", detail)])
    items = item_of or {}
    act = uuid7()
    with transaction.atomic():
        earlier = made_before(
            owner=reviewer,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request={
                "on": sorted(map(str, generations)),
                "items": sorted(map(str, items.values())),
                **asdict(judgement),
            },
            object_id=act,
        )
        if earlier is not None:
            return earlier
        found = _lock(generations)
        if len(found) < len(set(generations)):
            missing = len(set(generations)) - len(found)
            raise UnableToDecide(
                f"{missing} of them cannot be decided on: there is no result, or it is in the "
                "trash."
            )
        Decision.objects.bulk_create(
            Decision(
                act=act,
                generation_id=generation_id,
                item_id=items.get(generation_id),
                reviewer=reviewer,
                verdict=judgement.verdict,
                labels=list(judgement.labels),
                comment=judgement.comment,
            )
            for generation_id in found
        )
        if judgement.score is not None:
            for generation in Generation.objects.filter(id__in=found).order_by("id"):
                give_feedback(
                    author=reviewer,
                    generation=generation,
                    score=judgement.score,
                    comment=judgement.comment,
                )
        ReviewAssignment.objects.filter(item__in=items.values(), reviewer=reviewer).delete()
        _keep_counts(found, list(items.values()))
    return act


def _clean(judgement: Judgement) -> Judgement:
    comment = clean_text(judgement.comment)
    labels = clean_labels(judgement.labels)
    faults = label_faults(labels)
    if judgement.verdict not in Verdict.values:
        detail = f"must be one of {', '.join(Verdict.values)}"
        faults.append(Fault("/verdict", "unknown_value", detail))
    faults += length_faults("/comment", comment, MAX_COMMENT_LENGTH)
    if faults:
        raise InvalidRequest(faults)
    return Judgement(judgement.verdict, labels, comment, judgement.score)


def take_back(*, reviewer: User, act: uuid.UUID) -> int:
    """Have an act of the reviewer count no more where nothing newer of theirs replaced it.

    Gives on how many results; again it is none.
    """
    with transaction.atomic():
        acted = Decision.objects.filter(act=act, reviewer=reviewer).exclude(verdict="")
        _lock(list(acted.values_list("generation_id", flat=True)), results_only=False)
        standing = [
            row
            for row in acted.select_related(None)
            if not Decision.objects.filter(
                generation_id=row.generation_id, reviewer=reviewer, id__gt=row.id
            ).exists()
        ]
        undone = uuid7()
        Decision.objects.bulk_create(
            Decision(
                act=undone,
                generation_id=row.generation_id,
                item_id=row.item_id,
                reviewer=reviewer,
            )
            for row in standing
        )
        _keep_counts(
            [row.generation_id for row in standing],
            [row.item_id for row in standing if row.item_id is not None],
        )
    return len(standing)


def _lock(generations: Sequence[uuid.UUID], *, results_only: bool = True) -> list[uuid.UUID]:
    """One decision on a result at a time; in the order of ids, so that none waits for another."""
    rows = Generation.objects.filter(id__in=generations).order_by("id")
    if results_only:
        rows = rows.kept().filter(job__state=JobState.SUCCEEDED)
    locked = rows.select_for_update(of=("self",), no_key=True)
    return list(locked.values_list("id", flat=True))


# A generation stands as the newest decision of each reviewer says.
_KEEP_STANDING = """
UPDATE generations_generation AS generation SET standing = counted.standing
FROM (
  SELECT wanted.id, CASE
      WHEN count(newest.verdict) = 0 THEN ''
      WHEN bool_or(newest.verdict = 'flagged') THEN 'flagged'
      WHEN min(newest.verdict) = max(newest.verdict) THEN min(newest.verdict)
      ELSE 'disputed' END AS standing
  FROM unnest(%(ids)s::uuid[]) AS wanted(id)
  LEFT JOIN (
    SELECT DISTINCT ON (generation_id, reviewer_id) generation_id, verdict
    FROM review_decision WHERE generation_id = ANY(%(ids)s)
    ORDER BY generation_id, reviewer_id, id DESC) AS newest
  ON newest.generation_id = wanted.id AND newest.verdict <> ''
  GROUP BY wanted.id) AS counted
WHERE generation.id = counted.id
"""

# An item counts who decided on it in its queue: a queue may go over what others decided elsewhere.
_KEEP_ITEMS = """
UPDATE review_reviewitem AS item SET num_decisions = counted.num
FROM (
  SELECT wanted.id, count(newest.verdict) AS num
  FROM unnest(%(ids)s::uuid[]) AS wanted(id)
  LEFT JOIN (
    SELECT DISTINCT ON (item_id, reviewer_id) item_id, verdict
    FROM review_decision WHERE item_id = ANY(%(ids)s)
    ORDER BY item_id, reviewer_id, id DESC) AS newest
  ON newest.item_id = wanted.id AND newest.verdict <> ''
  GROUP BY wanted.id) AS counted
WHERE item.id = counted.id
"""


def _keep_counts(generations: Sequence[uuid.UUID], items: Sequence[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_STANDING, {"ids": list(generations)})
        cursor.execute(_KEEP_ITEMS, {"ids": list(items)})
