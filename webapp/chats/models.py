"""Conversations: questions that build on each other, and the ways they branch."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.grounding.answerers import QUOTES
from webapp.grounding.models import Answer
from webapp.knowledge.models import Source


class ChatQuerySet(models.QuerySet["Chat"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> ChatQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)


class Chat(models.Model):
    """A conversation and who answers in it.

    Grounded, the answerer reads passages: of `sources`, or of what is in collections, or of all
    documents where neither is chosen, and of earlier generations if these are included. Not
    grounded, it is a checkpoint that goes on with the text, or the connector where no checkpoint
    is named.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chats"
    )
    title = models.CharField(max_length=200)
    #: The ids of the title's terms, for the search of chats.
    title_terms = ArrayField(models.IntegerField(), default=list)
    grounded = models.BooleanField()
    answerer = models.CharField(max_length=16, blank=True, default="")
    checkpoint = models.ForeignKey(
        Checkpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    include_generations = models.BooleanField(default=False)
    sources = models.ManyToManyField(Source, related_name="+", blank=True)
    #: Without foreign keys: a chat whose collection was removed must find nothing, not all.
    collection_ids = ArrayField(models.UUIDField(), default=list)
    #: Counts the changes that its owner made to it.
    revision = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(checkpoint__isnull=False, answerer="", grounded=False)
                | (Q(checkpoint__isnull=True) & ~Q(answerer="")),
                name="chat_is_answered_by_one",
            ),
            models.CheckConstraint(
                condition=~Q(answerer="quotes", grounded=False), name="chat_quotes_something"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="chat_owner"),
            GinIndex(fields=["title_terms"], name="chat_title_terms"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def answered_by(self) -> str:
        """Who answers, in words for its readers."""
        if self.checkpoint is not None:
            return self.checkpoint.name
        return "quotes" if self.answerer == QUOTES else "the language model"


class Turn(models.Model):
    """A question in a chat and what answers it: an answer, or a generation that goes on from it.

    Turns with the same parent are the branches of one place: a question that was put otherwise, or
    asked again. The state of a turn is that of what answers it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="turns")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    question = models.TextField()
    terms = ArrayField(models.IntegerField(), default=list)
    answer = models.OneToOneField(
        Answer, null=True, blank=True, on_delete=models.PROTECT, related_name="turn"
    )
    generation = models.OneToOneField(
        Generation, null=True, blank=True, on_delete=models.PROTECT, related_name="turn"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answer__isnull=True) ^ Q(generation__isnull=True),
                name="turn_has_exactly_one_reply",
            )
        ]
        indexes = [GinIndex(fields=["terms"], name="turn_terms")]

    def __str__(self) -> str:
        return self.question

    @property
    def terminal(self) -> bool:
        """Whether its reply is there, or will never be."""
        if self.answer is not None:
            return self.answer.terminal
        assert self.generation is not None
        return self.generation.job.terminal

    @property
    def status(self) -> str:
        """The state of what replies."""
        if self.answer is not None:
            return self.answer.status
        assert self.generation is not None
        return self.generation.job.status
