"""REST: what the bodies of requests for review hold, and what the answers do."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from genmodels.contract import FAMILIES
from webapp.common.interface import StrictSerializer, Text, WholeNumber
from webapp.generations.models import Standing
from webapp.review import queue_operations
from webapp.review.decision_operations import MAX_AT_ONCE
from webapp.review.models import HIGHEST_SCORE, LOWEST_SCORE, MOST_OVERLAP, Verdict
from webapp.review.operations import MAX_COMMENT_LENGTH

#: More models than anybody names one by one.
_MAX_MODELS = 100


class QueueFilterInput(StrictSerializer):
    """Which results a queue takes in; empty members filter nothing."""

    families = serializers.ListField(
        child=serializers.ChoiceField(choices=FAMILIES), default=list, max_length=len(FAMILIES)
    )
    models = serializers.ListField(child=Text(max_length=64), default=list, max_length=_MAX_MODELS)
    standings = serializers.ListField(
        child=serializers.ChoiceField(choices=Standing.values),
        default=list,
        max_length=len(Standing.values),
    )
    max_score = serializers.FloatField(
        default=None, allow_null=True, min_value=LOWEST_SCORE, max_value=HIGHEST_SCORE
    )
    undecided = serializers.BooleanField(default=False)


class ReviewQueueInput(StrictSerializer):
    """The body of `POST /review-queues`."""

    name = Text(max_length=queue_operations.MAX_NAME_LENGTH)
    instructions = Text(
        default="", allow_blank=True, max_length=queue_operations.MAX_INSTRUCTIONS_LENGTH
    )
    overlap = WholeNumber(default=1, min_value=1, max_value=MOST_OVERLAP)
    labels = serializers.ListField(child=Text(allow_blank=True), default=list)
    only = QueueFilterInput(default=dict)


class ReviewQueueChangeInput(StrictSerializer):
    """The body of `PATCH /review-queues/{id}`; what is left out stays, `only` is set whole."""

    name = Text(required=False, max_length=queue_operations.MAX_NAME_LENGTH)
    instructions = Text(
        required=False, allow_blank=True, max_length=queue_operations.MAX_INSTRUCTIONS_LENGTH
    )
    overlap = WholeNumber(required=False, min_value=1, max_value=MOST_OVERLAP)
    labels = serializers.ListField(child=Text(allow_blank=True), required=False)
    only = QueueFilterInput(required=False)


class QueueFilterOutput(serializers.Serializer[Any]):
    """Which results a queue takes in."""

    families = serializers.ListField(child=serializers.CharField())
    models = serializers.ListField(child=serializers.CharField())
    standings = serializers.ListField(child=serializers.CharField())
    max_score = serializers.FloatField(allow_null=True)
    undecided = serializers.BooleanField()


class ReviewProgressOutput(serializers.Serializer[Any]):
    """How far a queue is: `done` have as many decisions as the overlap asks for."""

    total = serializers.IntegerField()
    done = serializers.IntegerField()
    own = serializers.IntegerField()


class ReviewQueueOutput(serializers.Serializer[Any]):
    """A queue of results that reviewers go through."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    instructions = serializers.CharField()
    overlap = serializers.IntegerField()
    labels = serializers.ListField(child=serializers.CharField())
    only = QueueFilterOutput()
    creator = serializers.CharField()
    review = ReviewProgressOutput()
    created_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class FilledOutput(serializers.Serializer[Any]):
    """How many results came into a queue."""

    added = serializers.IntegerField()


class ReviewerTallyOutput(serializers.Serializer[Any]):
    """What one reviewer decided in a queue, as it counts now."""

    reviewer = serializers.CharField()
    approved = serializers.IntegerField()
    rejected = serializers.IntegerField()
    flagged = serializers.IntegerField()


class ReviewAgreementOutput(serializers.Serializer[Any]):
    """How far the verdicts of several on one item agree.

    `same` is the share of `num_items` on which all say the same, `alpha` Krippendorff's, which is
    1 for full agreement and 0 for that of chance; null where there is too little to say.
    """

    num_items = serializers.IntegerField()
    same = serializers.FloatField(allow_null=True)
    alpha = serializers.FloatField(allow_null=True)
    reviewers = ReviewerTallyOutput(many=True)


class OwnDecisionOutput(serializers.Serializer[Any]):
    """What one decides on a result now."""

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    labels = serializers.ListField(child=serializers.CharField())
    comment = serializers.CharField()
    decided_at = serializers.DateTimeField()


class ReviewItemOutput(serializers.Serializer[Any]):
    """A result in a queue, without what others decided on it.

    `held_until` is until when it is one's own to decide on; `own` is null before one has.
    """

    id = serializers.UUIDField()
    queue = serializers.UUIDField()
    generation = serializers.UUIDField()
    num_decisions = serializers.IntegerField()
    held_until = serializers.DateTimeField(allow_null=True)
    own = OwnDecisionOutput(allow_null=True)
    added_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


class TakeNextInput(StrictSerializer):
    """The body of `POST /review-queues/{id}/next`: the item after which to look, if any."""

    after = serializers.UUIDField(required=False, allow_null=True)


class TakenItemOutput(serializers.Serializer[Any]):
    """What one was given; null where nothing in the queue is left for one."""

    item = ReviewItemOutput(allow_null=True)


class ReviewDecisionInput(StrictSerializer):
    """The body of `POST /review-decisions`: the same for all of these, or for none.

    Items of queues count there; generations are decided on outside of any queue.
    """

    items = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MAX_AT_ONCE
    )
    generations = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MAX_AT_ONCE
    )
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    # `labels` are those of a decision, not of a field.
    labels = serializers.ListField(child=Text(allow_blank=True), default=list)
    comment = Text(default="", allow_blank=True, max_length=MAX_COMMENT_LENGTH)
    score = WholeNumber(
        default=None, allow_null=True, min_value=LOWEST_SCORE, max_value=HIGHEST_SCORE
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two lists, each result once."""
        if ("items" in attrs) == ("generations" in attrs):
            raise serializers.ValidationError("give items or generations", "invalid")
        name = "items" if "items" in attrs else "generations"
        ids: list[uuid.UUID] = attrs[name]
        if len(set(ids)) < len(ids):
            raise serializers.ValidationError({name: "must be different ones"}, "invalid")
        return attrs


class ReviewActOutput(serializers.Serializer[Any]):
    """What one decided in one go; of `num_standing` results it is one's newest word."""

    id = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    labels = serializers.ListField(child=serializers.CharField())
    comment = serializers.CharField()
    num_results = serializers.IntegerField()
    num_standing = serializers.IntegerField()
    decided_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


class TakenBackOutput(serializers.Serializer[Any]):
    """On how many results a decision counts no more."""

    taken_back = serializers.IntegerField()


class DecisionOutput(serializers.Serializer[Any]):
    """One line of the record of a result; no verdict says that it was taken back."""

    id = serializers.UUIDField()
    act = serializers.UUIDField()
    generation = serializers.UUIDField()
    item = serializers.UUIDField(allow_null=True)
    reviewer = serializers.CharField()
    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_null=True)
    labels = serializers.ListField(child=serializers.CharField())
    comment = serializers.CharField()
    counts = serializers.BooleanField()
    created_at = serializers.DateTimeField()
