"""What people think of results."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webapp.common.ids import uuid7
from webapp.generations.models import Generation

LOWEST_SCORE, HIGHEST_SCORE = 1, 5


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
