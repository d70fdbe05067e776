"""REST: what people think of results."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_submit
from webapp.common.interface import PAGE, StrictSerializer, Text, WholeNumber, list_of, parse_body
from webapp.common.pagination import parse_page
from webapp.generations.queries import get_generation
from webapp.review import operations, queries
from webapp.review.models import HIGHEST_SCORE, LOWEST_SCORE, Feedback


class FeedbackInput(StrictSerializer):
    """The body of `PUT /generations/{id}/feedback`."""

    score = WholeNumber(min_value=LOWEST_SCORE, max_value=HIGHEST_SCORE)
    comment = Text(default="", allow_blank=True, max_length=operations.MAX_COMMENT_LENGTH)


class FeedbackOutput(serializers.Serializer[Any]):
    """A score, or that it was taken back (null); `counts` is false for all but the newest."""

    id = serializers.UUIDField()
    generation = serializers.UUIDField()
    author = serializers.CharField()
    score = serializers.IntegerField(allow_null=True)
    comment = serializers.CharField()
    counts = serializers.BooleanField()
    created_at = serializers.DateTimeField()


def describe_feedback(feedback: Feedback, *, is_replaced: bool = False) -> dict[str, Any]:
    """What somebody thinks of a result, as the interface shows it."""
    return {
        "id": str(feedback.id),
        "generation": str(feedback.generation_id),
        "author": feedback.author.get_username(),
        "score": feedback.score,
        "comment": feedback.comment,
        "counts": feedback.score is not None and not is_replaced,
        "created_at": feedback.created_at,
    }


class FeedbackApi(APIView):
    """`/api/v1/generations/{id}/feedback`."""

    @extend_schema(
        operation_id="feedback_list",
        parameters=PAGE,
        responses={200: list_of(FeedbackOutput)},
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """One's own scores of it, newest first; for reviewers and admins everybody's."""
        user = member(request)
        page = parse_page(request.query_params.dict())
        generation = get_generation(user=user, generation_id=generation_id)
        found = queries.list_feedback(user=user, generation=generation, page=page)
        rows = [
            describe_feedback(row, is_replaced=getattr(row, "is_replaced", False))
            for row in found.rows
        ]
        return Response(found.to_dict(rows))

    @extend_schema(
        operation_id="feedback_put", request=FeedbackInput, responses={200: FeedbackOutput}
    )
    def put(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Score it, in place of what one said before."""
        user = member(request)
        generation = get_generation(user=user, generation_id=generation_id)
        check_may_submit(user)
        body = parse_body(FeedbackInput, request)
        given = operations.give_feedback(author=user, generation=generation, **body)
        return Response(describe_feedback(given))

    @extend_schema(operation_id="feedback_take_back", responses={204: None})
    def delete(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Have one's score count no more; again changes nothing."""
        user = member(request)
        operations.take_back_feedback(
            author=user, generation=get_generation(user=user, generation_id=generation_id)
        )
        return Response(status=204)
