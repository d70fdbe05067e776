"""REST: questions and their answers."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.common.interface import (
    StrictSerializer,
    idempotency_key,
    key_was_reused,
    list_of,
    parse_body,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem, invalid
from webapp.grounding import operations, queries
from webapp.grounding.models import Answer
from webapp.grounding.representation import describe_answer, describe_question
from webapp.jobs.operations import UnableToReuseIdempotencyKey

_MAX_SOURCES = 100


class QuestionInput(StrictSerializer):
    """The body of `POST /answers`."""

    question = serializers.CharField(
        trim_whitespace=False, max_length=operations.MAX_QUESTION_CHARACTERS
    )
    k = serializers.IntegerField(
        default=operations.DEFAULT_PASSAGES, min_value=1, max_value=operations.MAX_PASSAGES
    )
    source_ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_null=True,
        max_length=_MAX_SOURCES,
        help_text="documents to look in; null looks in all",
    )
    include_generations = serializers.BooleanField(
        default=True, help_text="look in earlier generations too; not with source_ids"
    )


class CitationOriginOutput(serializers.Serializer[Any]):
    """What a quote belongs to."""

    type = serializers.ChoiceField(choices=["generation", "document"])
    id = serializers.UUIDField()
    title = serializers.CharField()
    link = serializers.CharField()


class CitationOutput(serializers.Serializer[Any]):
    """A quote and where it stands."""

    number = serializers.IntegerField()
    quote = serializers.CharField()
    passage = serializers.CharField(allow_null=True)
    origin = CitationOriginOutput()
    earlier_version = serializers.IntegerField(allow_null=True)
    heading = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()


class AnswerSummaryOutput(serializers.Serializer[Any]):
    """A question, and whether anything was found."""

    id = serializers.UUIDField()
    question = serializers.CharField()
    found = serializers.BooleanField()
    confidence = serializers.FloatField()
    num_passages = serializers.IntegerField()
    include_generations = serializers.BooleanField()
    space = serializers.CharField()
    took_ms = serializers.FloatField()
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


class AnswerOutput(AnswerSummaryOutput):
    """An answer; `text` is its quotes with their numbers, null where nothing was found."""

    text = serializers.CharField(allow_null=True)
    citations = CitationOutput(many=True)


class AnswersApi(APIView):
    """`/api/v1/answers`."""

    @extend_schema(
        operation_id="answers_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses={200: list_of(AnswerSummaryOutput)},
    )
    def get(self, request: Request) -> Response:
        """The questions that one may see, newest first."""
        page = parse_page(request.query_params.dict())
        found = queries.list_answers(user=member(request), page=page)
        return Response(found.to_dict([describe_question(row) for row in found.rows]))

    @extend_schema(
        operation_id="answers_create",
        request=QuestionInput,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: AnswerOutput},
    )
    def post(self, request: Request) -> Response:
        """Ask: quotes from documents and earlier generations, or that nothing was found."""
        user = member(request)
        if not user.may_submit:
            raise Problem(403, "permission_denied", "Your account has no role that may submit.")
        body = parse_body(QuestionInput, request)
        try:
            answer = operations.ask(
                user=user,
                question=body["question"],
                k=body["k"],
                source_ids=body.get("source_ids"),
                include_generations=body["include_generations"],
                idempotency_key=idempotency_key(request),
            )
        except operations.UnableToAsk as error:
            raise invalid([Fault("/question", "invalid", str(error))]) from error
        except UnableToReuseIdempotencyKey as error:
            raise key_was_reused() from error
        response = _respond(request, answer.id, status=201)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


def _respond(request: Request, answer_id: uuid.UUID, *, status: int) -> Response:
    user = member(request)
    try:
        answer: Answer = queries.get_answer(user=user, answer_id=answer_id)
    except queries.UnableToFindAnswer as error:
        detail = "There is no such answer, or it is not yours."
        raise Problem(404, "not_found", detail) from error
    body = describe_answer(answer, queries.list_citations(user=user, answer=answer))
    return Response(body, status=status, headers={"Location": body["links"]["self"]})


class AnswerApi(APIView):
    """`/api/v1/answers/{id}`."""

    @extend_schema(operation_id="answers_get", responses={200: AnswerOutput})
    def get(self, request: Request, answer_id: uuid.UUID) -> Response:
        """One answer, with the quotes that one may still see."""
        return _respond(request, answer_id, status=200)
