"""REST: many generations by one request."""

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
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.common.interface import (
    KEY,
    PAGE,
    Text,
    WholeNumber,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.generations import operations, queries
from webapp.generations.api import read_wish
from webapp.generations.batching import MAX_GENERATIONS, BatchRequest
from webapp.generations.models import Batch
from webapp.generations.representation import describe_batch
from webapp.generations.schema import ProgressOutput, WishInput


class BatchInput(WishInput):
    """The body of `POST /batches`: that of a generation, and what is to be varied."""

    prompt = Text(allow_blank=True, trim_whitespace=False, required=False)
    prompts = serializers.ListField(
        child=Text(allow_blank=True, trim_whitespace=False),
        required=False,
        min_length=1,
        max_length=MAX_GENERATIONS,
    )
    n = WholeNumber(default=1, min_value=1, max_value=MAX_GENERATIONS)
    sweep = serializers.DictField(
        child=serializers.ListField(min_length=1, max_length=MAX_GENERATIONS), default=dict
    )


class AxisOutput(serializers.Serializer[Any]):
    """What the generations of a batch differ by."""

    name = serializers.CharField()
    values = serializers.ListField()


class BatchOutput(serializers.Serializer[Any]):
    """A batch; made by `describe_batch`, written out here for the schema."""

    id = serializers.UUIDField()
    terminal = serializers.BooleanField()
    progress = ProgressOutput()
    counts = serializers.DictField(child=serializers.IntegerField())
    model = serializers.CharField()
    axes = AxisOutput(many=True)
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class BatchesApi(APIView):
    """`/api/v1/batches`."""

    @extend_schema(
        operation_id="batches_list",
        parameters=[
            *PAGE,
            OpenApiParameter("trashed", bool),
        ],
        responses={200: list_of(BatchOutput)},
    )
    def get(self, request: Request) -> Response:
        """The batches that one may see, newest first."""
        page = parse_page(request.query_params.dict(), filters=["trashed"])
        trashed = parse_switch(request.query_params, "trashed")
        found = queries.list_batches(user=member(request), trashed=trashed, page=page)
        counts = queries.count_batches([batch.id for batch in found.rows])
        return Response(
            found.to_dict([describe_batch(batch, counts[batch.id]) for batch in found.rows])
        )

    @extend_schema(
        operation_id="batches_create",
        request=BatchInput,
        parameters=[KEY],
        responses={202: BatchOutput},
    )
    def post(self, request: Request) -> Response:
        """Accept prompts x sweep x n generations, all or none."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(BatchInput, request)
        prompts = _prompts(body)
        wish = BatchRequest(
            each=read_wish(user, body, prompt=prompts[0]),
            prompts=prompts,
            n=body["n"],
            sweep={name: tuple(values) for name, values in body["sweep"].items()},
        )
        submitted = operations.submit_batch(
            owner=user, request=wish, idempotency_key=idempotency_key(request)
        )
        answer = _describe(_get(request, submitted.batch_id))
        headers = {"Location": answer["links"]["self"]}
        if submitted.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer, status=202, headers=headers)


def _prompts(body: dict[str, Any]) -> tuple[str, ...]:
    if ("prompt" in body) == ("prompts" in body):
        raise invalid([Fault("/prompt", "required", "give either prompt or prompts")])
    return tuple(body["prompts"]) if "prompts" in body else (body["prompt"],)


def _describe(batch: Batch) -> dict[str, Any]:
    return describe_batch(batch, queries.count_batches([batch.id])[batch.id])


def _get(request: Request, batch_id: uuid.UUID) -> Batch:
    return queries.get_batch(user=member(request), batch_id=batch_id)


def _get_to_change(request: Request, batch_id: uuid.UUID) -> Batch:
    batch = _get(request, batch_id)
    check_may_change(member(request), batch.owner_id)
    return batch


class BatchApi(APIView):
    """`/api/v1/batches/{id}`."""

    @extend_schema(operation_id="batches_get", responses={200: BatchOutput})
    def get(self, request: Request, batch_id: uuid.UUID) -> Response:
        """One batch; its generations are listed by `GET /generations?batch=ID`."""
        return Response(_describe(_get(request, batch_id)))

    @extend_schema(operation_id="batches_trash", responses={204: None})
    def delete(self, request: Request, batch_id: uuid.UUID) -> Response:
        """Put it and its generations in the trash; what has not ended is canceled."""
        operations.trash_batch(batch=_get_to_change(request, batch_id))
        return Response(status=204)


class CancelBatchApi(APIView):
    """`/api/v1/batches/{id}/cancel`."""

    @extend_schema(
        operation_id="batches_cancel",
        request=None,
        responses={200: BatchOutput, 202: BatchOutput},
    )
    def post(self, request: Request, batch_id: uuid.UUID) -> Response:
        """Stop what has not ended: 202 while something is stopping, 200 where all has ended."""
        operations.cancel_batch(batch=_get_to_change(request, batch_id))
        answer = _describe(_get(request, batch_id))
        return Response(answer, status=200 if answer["terminal"] else 202)


class RestoreBatchApi(APIView):
    """`/api/v1/batches/{id}/restore`."""

    @extend_schema(operation_id="batches_restore", request=None, responses={200: BatchOutput})
    def post(self, request: Request, batch_id: uuid.UUID) -> Response:
        """Take it out of the trash, with those of its generations that went there with it."""
        operations.restore_batch(batch=_get_to_change(request, batch_id))
        return Response(_describe(_get(request, batch_id)))
