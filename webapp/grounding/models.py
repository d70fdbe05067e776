"""Questions, and the quotes that answer them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.knowledge.models import Source
from webapp.search.models import Passage


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> AnswerQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)


class Answer(models.Model):
    """A question that was asked. The words of its answer are its citations and nothing else.

    So a quote vanishes from the answer when its reader may no longer see where it came from.
    `confidence` is the similarity that decided whether anything was found at all. `replayed` is no
    field: it marks an object that an earlier request with the same idempotency key had made.
    """

    replayed = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="answers"
    )
    question = models.TextField()
    found = models.BooleanField()
    confidence = models.FloatField()
    num_passages = models.PositiveSmallIntegerField()
    include_generations = models.BooleanField()
    space = models.CharField(max_length=200)
    took_ms = models.FloatField()
    created_at = models.DateTimeField(db_default=Now())

    objects = AnswerQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="answer_owner")]

    def __str__(self) -> str:
        return self.question


class Citation(models.Model):
    """A sentence quoted in an answer, and where it stands.

    `number` is what the answer prints in brackets: quotes of one passage share it. `start` and
    `end` count characters in the text that the passage was cut from.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="citations")
    ordinal = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    passage = models.ForeignKey(Passage, null=True, on_delete=models.SET_NULL, related_name="+")
    generation = models.ForeignKey(
        Generation, null=True, on_delete=models.CASCADE, related_name="citations"
    )
    source = models.ForeignKey(
        Source, null=True, on_delete=models.CASCADE, related_name="citations"
    )
    quote = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True)
    heading = models.TextField(blank=True, default="")
    score = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["answer", "ordinal"], name="citation_order_is_unique"),
            models.CheckConstraint(
                condition=Q(generation__isnull=True) ^ Q(source__isnull=True),
                name="citation_has_exactly_one_origin",
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="citation_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"[{self.number}] {self.quote}"
