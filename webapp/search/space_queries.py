"""Reads of spaces: how full each is, how well its graph finds, and what stands in its way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection
from django.utils import timezone

from webapp.common.refusals import UnableToFind
from webapp.search.models import ActiveSpace, EmbeddingSpace, RecallCheck
from webapp.search.statement import MIN_EXACT_SCOPE

#: Below this share of the ten nearest a graph is not good enough to be searched.
MIN_RECALL = 0.95
#: A check counts as long as the space has not grown by more than this share since.
_CHECKED_SHARE = 0.9
#: Graphs are checked once after this hour (UTC), when few people search.
_NIGHT_HOUR = 3
#: How many of the latest checks are shown.
SHOWN_CHECKS = 14
#: A space that got no vector for so long, and lacks some, is not being filled.
_STALLED = dt.timedelta(minutes=2)

SpaceStatus = Literal["active", "filling", "ready", "unchecked", "poor"]
STATUSES: tuple[SpaceStatus, ...] = ("active", "filling", "ready", "unchecked", "poor")


class UnableToFindSpace(UnableToFind):
    """There is no such space."""

    what = "space"


@dataclass(frozen=True)
class SpaceReport:
    """A space as it is now.

    `obstacle` is why it cannot be switched to, or empty; `rate` counts vectors a second while it
    is being filled; `checks` are the latest, newest first.
    """

    space: EmbeddingSpace
    is_active: bool
    is_previous: bool
    num_vectors: int
    num_passages: int
    obstacle: str
    rate: float | None
    checks: Sequence[RecallCheck]

    @property
    def num_missing(self) -> int:
        """Passages without a vector."""
        return max(0, self.num_passages - self.num_vectors)

    @property
    def status(self) -> SpaceStatus:
        """What it is in a word: `unchecked` and `poor` are full, but cannot be switched to."""
        if self.is_active:
            return "active"
        if self.num_missing:
            return "filling"
        if not self.obstacle:
            return "ready"
        return "poor" if self.checks and self.checks[0].recall < MIN_RECALL else "unchecked"

    @property
    def seconds_left(self) -> float | None:
        """How long filling will take at the present rate; None where nobody can tell."""
        return self.num_missing / self.rate if self.rate and self.num_missing else None

    @property
    def is_compared_whole(self) -> bool:
        """Whether searches compare all of its vectors, so that there is no graph to check."""
        return self.num_vectors <= MIN_EXACT_SCOPE

    @property
    def finds_poorly(self) -> bool:
        """Whether the latest check was below MIN_RECALL."""
        return bool(self.checks) and self.checks[0].recall < MIN_RECALL


def list_spaces() -> list[SpaceReport]:
    """Every space, the active one first, then by age."""
    use = ActiveSpace.objects.first()
    rows = EmbeddingSpace.objects.order_by("id")
    reports = [_report(space, use) for space in rows]
    return sorted(reports, key=lambda report: not report.is_active)


def get_space(*, space_id: int) -> SpaceReport:
    """One space. Raises UnableToFindSpace."""
    space = EmbeddingSpace.objects.filter(id=space_id).first()
    if space is None:
        raise UnableToFindSpace(str(space_id))
    return _report(space, ActiveSpace.objects.first())


def _report(space: EmbeddingSpace, use: ActiveSpace | None) -> SpaceReport:
    num_passages, num_vectors = count_vectors(space)
    is_moving = space.filled_at is not None and timezone.now() - space.filled_at < _STALLED
    return SpaceReport(
        space=space,
        is_active=use is not None and use.space_id == space.id,
        is_previous=use is not None and use.previous_id == space.id,
        num_vectors=num_vectors,
        num_passages=num_passages,
        obstacle=_obstacle(space, num_passages, num_vectors),
        rate=space.filled_per_second if is_moving else None,
        checks=list(space.checks.order_by("-checked_at")[:SHOWN_CHECKS]),
    )


def count_vectors(space: EmbeddingSpace) -> tuple[int, int]:
    """How many passages there are, and how many of them have a vector in this space."""
    with connection.cursor() as cursor:
        # Not by the partition's name: it may have been dropped a moment ago.
        cursor.execute(
            "SELECT (SELECT count(*) FROM search_passage),"
            " (SELECT count(*) FROM search_passagevector WHERE space_id = %s)",
            [space.pk],
        )
        row = cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def obstacle_to_switching(space: EmbeddingSpace) -> str:
    """Why searches cannot look in this space yet, in a sentence; empty where they can."""
    return _obstacle(space, *count_vectors(space))


def _obstacle(space: EmbeddingSpace, num_passages: int, num_vectors: int) -> str:
    missing = num_passages - num_vectors
    if missing > 0:
        lack = "1 passage has" if missing == 1 else f"{missing:,} passages have"
        return f"{lack} no vector in it yet."
    if num_vectors <= MIN_EXACT_SCOPE:
        return ""
    check = space.checks.order_by("-checked_at").first()
    if check is None or check.num_vectors < _CHECKED_SHARE * num_vectors:
        return "How well its graph finds was not checked yet."
    if check.recall < MIN_RECALL:
        return (
            f"Its graph finds only {check.recall:.1%} of the nearest; {MIN_RECALL:.0%} are needed."
        )
    return ""


def is_check_due(space: EmbeddingSpace) -> bool:
    """Whether the graph of a space is to be checked: once a night, when asked, and when filled."""
    if space.check_wanted:
        return True
    num_passages, num_vectors = count_vectors(space)
    is_active = ActiveSpace.objects.filter(space=space).exists()
    if num_vectors <= MIN_EXACT_SCOPE or (num_vectors < num_passages and not is_active):
        return False
    check = space.checks.order_by("-checked_at").first()
    if check is None or check.num_vectors < _CHECKED_SHARE * num_vectors:
        return True
    return check.checked_at < _last_night(timezone.now())


def _last_night(now: dt.datetime) -> dt.datetime:
    night = now.replace(hour=_NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night if night <= now else night - dt.timedelta(days=1)
