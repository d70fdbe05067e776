"""REST: runs of chains."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.chains import run_operations, run_queries
from webapp.chains.models import RUN_STATES, ChainRun
from webapp.chains.queries import UnableToFindChainVersion, get_chain
from webapp.chains.representation import describe_run
from webapp.chains.run_queries import RunFilter
from webapp.common.interface import (
    KEY,
    PAGE,
    StrictSerializer,
    Text,
    WholeNumber,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.generations.schema import (
    ProgressOutput,
    ReasonOutput,
)
from webapp.jobs.models import STATUSES
from webapp.prompts.templating import MAX_VALUE_LENGTH

_LIST = [
    *PAGE,
    OpenApiParameter("trashed", bool),
    OpenApiParameter("status", str, many=True, explode=False, enum=[*RUN_STATES]),
]


class ChainRunInput(StrictSerializer):
    """The body of `POST /chains/{id}/runs`: the values that it asks for."""

    inputs = serializers.DictField(
        child=Text(allow_blank=True, trim_whitespace=False, max_length=MAX_VALUE_LENGTH),
        default=dict,
    )
    version = WholeNumber(required=False, allow_null=True, min_value=1)


class RunChainOutput(serializers.Serializer[Any]):
    """The chain and version that a run is of."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField()


class RunReasonOutput(ReasonOutput):
    """Why a run ended as it did, or why its next step has to wait, and which step that is."""

    step = serializers.CharField()


class ChainRunStepOutput(serializers.Serializer[Any]):
    """A step of a run; status and generation are null until it has begun."""

    name = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES, allow_null=True)
    generation = serializers.UUIDField(allow_null=True)
    accession = serializers.CharField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    retried_from = serializers.UUIDField(allow_null=True)


class ChainRunOutput(serializers.Serializer[Any]):
    """A run; made by `describe_run`, written out here for the schema."""

    id = serializers.UUIDField()
    chain = RunChainOutput()
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    status_seq = serializers.IntegerField()
    status_reason = RunReasonOutput(allow_null=True)
    progress = ProgressOutput()
    inputs = serializers.DictField(child=serializers.CharField())
    steps = ChainRunStepOutput(many=True)
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


def _find(request: Request, run_id: uuid.UUID) -> ChainRun:
    return run_queries.get_run(user=member(request), run_id=run_id)


def _find_to_change(request: Request, run_id: uuid.UUID) -> ChainRun:
    """A run of one's own; admins change those of others, reviewers only look."""
    run = _find(request, run_id)
    check_may_change(member(request), run.owner_id)
    return run


def _list(request: Request, chain_id: uuid.UUID | None) -> Response:
    query = request.query_params.dict()
    page = parse_page(query, filters=("trashed", "status"))
    statuses = tuple(filter(None, query.get("status", "").split(",")))
    if not set(statuses) <= set(RUN_STATES):
        detail = f"must be of {', '.join(RUN_STATES)}"
        raise invalid([Fault("?status", "invalid", detail)])
    only = RunFilter(chain_id, statuses, trashed=parse_switch(query, "trashed"))
    found = run_queries.list_runs(user=member(request), only=only, page=page)
    return Response(found.to_dict([describe_run(row) for row in found.rows]))


class RunsOfChainApi(APIView):
    """`/api/v1/chains/{id}/runs`."""

    @extend_schema(
        operation_id="chain_runs_of_chain",
        parameters=_LIST,
        responses={200: list_of(ChainRunOutput)},
    )
    def get(self, request: Request, chain_id: uuid.UUID) -> Response:
        """The runs of a chain that one may see, newest first."""
        return _list(request, get_chain(user=member(request), chain_id=chain_id).id)

    @extend_schema(
        operation_id="chain_runs_create",
        request=ChainRunInput,
        parameters=[KEY],
        responses={202: ChainRunOutput},
    )
    def post(self, request: Request, chain_id: uuid.UUID) -> Response:
        """Begin a run: its first step is queued, the others follow by themselves."""
        user = member(request)
        chain = get_chain(user=user, chain_id=chain_id)
        check_may_submit(user)
        body = parse_body(ChainRunInput, request)
        try:
            started = run_operations.start_run(
                owner=user,
                chain=chain,
                values=body["inputs"],
                number=body.get("version"),
                idempotency_key=idempotency_key(request),
            )
        except UnableToFindChainVersion as error:
            raise invalid([Fault("/version", "not_found", str(error))]) from error
        answer = describe_run(_find(request, started.run_id))
        headers = {"Location": answer["links"]["self"]}
        if started.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer, status=202, headers=headers)


class ChainRunsApi(APIView):
    """`/api/v1/chain-runs`."""

    @extend_schema(
        operation_id="chain_runs_list", parameters=_LIST, responses={200: list_of(ChainRunOutput)}
    )
    def get(self, request: Request) -> Response:
        """The runs of all chains that one may see, newest first."""
        return _list(request, None)


class ChainRunApi(APIView):
    """`/api/v1/chain-runs/{id}`."""

    @extend_schema(operation_id="chain_runs_get", responses={200: ChainRunOutput})
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """One run with its steps."""
        return Response(describe_run(_find(request, run_id)))

    @extend_schema(operation_id="chain_runs_trash", responses={204: None})
    def delete(self, request: Request, run_id: uuid.UUID) -> Response:
        """Put it and its generations in the trash; what has not ended is canceled."""
        run_operations.trash_run(run=_find_to_change(request, run_id))
        return Response(status=204)


def _change(request: Request, run_id: uuid.UUID, operation: Callable[..., None]) -> dict[str, Any]:
    operation(run=_find_to_change(request, run_id))
    return describe_run(_find(request, run_id))


class CancelChainRunApi(APIView):
    """`/api/v1/chain-runs/{id}/cancel`."""

    @extend_schema(
        operation_id="chain_runs_cancel",
        request=None,
        responses={200: ChainRunOutput, 202: ChainRunOutput},
    )
    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        """Begin nothing more: 202 while something is stopping, 200 where all has ended."""
        answer = _change(request, run_id, run_operations.cancel_run)
        return Response(answer, status=200 if answer["terminal"] else 202)


class RetryChainRunApi(APIView):
    """`/api/v1/chain-runs/{id}/retry`."""

    @extend_schema(operation_id="chain_runs_retry", request=None, responses={202: ChainRunOutput})
    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        """Go on from the step that ended without a result; finished steps are kept."""
        return Response(_change(request, run_id, run_operations.retry_run), status=202)


class RestoreChainRunApi(APIView):
    """`/api/v1/chain-runs/{id}/restore`."""

    @extend_schema(
        operation_id="chain_runs_restore", request=None, responses={200: ChainRunOutput}
    )
    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        """Take it out of the trash, with those of its generations that went there with it."""
        return Response(_change(request, run_id, run_operations.restore_run))
