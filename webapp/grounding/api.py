"""REST: questions and their answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.models import User
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.common.interface import (
    KEY,
    PAGE,
    PREFER,
    StrictSerializer,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.grounding import operations, queries, writing
from webapp.grounding.answerers import ANSWERERS, QUOTES
from webapp.grounding.models import Answer
from webapp.grounding.representation import describe_answer, describe_question
from webapp.jobs.models import STATUSES
from webapp.search.api import OriginOutput

_MAX_SOURCES = 100
_MAX_COLLECTIONS = 100


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
    collections = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_null=True,
        max_length=_MAX_COLLECTIONS,
        help_text="look in all that these hold and in nothing else; not with source_ids",
    )
    answerer = serializers.ChoiceField(
        choices=ANSWERERS,
        default=QUOTES,
        help_text="quotes, or what the language model that is configured writes from them",
    )


class CitationOutput(serializers.Serializer[Any]):
    """A quote and where it stands."""

    number = serializers.IntegerField()
    quote = serializers.CharField()
    passage = serializers.CharField(allow_null=True)
    origin = OriginOutput()
    earlier_version = serializers.IntegerField(allow_null=True)
    heading = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()


class SentenceOutput(serializers.Serializer[Any]):
    """A sentence of an answer, and the numbers of the passages that bear it out."""

    text = serializers.CharField()
    citations = serializers.ListField(child=serializers.IntegerField())


class AnswerReasonOutput(serializers.Serializer[Any]):
    """Why no answer came."""

    code = serializers.CharField()
    detail = serializers.CharField()


class AnswerSummaryOutput(serializers.Serializer[Any]):
    """A question, and whether anything was found; null until it is answered."""

    id = serializers.UUIDField()
    question = serializers.CharField()
    searched_for = serializers.CharField(allow_null=True)
    answerer = serializers.ChoiceField(choices=ANSWERERS)
    model = serializers.CharField(allow_null=True)
    grounded = serializers.BooleanField()
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    status_reason = AnswerReasonOutput(allow_null=True)
    found = serializers.BooleanField(allow_null=True)
    confidence = serializers.FloatField()
    num_passages = serializers.IntegerField()
    include_generations = serializers.BooleanField()
    space = serializers.CharField()
    took_ms = serializers.FloatField()
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class AnswerOutput(AnswerSummaryOutput):
    """An answer; `text` is its sentences with their numbers, null where nothing was found.

    `unsupported` is what a language model wrote that no passage bears out.
    """

    text = serializers.CharField(allow_null=True)
    sentences = SentenceOutput(many=True)
    unsupported = serializers.ListField(child=serializers.CharField())
    citations = CitationOutput(many=True)


class AnswersApi(APIView):
    """`/api/v1/answers`."""

    @extend_schema(
        operation_id="answers_list",
        parameters=[*PAGE, OpenApiParameter("trashed", bool)],
        responses={200: list_of(AnswerSummaryOutput)},
    )
    def get(self, request: Request) -> Response:
        """The questions that one may see, newest first."""
        fields = request.query_params.dict()
        page = parse_page(fields, filters=("trashed",))
        found = queries.list_answers(
            user=member(request), page=page, trashed=parse_switch(fields, "trashed")
        )
        return Response(found.to_dict([describe_question(row) for row in found.rows]))

    @extend_schema(
        operation_id="answers_create",
        request=QuestionInput,
        parameters=[
            KEY,
            PREFER,
        ],
        responses={201: AnswerOutput, 202: AnswerOutput},
    )
    def post(self, request: Request) -> Response:
        """Ask: quotes from documents and earlier generations, or that nothing was found.

        What a language model writes takes time: 202, or 201 where `Prefer: wait=N` saw the end.
        """
        user = member(request)
        check_may_submit(user)
        body = parse_body(QuestionInput, request)
        with refusals_as_problems():
            answer = _ask(user, body, idempotency_key(request))
        response = _respond(request, answer.id, status=201 if answer.terminal else 202)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


def _ask(user: User, body: dict[str, Any], key: str | None) -> Answer:
    source_ids: list[uuid.UUID] | None = body.get("source_ids")
    collection_ids: list[uuid.UUID] | None = body.get("collections")
    if body["answerer"] == QUOTES:
        return operations.ask(
            user=user,
            question=body["question"],
            k=body["k"],
            source_ids=source_ids,
            include_generations=body["include_generations"],
            collection_ids=collection_ids,
            idempotency_key=key,
        )
    scope = operations.Scope(
        k=body["k"],
        source_ids=None if source_ids is None else tuple(source_ids),
        include_generations=body["include_generations"],
        collection_ids=None if collection_ids is None else tuple(collection_ids),
    )
    return writing.request_answer(
        user=user, question=body["question"], scope=scope, idempotency_key=key
    )


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """What asking may raise, as what is answered; nothing was stored then."""
    try:
        yield
    except operations.UnableToAsk as error:
        raise invalid([Fault("/question", "invalid", str(error))]) from error
    except operations.UnableToKeepToCollections as error:
        raise invalid([Fault("/collections", "invalid", str(error))]) from error
    except writing.UnableToUseConnector as error:
        detail = "no language model is configured on this site"
        raise invalid([Fault("/answerer", "unavailable", detail)]) from error


def _respond(request: Request, answer_id: uuid.UUID, *, status: int) -> Response:
    user = member(request)
    answer = _find(user, answer_id)
    body = describe_answer(answer, queries.read_answer(user=user, answer=answer))
    return Response(body, status=status, headers={"Location": body["links"]["self"]})


def _find(user: User, answer_id: uuid.UUID) -> Answer:
    return queries.get_answer(user=user, answer_id=answer_id)


class AnswerApi(APIView):
    """`/api/v1/answers/{id}`."""

    @extend_schema(operation_id="answers_get", responses={200: AnswerOutput})
    def get(self, request: Request, answer_id: uuid.UUID) -> Response:
        """One answer, with the quotes that one may still see."""
        return _respond(request, answer_id, status=200)

    @extend_schema(operation_id="answers_trash", responses={204: None})
    def delete(self, request: Request, answer_id: uuid.UUID) -> Response:
        """Put it in the trash; what is being written stops. One of a chat goes with that: 409."""
        user = member(request)
        answer = _find(user, answer_id)
        check_may_change(user, answer.owner_id)
        writing.trash_answer(answer=answer)
        return Response(status=204)


class AnswerRestoreApi(APIView):
    """`/api/v1/answers/{id}/restore`."""

    @extend_schema(operation_id="answers_restore", request=None, responses={200: AnswerOutput})
    def post(self, request: Request, answer_id: uuid.UUID) -> Response:
        """Take it out of the trash."""
        user = member(request)
        answer = _find(user, answer_id)
        check_may_change(user, answer.owner_id)
        writing.restore_answer(answer=answer)
        return _respond(request, answer_id, status=200)


class AnswerCancelApi(APIView):
    """`/api/v1/answers/{id}/cancel`."""

    @extend_schema(
        operation_id="answers_cancel",
        request=None,
        responses={200: AnswerOutput, 202: AnswerOutput},
    )
    def post(self, request: Request, answer_id: uuid.UUID) -> Response:
        """Stop what is being written: 202 while it stops, 200 where it has ended already."""
        user = member(request)
        answer = _find(user, answer_id)
        check_may_change(user, answer.owner_id)
        job = writing.cancel_answer(answer=answer)
        return _respond(request, answer_id, status=200 if job is None or job.terminal else 202)
