"""Reads of review queues: how far they are, what is in them, and how far reviewers agree."""

from __future__ import annotations

import datetime
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import Conflict, UnableToFind
from webapp.generations.models import Generation, Standing
from webapp.review.agreement import krippendorff_alpha, nominal_distance
from webapp.review.models import Decision, ReviewAssignment, ReviewItem, ReviewQueue, Verdict


class UnableToFindQueue(UnableToFind):
    """There is no such queue any more."""

    what = "queue"


class UnableToFindItem(UnableToFind):
    """There is no such item of a queue any more."""

    what = "item"


class UnableToFindAct(UnableToFind):
    """There is no such decision, or another reviewer made it."""

    what = "decision"


class UnableToShowRecord(Conflict):
    """The reviewer has not decided yet, and is not told what others think."""


@dataclass(frozen=True)
class Progress:
    """How far a queue is. `done` have as many decisions as the overlap asks for."""

    total: int
    done: int
    own: int

    @property
    def share(self) -> float:
        """Of 1; an empty queue is done."""
        return self.done / self.total if self.total else 1.0


@dataclass(frozen=True)
class Agreement:
    """How far the verdicts of several on one item agree; None where there are too few.

    `same` is the share of items on which all say the same, `alpha` what is beyond chance.
    """

    num_items: int
    same: float | None
    alpha: float | None


@dataclass(frozen=True)
class ReviewerTally:
    """What one reviewer decided in a queue."""

    name: str
    approved: int
    rejected: int
    flagged: int


@dataclass(frozen=True)
class Own:
    """What one reviewer has to do with some items.

    `held_until` by the ids of items, `decisions` that count by those of their generations.
    """

    held_until: dict[uuid.UUID, datetime.datetime]
    decisions: dict[uuid.UUID, Decision]


@dataclass(frozen=True)
class Act:
    """What a reviewer decided in one go, on however many results; `first` is on one of them.

    `num_standing` are those on which the reviewer has said nothing newer.
    """

    id: uuid.UUID
    first: Decision
    num_results: int
    num_standing: int


@dataclass(frozen=True)
class ItemFilter:
    """Which items of a queue; empty fields filter nothing. `open` lack decisions."""

    standings: tuple[str, ...] = ()
    open: bool | None = None


def list_queues(*, closed: bool | None, page: PageRequest) -> Page[ReviewQueue]:
    """One page of the queues, newest first."""
    rows = ReviewQueue.objects.select_related("creator")
    if closed is not None:
        rows = rows.filter(closed_at__isnull=not closed)
    return paginate(rows, page)


def get_queue(queue_id: uuid.UUID) -> ReviewQueue:
    """One queue; raises UnableToFindQueue."""
    queue = ReviewQueue.objects.select_related("creator").filter(id=queue_id).first()
    if queue is None:
        raise UnableToFindQueue(str(queue_id))
    return queue


def get_item(item_id: uuid.UUID) -> ReviewItem:
    """One item with its queue; raises UnableToFindItem."""
    item = ReviewItem.objects.select_related("queue").filter(id=item_id).first()
    if item is None:
        raise UnableToFindItem(str(item_id))
    return item


def measure_progress(
    *, queues: Sequence[ReviewQueue], reviewer: User
) -> dict[uuid.UUID, Progress]:
    """How far these queues are, in two queries."""
    ids = [queue.id for queue in queues]
    rows = (
        _kept_items(ids)
        .values("queue_id")
        .annotate(
            total=Count("id"),
            done=Count("id", filter=Q(num_decisions__gte=F("queue__overlap"))),
        )
    )
    counted = {row["queue_id"]: (row["total"], row["done"]) for row in rows}
    newest = _newest_in_queues(ids).filter(reviewer=reviewer)
    decided = Decision.objects.filter(id__in=newest.values("id")).exclude(verdict="")
    own = dict(decided.values_list("item__queue_id").annotate(num=Count("id")))
    return {
        queue.id: Progress(*counted.get(queue.id, (0, 0)), own=own.get(queue.id, 0))
        for queue in queues
    }


def _kept_items(queue_ids: Sequence[uuid.UUID]) -> QuerySet[ReviewItem]:
    """Without those whose results lie in the trash, which nobody can decide on."""
    return ReviewItem.objects.filter(queue_id__in=queue_ids, generation__trashed_at__isnull=True)


def _newest_in_queues(queue_ids: Sequence[uuid.UUID]) -> QuerySet[Decision]:
    """The newest decision of each reviewer on each item, taken back or not."""
    rows = Decision.objects.filter(item__queue_id__in=queue_ids).select_related("item")
    return rows.order_by("item_id", "reviewer_id", "-id").distinct("item_id", "reviewer_id")


def tally(queue: ReviewQueue) -> tuple[Agreement, list[ReviewerTally]]:
    """How far reviewers agree, and what each decided."""
    said: defaultdict[uuid.UUID | None, list[str]] = defaultdict(list)
    counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = _newest_in_queues([queue.id]).select_related("reviewer")
    for decision in rows:
        if decision.verdict:
            said[decision.item_id].append(decision.verdict)
            counts[decision.reviewer.get_username()][decision.verdict] += 1
    several = [unit for unit in said.values() if len(unit) > 1]
    same = sum(len(set(unit)) == 1 for unit in several)
    agreement = Agreement(
        num_items=len(several),
        same=same / len(several) if several else None,
        alpha=krippendorff_alpha(several, nominal_distance),
    )
    reviewers = [
        ReviewerTally(
            name,
            approved=by[Verdict.APPROVED],
            rejected=by[Verdict.REJECTED],
            flagged=by[Verdict.FLAGGED],
        )
        for name, by in sorted(counts.items())
    ]
    return agreement, reviewers


def list_items(*, queue: ReviewQueue, only: ItemFilter, page: PageRequest) -> Page[ReviewItem]:
    """One page of the items of a queue, newest first, with their generations."""
    return paginate(select_items(queue=queue, only=only).select_related("generation"), page)


def select_items(*, queue: ReviewQueue, only: ItemFilter) -> QuerySet[ReviewItem]:
    """The items of a queue that were asked for, in no order."""
    rows = _kept_items([queue.id])
    if only.standings:
        rows = rows.filter(generation__standing__in=only.standings)
    if only.open is not None:
        done = Q(num_decisions__gte=queue.overlap)
        rows = rows.exclude(done) if only.open else rows.filter(done)
    return rows


def newest_decision(*, reviewer: User, generation_id: uuid.UUID) -> Decision | None:
    """What a reviewer decides on a result now; None where they never did, or took it back."""
    rows = Decision.objects.filter(reviewer=reviewer, generation_id=generation_id)
    newest = rows.order_by("-id").first()
    return newest if newest is not None and newest.verdict else None


def own_of(*, reviewer: User, items: Sequence[ReviewItem]) -> Own:
    """What a reviewer holds and decided of these items, in two queries."""
    held = ReviewAssignment.objects.filter(
        item__in=[item.id for item in items], reviewer=reviewer, until__gt=timezone.now()
    )
    said = Decision.objects.filter(
        generation__in=[item.generation_id for item in items], reviewer=reviewer
    )
    newest = said.order_by("generation_id", "-id").distinct("generation_id")
    return Own(
        dict(held.values_list("item_id", "until")),
        {row.generation_id: row for row in newest if row.verdict},
    )


def find_items(item_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ReviewItem]:
    """Those of these items that are there, by their ids."""
    return ReviewItem.objects.in_bulk(item_ids)


def get_act(*, reviewer: User, act: uuid.UUID) -> Act:
    """What a reviewer decided in one go; raises UnableToFindAct."""
    rows = Decision.objects.filter(act=act, reviewer=reviewer).exclude(verdict="")
    first = rows.order_by("id").first()
    if first is None:
        raise UnableToFindAct(str(act))
    counts = _with_standing(rows).aggregate(
        total=Count("id"), standing=Count("id", filter=Q(is_replaced=False))
    )
    return Act(act, first, counts["total"], counts["standing"])


def _with_standing(rows: QuerySet[Decision]) -> QuerySet[Decision]:
    """With `is_replaced`: whether the reviewer has said something else since."""
    newer = Decision.objects.filter(
        generation=OuterRef("generation"), reviewer=OuterRef("reviewer"), id__gt=OuterRef("id")
    )
    return rows.annotate(is_replaced=Exists(newer))


def list_record(*, reviewer: User, generation: Generation, page: PageRequest) -> Page[Decision]:
    """The record of a result as `list_decisions` has it, each with `is_replaced`.

    Raises UnableToShowRecord for a reviewer who has not decided on it.
    """
    if newest_decision(reviewer=reviewer, generation_id=generation.id) is None:
        raise UnableToShowRecord("What others decided is told once you have decided yourself.")
    rows = _with_standing(Decision.objects.filter(generation=generation))
    return paginate(rows.select_related("reviewer"), page)


def list_decisions(*, generation: Generation, page: PageRequest) -> Page[Decision]:
    """The record of a result: all that was ever decided on it, newest first."""
    rows = Decision.objects.filter(generation=generation).select_related("reviewer")
    return paginate(rows, page)


def neighbours(item: ReviewItem) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """The items before and after it in its queue."""
    rows = _kept_items([item.queue_id]).order_by("id").values_list("id", flat=True)
    return rows.filter(id__lt=item.id).last(), rows.filter(id__gt=item.id).first()


def items_of_act(act: uuid.UUID) -> list[ReviewItem]:
    """The items that were decided on in one go."""
    return list(ReviewItem.objects.filter(decisions__act=act).order_by("id"))


def count_standings() -> dict[str, int]:
    """How many results stand how, those without decisions left out."""
    rows = (
        Generation.objects.kept()
        .exclude(standing="")
        .order_by()
        .values("standing")
        .annotate(num=Count("id"))
    )
    found = {row["standing"]: row["num"] for row in rows}
    return {standing: found.get(standing, 0) for standing in Standing.values}


def list_standing(*, standing: str, page: PageRequest) -> Page[Generation]:
    """One page of the results that stand so, newest first."""
    rows = Generation.objects.kept().filter(standing=standing).with_details()
    return paginate(rows, page)
