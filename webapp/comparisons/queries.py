"""Reads of comparisons, votes on them, and what they come to."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.comparisons.models import Reveal, Verdict, Vote
from webapp.comparisons.ranking import Standing, Tally, rank
from webapp.comparisons.sides import Seen, lay_out
from webapp.generations.models import Batch, Generation

#: The task of votes on results of different kinds, which count among themselves only.
MIXED = "mixed"


class UnableToFindComparison(Exception):
    """There is no such comparison, or it is not the user's to see."""


@dataclass(frozen=True)
class ComparisonFilter:
    """Which comparisons of those one may see; None filters nothing."""

    mine: bool = False
    trashed: bool = False
    blind: bool | None = None


def list_comparisons(*, user: User, only: ComparisonFilter, page: PageRequest) -> Page[Batch]:
    """One page of comparisons, newest first."""
    rows = Batch.objects.visible_to(user).comparisons()
    rows = rows.filter(trashed_at__isnull=not only.trashed)
    if only.mine:
        rows = rows.filter(owner=user)
    if only.blind is not None:
        rows = rows.filter(is_blind=only.blind)
    return paginate(rows.select_related("owner"), page)


def get_comparison(*, user: User, comparison_id: uuid.UUID) -> Batch:
    """One comparison, trashed or not; raises UnableToFindComparison."""
    rows = Batch.objects.visible_to(user).comparisons().select_related("owner")
    found = rows.filter(id=comparison_id).first()
    if found is None:
        raise UnableToFindComparison(str(comparison_id))
    return found


def see_comparisons(*, viewer: User, batches: Sequence[Batch]) -> list[Seen]:
    """These comparisons as the viewer sees them, in a constant number of queries."""
    ids = [batch.id for batch in batches]
    cells: dict[uuid.UUID | None, list[Generation]] = defaultdict(list)
    rows = Generation.objects.with_details().filter(batch_id__in=ids)
    for cell in rows.order_by("batch_id", "batch_place"):
        cells[cell.batch_id].append(cell)
    votes: dict[uuid.UUID, dict[tuple[uuid.UUID, uuid.UUID], Vote]] = defaultdict(dict)
    for vote in Vote.objects.filter(voter=viewer, comparison_id__in=ids).order_by("id"):
        # The newest comes last, in place of those before it.
        votes[vote.comparison_id][vote.first_id, vote.second_id] = vote
    reveals = Reveal.objects.filter(viewer=viewer, comparison_id__in=ids)
    revealed = set(reveals.values_list("comparison_id", flat=True))
    return [
        Seen(
            batch=batch,
            sides=lay_out(batch, cells[batch.id], viewer),
            votes=votes[batch.id],
            was_revealed=batch.id in revealed,
        )
        for batch in batches
    ]


def see_comparison(*, viewer: User, batch: Batch) -> Seen:
    """One comparison as the viewer sees it."""
    [seen] = see_comparisons(viewer=viewer, batches=[batch])
    return seen


def list_votes(*, user: User, batch: Batch, page: PageRequest) -> Page[Vote]:
    """Votes on a comparison, newest first, with those that were replaced.

    Reviewers and admins read everybody's, others their own. The caller has made sure that the
    user may see the comparison.
    """
    rows = with_standing(Vote.objects.filter(comparison=batch))
    if not user.sees_everything:
        rows = rows.filter(voter=user)
    return paginate(rows.select_related("voter"), page)


def with_standing(rows: QuerySet[Vote]) -> QuerySet[Vote]:
    """With `is_replaced`: whether the voter has said something else of the pair since."""
    newer = Vote.objects.filter(
        comparison=OuterRef("comparison"),
        voter=OuterRef("voter"),
        first=OuterRef("first"),
        second=OuterRef("second"),
        id__gt=OuterRef("id"),
    )
    return rows.annotate(is_replaced=Exists(newer))


@dataclass(frozen=True)
class RankingFilter:
    """Which votes count."""

    blind: bool = False
    mine: bool = False


@dataclass(frozen=True)
class RankedModel:
    """A model and where it stands."""

    checkpoint: Checkpoint
    standing: Standing


@dataclass(frozen=True)
class Ranking:
    """The models of one task, the strongest first."""

    task: str
    num_votes: int
    models: tuple[RankedModel, ...]

    @property
    def num_groups(self) -> int:
        """Into how many sets the models fall that were never compared with each other."""
        return len({each.standing.group for each in self.models})


_TALLIES = """
WITH newest AS (
  SELECT DISTINCT ON (v.voter_id, v.first_id, v.second_id) v.first_id, v.second_id, v.verdict
  FROM comparisons_vote v JOIN generations_batch b ON b.id = v.comparison_id
  WHERE b.trashed_at IS NULL AND (v.is_blind OR NOT %(blind)s)
    AND (%(voter)s::bigint IS NULL OR v.voter_id = %(voter)s::bigint)
  ORDER BY v.voter_id, v.first_id, v.second_id, v.id DESC)
SELECT CASE WHEN cf.modality = cs.modality THEN cf.modality ELSE %(mixed)s END,
  cf.slug, cs.slug,
  count(*) FILTER (WHERE verdict = %(first)s), count(*) FILTER (WHERE verdict = %(second)s),
  count(*) FILTER (WHERE verdict = %(tie)s), count(*) FILTER (WHERE verdict = %(both_bad)s)
FROM newest
JOIN generations_generation f ON f.id = newest.first_id
JOIN generations_generation s ON s.id = newest.second_id
JOIN catalog_checkpoint cf ON cf.id = f.checkpoint_id
JOIN catalog_checkpoint cs ON cs.id = s.checkpoint_id
WHERE f.checkpoint_revision = cf.revision AND s.checkpoint_revision = cs.revision
GROUP BY 1, 2, 3
"""


def list_rankings(*, user: User, only: RankingFilter) -> list[Ranking]:
    """The models of every task that has votes, by the newest vote of each voter on each pair.

    Votes of comparisons in the trash do not count, nor those on weights that were replaced.
    """
    tallies: dict[str, list[Tally]] = defaultdict(list)
    with connection.cursor() as cursor:
        parameters = {
            "blind": only.blind,
            "voter": user.pk if only.mine else None,
            "mixed": MIXED,
            **{verdict.value: verdict.value for verdict in Verdict},
        }
        cursor.execute(_TALLIES, parameters)
        for task, first, second, *counts in cursor.fetchall():
            tallies[task].append(Tally(first, second, *counts))
    slugs = {name for rows in tallies.values() for row in rows for name in (row.first, row.second)}
    checkpoints = {row.slug: row for row in Checkpoint.objects.filter(slug__in=slugs)}
    return [
        Ranking(
            task=task,
            num_votes=sum(row.num_votes for row in rows),
            models=tuple(RankedModel(checkpoints[each.name], each) for each in rank(rows)),
        )
        for task, rows in sorted(tallies.items())
    ]
