"""Reads of feedback."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.generations.models import Generation
from webapp.jobs.models import JobState
from webapp.review.models import Feedback


def may_be_rated(generation: Generation) -> bool:
    """Whether there is a result to be rated that is not in the trash."""
    return generation.job.state == JobState.SUCCEEDED and generation.trashed_at is None


def newest_feedback(*, author: User, generation: Generation) -> Feedback | None:
    """What an author thinks of a result now; None where they never said, or took it back."""
    rows = Feedback.objects.filter(author=author, generation=generation)
    newest = rows.order_by("-id").first()
    return newest if newest is not None and newest.score is not None else None


def list_feedback(*, user: User, generation: Generation, page: PageRequest) -> Page[Feedback]:
    """What was said of a result, newest first, with what was said before and counts no more.

    Reviewers and admins read everybody's, others their own. The caller has made sure that the
    user may see the generation.
    """
    rows = with_standing(Feedback.objects.filter(generation=generation))
    if not user.sees_everything:
        rows = rows.filter(author=user)
    return paginate(rows.select_related("author"), page)


def with_standing(rows: QuerySet[Feedback]) -> QuerySet[Feedback]:
    """With `is_replaced`: whether the author has said something else since."""
    newer = Feedback.objects.filter(
        generation=OuterRef("generation"), author=OuterRef("author"), id__gt=OuterRef("id")
    )
    return rows.annotate(is_replaced=Exists(newer))
