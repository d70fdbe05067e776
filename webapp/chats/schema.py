"""Bodies of the REST interface of chats: what is taken in, and what is described."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webapp.chats.operations import MAX_SOURCES, MAX_TITLE_LENGTH
from webapp.common.interface import StrictSerializer, Text
from webapp.grounding.answerers import ANSWERERS, QUOTES
from webapp.grounding.api import AnswerOutput
from webapp.grounding.operations import MAX_QUESTION_CHARACTERS
from webapp.jobs.models import STATUSES


class ChatInput(StrictSerializer):
    """The body of `POST /chats`."""

    title = Text(required=False, allow_blank=True, max_length=MAX_TITLE_LENGTH)
    grounded = serializers.BooleanField(
        default=True, help_text="answered from documents, or freely by a model"
    )
    answerer = serializers.ChoiceField(choices=ANSWERERS, default=QUOTES)
    model = Text(
        required=False,
        allow_null=True,
        max_length=64,
        help_text="a checkpoint that goes on with the text, in place of an answerer",
    )
    source_ids = serializers.ListField(
        child=serializers.UUIDField(),
        default=list,
        max_length=MAX_SOURCES,
        help_text="documents to look in; an empty list looks in all",
    )
    include_generations = serializers.BooleanField(default=False)
    collections = serializers.ListField(
        child=serializers.UUIDField(),
        default=list,
        max_length=MAX_SOURCES,
        help_text="look in all that these hold and in nothing else; not with source_ids",
    )


class ChatChangeInput(StrictSerializer):
    """The body of `PATCH /chats/{id}`."""

    title = Text(required=False, max_length=MAX_TITLE_LENGTH)
    source_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MAX_SOURCES
    )
    include_generations = serializers.BooleanField(required=False)
    collections = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MAX_SOURCES
    )


class TurnInput(StrictSerializer):
    """The body of `POST /chats/{id}/turns`."""

    question = Text(trim_whitespace=False, max_length=MAX_QUESTION_CHARACTERS)
    # `parent` is also an attribute of fields, but of their instances: the metaclass takes this
    # away.
    parent = serializers.UUIDField(  # type: ignore[assignment]
        required=False,
        allow_null=True,
        help_text="the turn that it follows; null begins anew; left out, it follows the newest",
    )


class BranchOutput(serializers.Serializer[Any]):
    """The place of a turn among those with the same parent, counted from 1."""

    place = serializers.IntegerField()
    total = serializers.IntegerField()


class TurnGenerationOutput(serializers.Serializer[Any]):
    """The generation that replies."""

    id = serializers.UUIDField()
    accession = serializers.CharField()
    link = serializers.CharField()


class TurnOutput(serializers.Serializer[Any]):
    """A question in a chat with its reply; made by `describe_turn`."""

    id = serializers.UUIDField()
    chat = serializers.UUIDField()
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]
    question = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    branch = BranchOutput()
    text = serializers.CharField(allow_null=True)
    answer = AnswerOutput(allow_null=True)
    generation = TurnGenerationOutput(allow_null=True)
    created_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


class ChatSummaryOutput(serializers.Serializer[Any]):
    """A chat without its turns; made by `describe_chat`."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    grounded = serializers.BooleanField()
    answerer = serializers.ChoiceField(choices=ANSWERERS, allow_null=True)
    model = serializers.CharField(allow_null=True)
    include_generations = serializers.BooleanField()
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class ChatOutput(ChatSummaryOutput):
    """A chat with one way through its turns."""

    source_ids = serializers.ListField(child=serializers.UUIDField())
    collections = serializers.ListField(child=serializers.UUIDField())
    thread = TurnOutput(many=True)


class ChatExportOutput(ChatOutput):
    """A chat with all of its turns, in the order in which they were asked."""

    turns = TurnOutput(many=True)
