"""Writes on review queues: making, filling, changing and closing them, and handing out items."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from genmodels.contract import FAMILIES, Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.common.cleaning import clean_line, clean_text, length_faults, name_faults
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.generations.models import Generation, Standing
from webapp.jobs.idempotency import made_before
from webapp.jobs.models import JobState
from webapp.review.models import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    MOST_OVERLAP,
    ReviewAssignment,
    ReviewItem,
    ReviewQueue,
)
from webapp.review.queue_queries import get_queue

MAX_NAME_LENGTH = 100
MAX_INSTRUCTIONS_LENGTH = 4_000
MAX_LABELS = 20
MAX_LABEL_LENGTH = 40
#: So many of the newest results are taken into a queue in one call.
MAX_ITEMS_AT_ONCE = 10_000
#: For so long an item waits for the reviewer who was given it.
ASSIGNED_FOR = dt.timedelta(minutes=30)
_ENDPOINT = "review-queues"


class UnableToNameQueue(Conflict):
    """There is another queue of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a queue named “{name}” already.")


class UnableToChangeQueue(ChangedSinceRead):
    """It is not as it was when it was read."""

    def __init__(self) -> None:
        super().__init__("The queue")


class UnableToAssign(Conflict):
    """The queue is closed."""


@dataclass(frozen=True)
class QueueFilter:
    """Which results a queue takes in; empty fields filter nothing."""

    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    standings: tuple[str, ...] = ()
    max_score: float | None = None
    undecided: bool = False


@dataclass(frozen=True)
class QueueWish:
    """What a queue is to be."""

    name: str
    instructions: str = ""
    overlap: int = 1
    labels: tuple[str, ...] = ()
    only: QueueFilter = QueueFilter()


def create_queue(
    *, creator: User, wish: QueueWish, idempotency_key: str | None = None
) -> ReviewQueue:
    """Make a queue and fill it; a key that came before gives the queue of that time.

    Raises InvalidRequest, UnableToNameQueue, UnableToReuseIdempotencyKey, or UnableToFindQueue
    where what the key made was removed since.
    """
    wish = _clean(wish)
    queue_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=creator,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=asdict(wish),
            object_id=queue_id,
        )
        if earlier_id is not None:
            return get_queue(earlier_id)
        try:
            ReviewQueue.objects.create(
                id=queue_id,
                creator=creator,
                name=wish.name,
                instructions=wish.instructions,
                overlap=wish.overlap,
                labels=list(wish.labels),
                only=asdict(wish.only),
            )
        except IntegrityError as error:
            raise UnableToNameQueue(wish.name) from error
        queue = get_queue(queue_id)
        fill_queue(queue=queue)
    return queue


def _clean(wish: QueueWish) -> QueueWish:
    name, instructions = clean_line(wish.name), clean_text(wish.instructions)
    labels = clean_labels(wish.labels)
    only = wish.only
    faults = name_faults(name, MAX_NAME_LENGTH)
    faults += length_faults("/instructions", instructions, MAX_INSTRUCTIONS_LENGTH)
    if not 1 <= wish.overlap <= MOST_OVERLAP:
        detail = f"must be between 1 and {MOST_OVERLAP}"
        faults.append(Fault("/overlap", "out_of_range", detail))
    faults.extend(label_faults(labels))
    if only.max_score is not None and not LOWEST_SCORE <= only.max_score <= HIGHEST_SCORE:
        detail = f"must be between {LOWEST_SCORE} and {HIGHEST_SCORE}"
        faults.append(Fault("/only/max_score", "out_of_range", detail))
    faults.extend(_unknown("/only/families", only.families, FAMILIES))
    faults.extend(_unknown("/only/standings", only.standings, Standing.values))
    if faults:
        raise InvalidRequest(faults)
    return QueueWish(name, instructions, wish.overlap, labels, only)


def _unknown(pointer: str, given: Sequence[str], known: Sequence[str]) -> list[Fault]:
    detail = f"must be among {', '.join(known)}"
    return [Fault(pointer, "unknown_value", detail)] if set(given) - set(known) else []


def clean_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels as they are kept: single spaces, each once, none empty."""
    spaced = (clean_line(label) for label in labels)
    return tuple(dict.fromkeys(label for label in spaced if label))


def label_faults(labels: Sequence[str]) -> list[Fault]:
    """What is wrong with cleaned labels."""
    faults = []
    if len(labels) > MAX_LABELS:
        faults.append(Fault("/labels", "too_many", f"must be at most {MAX_LABELS}"))
    if any(len(label) > MAX_LABEL_LENGTH for label in labels):
        detail = f"must each have at most {MAX_LABEL_LENGTH} characters"
        faults.append(Fault("/labels", "too_long", detail))
    return faults


def fill_queue(*, queue: ReviewQueue) -> int:
    """Take in the newest results that the queue asks for and lacks; how many came.

    They are handed out in the order of their items' ids, which is random within one filling, so
    that no result is judged by the one before it more often than by another.
    """
    only = QueueFilter(**queue.only)
    rows = Generation.objects.filter(job__state=JobState.SUCCEEDED).kept()
    if only.families:
        rows = rows.filter(checkpoint__family__in=only.families)
    if only.models:
        rows = rows.filter(checkpoint__slug__in=only.models)
    if only.standings:
        rows = rows.filter(standing__in=only.standings)
    if only.max_score is not None:
        rows = rows.filter(mean_score__lte=only.max_score)
    if only.undecided:
        rows = rows.filter(standing="")
    held = ReviewItem.objects.filter(queue=queue).values("generation_id")
    wanted = rows.exclude(id__in=held).order_by("-id").values_list("id", flat=True)
    added = ReviewItem.objects.bulk_create(
        [
            ReviewItem(queue=queue, generation_id=generation_id)
            for generation_id in wanted[:MAX_ITEMS_AT_ONCE]
        ],
        batch_size=1_000,
        ignore_conflicts=True,
    )
    return len(added)


def change_queue(
    *, queue: ReviewQueue, wish: QueueWish, revision: int | None = None
) -> ReviewQueue:
    """Change all of a queue but what it holds; with `revision`, only if it is at that.

    Raises InvalidRequest, UnableToNameQueue, UnableToChangeQueue or UnableToFindQueue.
    """
    wish = _clean(wish)
    rows = ReviewQueue.objects.filter(id=queue.id)
    if revision is not None:
        rows = rows.filter(revision=revision)
    try:
        with transaction.atomic():
            changed = rows.update(
                name=wish.name,
                instructions=wish.instructions,
                overlap=wish.overlap,
                labels=list(wish.labels),
                only=asdict(wish.only),
                revision=F("revision") + 1,
            )
    except IntegrityError as error:
        raise UnableToNameQueue(wish.name) from error
    if not changed and revision is not None:
        raise UnableToChangeQueue
    return get_queue(queue.id)


def close_queue(*, queue: ReviewQueue) -> None:
    """Hand out no more of it; what was decided stays. A closed one stays as it is."""
    ReviewQueue.objects.filter(id=queue.id, closed_at=None).update(
        closed_at=Now(), revision=F("revision") + 1
    )


def reopen_queue(*, queue: ReviewQueue) -> None:
    """Hand items out again."""
    ReviewQueue.objects.filter(id=queue.id).exclude(closed_at=None).update(
        closed_at=None, revision=F("revision") + 1
    )


# An item is open to a reviewer who has not decided on it while decisions and the places that
# others hold do not reach the overlap. SKIP LOCKED has two who ask at once get two items.
_NEXT = """
SELECT item.id FROM review_reviewitem AS item
JOIN generations_generation AS generation ON generation.id = item.generation_id
WHERE item.queue_id = %(queue)s AND item.num_decisions < %(overlap)s
  AND (%(after)s::uuid IS NULL OR item.id > %(after)s)
  AND generation.trashed_at IS NULL
  AND COALESCE((
    SELECT own.verdict FROM review_decision AS own
    WHERE own.item_id = item.id AND own.reviewer_id = %(reviewer)s
    ORDER BY own.id DESC LIMIT 1), '') = ''
  AND item.num_decisions + (
    SELECT count(*) FROM review_reviewassignment AS held
    WHERE held.item_id = item.id AND held.reviewer_id <> %(reviewer)s
      AND held.until > %(now)s) < %(overlap)s
ORDER BY item.id LIMIT 1
FOR UPDATE OF item SKIP LOCKED
"""


def assign_next(
    *, queue: ReviewQueue, reviewer: User, after: uuid.UUID | None = None
) -> ReviewItem | None:
    """Give a reviewer the next open item after that one, and from the start behind the last.

    None where nothing is open to this reviewer. Places that the reviewer held elsewhere in the
    queue are free again: who moves on has let go. Raises UnableToAssign for a closed queue.
    """
    if queue.closed_at is not None:
        raise UnableToAssign("The queue is closed.")
    with transaction.atomic():
        ReviewAssignment.objects.filter(item__queue=queue, reviewer=reviewer).delete()
        found = _find_next(queue, reviewer, after)
        if found is None and after is not None:
            found = _find_next(queue, reviewer, None)
        if found is None:
            return None
        ReviewAssignment.objects.create(
            item_id=found, reviewer=reviewer, until=timezone.now() + ASSIGNED_FOR
        )
    return ReviewItem.objects.select_related("queue").get(id=found)


def release_item(*, item: ReviewItem, reviewer: User) -> None:
    """Let others have the place that a reviewer holds; again changes nothing."""
    ReviewAssignment.objects.filter(item=item, reviewer=reviewer).delete()


def _find_next(queue: ReviewQueue, reviewer: User, after: uuid.UUID | None) -> uuid.UUID | None:
    values: dict[str, Any] = {
        "queue": queue.id,
        "overlap": queue.overlap,
        "after": after,
        "reviewer": reviewer.pk,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, values)
        row = cursor.fetchone()
    return None if row is None else row[0]
