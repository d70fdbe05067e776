"""What people think of results: scores, and what reviewers decided."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from webapp.common.ids import uuid7
from webapp.generations.models import Generation

LOWEST_SCORE, HIGHEST_SCORE = 1, 5
MOST_OVERLAP = 5


class Feedback(models.Model):
    """A score of 1 to 5 that somebody gave a result, or that they took it back (no score).

    Rows are never changed. The newest of an author and a generation counts; the generation keeps
    the mean of those that count, for lists and the search.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="feedback")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="feedback"
    )
    score = models.PositiveSmallIntegerField(null=True)
    comment = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "feedback"
        constraints = [
            models.CheckConstraint(
                condition=Q(score__isnull=True, comment="")
                | Q(score__gte=LOWEST_SCORE, score__lte=HIGHEST_SCORE),
                name="feedback_score_is_one_to_five",
            )
        ]
        indexes = [models.Index(fields=["generation", "author", "-id"], name="feedback_newest")]

    def __str__(self) -> str:
        return f"{self.score or 'none'} for {self.generation_id} by {self.author_id}"


class Verdict(models.TextChoices):
    """What a reviewer decides. A flagged result is one that somebody else has to look at."""

    APPROVED = "approved"
    REJECTED = "rejected"
    FLAGGED = "flagged"


class ReviewQueue(models.Model):
    """Results that reviewers go through, each seen by `overlap` of them.

    `only` is what was asked for when the queue was filled, in the terms of `QueueFilter`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="review_queues"
    )
    name = models.CharField(max_length=100)
    instructions = models.TextField(blank=True, default="")
    overlap = models.PositiveSmallIntegerField(default=1)
    labels = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    only = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=1)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="review_queue_name_is_unique"),
            models.CheckConstraint(
                condition=Q(overlap__gte=1, overlap__lte=MOST_OVERLAP),
                name="review_queue_overlap_is_reasonable",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReviewItem(models.Model):
    """A result in a queue. `num_decisions` are those of different reviewers that count."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    queue = models.ForeignKey(ReviewQueue, on_delete=models.CASCADE, related_name="items")
    generation = models.ForeignKey(
        Generation, on_delete=models.CASCADE, related_name="review_items"
    )
    num_decisions = models.PositiveSmallIntegerField(default=0, db_default=0)
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "generation"], name="review_queue_holds_generation_once"
            )
        ]
        indexes = [models.Index(fields=["queue", "num_decisions", "id"], name="review_item_open")]

    def __str__(self) -> str:
        return f"{self.generation_id} in {self.queue_id}"


class ReviewAssignment(models.Model):
    """A reviewer looks at an item until then; nobody else is given the same place of it."""

    item = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="assignments")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="review_assignments"
    )
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "reviewer"], name="review_assignment_is_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item_id} by {self.reviewer_id}"


class Decision(models.Model):
    """What a reviewer decided on a result, or that they took it back (no verdict).

    Rows are never changed, so they are the record of who decided what and when. The newest of a
    reviewer and a result counts; the generation keeps what all that count come to. Decisions that
    were made in one go, or taken back in one, share their `act`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    act = models.UUIDField(default=uuid7, editable=False, db_index=True)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="decisions")
    item = models.ForeignKey(
        ReviewItem, null=True, blank=True, on_delete=models.SET_NULL, related_name="decisions"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions"
    )
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True, default="")
    labels = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    comment = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["", *Verdict.values]), name="decision_verdict_is_known"
            )
        ]
        indexes = [
            models.Index(fields=["generation", "reviewer", "-id"], name="decision_newest"),
            models.Index(fields=["item"], name="decision_item"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict or 'none'} for {self.generation_id} by {self.reviewer_id}"
