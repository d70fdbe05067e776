"""REST: embedding spaces, for those who run the site."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.accounts.permissions import RunsTheSite
from webapp.common.interface import (
    StrictSerializer,
    Text,
    WholeNumber,
    list_of,
    parse_body,
    whole_list,
)
from webapp.search import space_operations, space_queries
from webapp.search.embedders import BUILT_IN_NAME
from webapp.search.models import EmbeddingSpace
from webapp.search.space_operations import SpaceWish
from webapp.search.space_queries import STATUSES, SpaceReport


class SpaceInput(StrictSerializer):
    """The body of `POST /embedding-spaces`; a server needs `url`, `model` and `dims`."""

    embedder = serializers.ChoiceField(choices=["built_in", "service"])
    url = Text(default="", allow_blank=True, max_length=2048)
    model = Text(default="", allow_blank=True, max_length=160)
    dims = WholeNumber(default=0)
    key = Text(default="", allow_blank=True, max_length=500)
    switches_when_ready = serializers.BooleanField(default=False)


class SwitchInput(StrictSerializer):
    """The body of `POST /embedding-spaces/{id}/switch`."""

    force = serializers.BooleanField(default=False)


class SpaceEmbedderOutput(serializers.Serializer[Any]):
    """What makes the vectors; the key is never shown."""

    kind = serializers.ChoiceField(choices=["built_in", "service", "settings"])
    url = serializers.CharField()
    model = serializers.CharField()
    has_key = serializers.BooleanField()


class SpaceProgressOutput(serializers.Serializer[Any]):
    """How full it is; `per_second` and `ends_at` are null while nothing moves."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    unit = serializers.CharField()
    per_second = serializers.FloatField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)


class RecallCheckOutput(serializers.Serializer[Any]):
    """One check of the graph."""

    checked_at = serializers.DateTimeField()
    recall = serializers.FloatField()
    num_queries = serializers.IntegerField()
    num_vectors = serializers.IntegerField()


class EmbeddingSpaceOutput(serializers.Serializer[Any]):
    """A space. `obstacle` is why it cannot be switched to without force, or null."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    dims = serializers.IntegerField()
    embedder = SpaceEmbedderOutput()
    progress = SpaceProgressOutput()
    obstacle = serializers.CharField(allow_null=True)
    trouble = serializers.CharField(allow_null=True)
    switches_when_ready = serializers.BooleanField()
    is_previous = serializers.BooleanField()
    checks = RecallCheckOutput(many=True)
    created_at = serializers.DateTimeField()


def describe_space(report: SpaceReport) -> dict[str, Any]:
    """A space as the interface shows it."""
    space, left = report.space, report.seconds_left
    return {
        "id": space.id,
        "name": space.name,
        "status": report.status,
        "dims": space.dims,
        "embedder": {
            "kind": kind_of(space),
            "url": space.url,
            "model": space.model,
            "has_key": bool(space.key),
        },
        "progress": {
            "done": report.num_vectors,
            "total": report.num_passages,
            "unit": "passage",
            "per_second": report.rate,
            "ends_at": None if left is None else timezone.now() + dt.timedelta(seconds=left),
        },
        "obstacle": report.obstacle or None,
        "trouble": space.trouble or None,
        "switches_when_ready": space.switches_when_ready,
        "is_previous": report.is_previous,
        "checks": [
            {
                "checked_at": check.checked_at,
                "recall": check.recall,
                "num_queries": check.num_queries,
                "num_vectors": check.num_vectors,
            }
            for check in report.checks
        ],
        "created_at": space.created_at,
    }


def kind_of(space: EmbeddingSpace) -> str:
    """Where its embedder is: on a server, built in, or known to the settings only."""
    if space.url:
        return "service"
    return "built_in" if space.name == BUILT_IN_NAME else "settings"


def _answer(space_id: int, *, status: int = 200) -> Response:
    report = space_queries.get_space(space_id=space_id)
    return Response(describe_space(report), status=status)


class SpacesApi(APIView):
    """`/api/v1/embedding-spaces`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(
        operation_id="embedding_spaces_list", responses={200: list_of(EmbeddingSpaceOutput)}
    )
    def get(self, request: Request) -> Response:
        """Every space, the one that is searched first."""
        data = [describe_space(report) for report in space_queries.list_spaces()]
        return Response(whole_list(data))

    @extend_schema(
        operation_id="embedding_spaces_create",
        request=SpaceInput,
        responses={201: EmbeddingSpaceOutput},
    )
    def post(self, request: Request) -> Response:
        """Add a space, which workers then fill; there is one of each embedder."""
        wish = SpaceWish(**parse_body(SpaceInput, request))
        space = space_operations.add_space(by=member(request), wish=wish)
        return _answer(space.id, status=201)


class SpaceApi(APIView):
    """`/api/v1/embedding-spaces/{id}`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(operation_id="embedding_spaces_get", responses={200: EmbeddingSpaceOutput})
    def get(self, request: Request, space_id: int) -> Response:
        """One space."""
        return _answer(space_id)

    @extend_schema(operation_id="embedding_spaces_drop", responses={204: None})
    def delete(self, request: Request, space_id: int) -> Response:
        """Drop a space with its vectors, filled or not; not the one that is searched."""
        space_operations.drop_space(space_id=space_id, by=member(request))
        return Response(status=204)


class SwitchSpaceApi(APIView):
    """`/api/v1/embedding-spaces/{id}/switch`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(
        operation_id="embedding_spaces_switch",
        request=SwitchInput,
        responses={200: EmbeddingSpaceOutput},
    )
    def post(self, request: Request, space_id: int) -> Response:
        """Have all searches look here; `force` leaves out whether it is ready."""
        force = parse_body(SwitchInput, request)["force"]
        space_operations.switch_space(space_id=space_id, by=member(request), force=force)
        return _answer(space_id)


class RollBackSpaceApi(APIView):
    """`/api/v1/embedding-spaces/{id}/rollback`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(
        operation_id="embedding_spaces_rollback",
        request=None,
        responses={200: EmbeddingSpaceOutput},
    )
    def post(self, request: Request, space_id: int) -> Response:
        """Go back from this space, which is searched, to the one before; answers with that."""
        space = space_operations.roll_back(space_id=space_id, by=member(request))
        return _answer(space.id)


class CheckSpaceApi(APIView):
    """`/api/v1/embedding-spaces/{id}/check`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(
        operation_id="embedding_spaces_check",
        request=None,
        responses={202: EmbeddingSpaceOutput},
    )
    def post(self, request: Request, space_id: int) -> Response:
        """Have a worker check the graph now; the result joins `checks`."""
        space_operations.ask_for_check(space_id=space_id)
        return _answer(space_id, status=202)
