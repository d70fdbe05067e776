"""Questions, the quotes that answer them, and what a language model wrote from such quotes."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.grounding.answerers import ANSWERERS, QUOTES
from webapp.jobs.models import Job, JobState
from webapp.knowledge.models import Source
from webapp.search.models import Passage


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> AnswerQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)

    def kept(self) -> AnswerQuerySet:
        """Rows that are not in the trash."""
        return self.filter(trashed_at__isnull=True)

    def asked_alone(self) -> AnswerQuerySet:
        """Questions that are no part of a conversation."""
        return self.filter(in_conversation=False)


class Answer(models.Model):
    """A question that was asked, and how it was answered.

    Answered by quotes, its words are its citations and nothing else. Answered by a language model
    they are its statements; that is the work of `job`, and there is nothing before its end. Either
    way words vanish from an answer when its reader may no longer see where they came from.

    `searched_for` is what was looked for in place of the question, where that leaned on others
    before it. `scope` is where it was looked, for the job and for what is asked next; `history`,
    which the job needs too, is emptied at its end. `consulted` holds the ids of all that the
    language model was shown, `near` those of the passages that were found, the best first.
    `confidence` is the similarity that decided whether anything was found at all. `replayed` is no
    field: it marks an object that an earlier request with the same idempotency key had made.
    """

    replayed = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="answers"
    )
    question = models.TextField()
    searched_for = models.TextField(blank=True, default="")
    answerer = models.CharField(max_length=16, default=QUOTES)
    #: The language model that wrote, as its server names it.
    model = models.CharField(max_length=200, blank=True, default="")
    grounded = models.BooleanField(default=True)
    in_conversation = models.BooleanField(default=False)
    job = models.OneToOneField(
        Job, null=True, blank=True, on_delete=models.PROTECT, related_name="answer"
    )
    scope = models.JSONField(default=dict)
    history = models.JSONField(default=list)
    consulted = ArrayField(models.UUIDField(), default=list)
    near = ArrayField(models.UUIDField(), default=list, db_default=Value("{}"))
    found = models.BooleanField()
    confidence = models.FloatField()
    num_passages = models.PositiveSmallIntegerField()
    include_generations = models.BooleanField()
    space = models.CharField(max_length=200)
    took_ms = models.FloatField()
    created_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answerer__in=ANSWERERS), name="answer_answerer_is_known"
            )
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="answer_owner")]

    def __str__(self) -> str:
        return self.question

    @property
    def status(self) -> str:
        """The state of its job; what needed none has succeeded."""
        return JobState.SUCCEEDED.value if self.job is None else self.job.status

    @property
    def terminal(self) -> bool:
        """Whether nothing more will come."""
        return self.job is None or self.job.terminal


class Statement(models.Model):
    """What a language model wrote: a sentence of a grounded answer, or the whole of a free one.

    A sentence without citations is unsupported, and shown apart.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="statements")
    ordinal = models.PositiveSmallIntegerField()
    text = models.TextField()
    begins_line = models.BooleanField(default=False)
    #: The ids of its terms, for the search of chats.
    terms = ArrayField(models.IntegerField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "ordinal"], name="statement_order_is_unique"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="statement_has_words"),
        ]
        indexes = [GinIndex(fields=["terms"], name="statement_terms")]

    def __str__(self) -> str:
        return self.text


class Citation(models.Model):
    """A sentence quoted in an answer, and where it stands; with a statement, what bears that out.

    `number` is what the answer prints in brackets: quotes of one passage share it. `start` and
    `end` count characters in the text that the passage was cut from.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="citations")
    statement = models.ForeignKey(
        Statement, null=True, blank=True, on_delete=models.CASCADE, related_name="citations"
    )
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
    terms = ArrayField(models.IntegerField(), default=list)

    class Meta:
        indexes = [GinIndex(fields=["terms"], name="citation_terms")]
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
