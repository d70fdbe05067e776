"""Votes on results side by side; a comparison itself is a batch: one prompt to many models."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from webapp.common.ids import uuid7
from webapp.generations.models import Batch, Generation


class Verdict(models.TextChoices):
    """Which of two results is better."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Vote(models.Model):
    """What somebody said of two results of one comparison, of which `first` has the lower id.

    Rows are never changed. The newest of a voter and a pair counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    comparison = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="votes")
    voter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes"
    )
    first = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    #: Whether the voter had not been told who made what.
    is_blind = models.BooleanField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="vote_verdict_is_known"
            ),
            # A pair is stored one way round only, so that a second vote is found beside the first.
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="vote_pair_in_order"),
        ]
        indexes = [
            models.Index(
                fields=["comparison", "voter", "first", "second", "-id"], name="vote_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.voter_id} on {self.comparison_id}"


class Reveal(models.Model):
    """That somebody was told who made what in a blind comparison."""

    comparison = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="reveals")
    viewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reveals"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comparison", "viewer"], name="reveal_is_told_once")
        ]

    def __str__(self) -> str:
        return f"{self.comparison_id} to {self.viewer_id}"
