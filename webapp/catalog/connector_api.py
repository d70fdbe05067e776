"""REST: models of others that are connected, for those who run the site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.accounts.permissions import RunsTheSite
from webapp.catalog import connector_operations, connector_queries
from webapp.catalog.connector_operations import (
    MAX_KEY_LENGTH,
    MAX_MODEL_LENGTH,
    MAX_NAME_LENGTH,
    ConnectorChange,
    ConnectorWish,
)
from webapp.catalog.models import Connector, ConnectorKind, Protocol
from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import (
    StrictSerializer,
    Text,
    WholeNumber,
    list_of,
    parse_body,
    whole_list,
)


class ConnectorInput(StrictSerializer):
    """The body of `POST /connectors`; a server needs `url`, which ends before `/chat/completions`.

    `model` is what the server calls it, or a folder below PINAKES_MODELS.
    """

    kind = serializers.ChoiceField(choices=ConnectorKind.choices)
    model = Text(max_length=MAX_MODEL_LENGTH)
    url = Text(default="", allow_blank=True, max_length=2048)
    protocol = serializers.ChoiceField(choices=Protocol.choices, default=Protocol.CHAT)
    key = Text(default="", allow_blank=True, max_length=MAX_KEY_LENGTH)
    slug = Text(default="", allow_blank=True, max_length=64)
    name = Text(default="", allow_blank=True, max_length=MAX_NAME_LENGTH)
    seconds = WholeNumber(default=300)
    max_requests = WholeNumber(default=4)


class ConnectorPatch(StrictSerializer):
    """The body of `PATCH /connectors/{slug}`; an empty `key` takes the key away."""

    key = Text(required=False, allow_blank=True, max_length=MAX_KEY_LENGTH)
    name = Text(required=False, max_length=MAX_NAME_LENGTH)
    seconds = WholeNumber(required=False)
    max_requests = WholeNumber(required=False)


class ConnectorOutput(serializers.Serializer[Any]):
    """A connected model; its key is never shown. `GET /models/{slug}` has its card."""

    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ConnectorKind.choices)
    model = serializers.CharField()
    url = serializers.CharField()
    protocol = serializers.ChoiceField(choices=Protocol.choices)
    has_key = serializers.BooleanField()
    seconds = serializers.IntegerField()
    max_requests = serializers.IntegerField()
    available = serializers.BooleanField()
    unavailable_reason = serializers.CharField()
    created_at = serializers.DateTimeField()


def describe_connector(connector: Connector) -> dict[str, Any]:
    """A connected model as the interface shows it."""
    checkpoint = connector.checkpoint
    return {
        "slug": checkpoint.slug,
        "name": checkpoint.name,
        "kind": connector.kind,
        "model": connector.model,
        "url": connector.url,
        "protocol": connector.protocol,
        "has_key": bool(connector.key),
        "seconds": connector.seconds,
        "max_requests": connector.max_requests,
        "available": checkpoint.available,
        "unavailable_reason": checkpoint.unavailable_reason,
        "created_at": connector.created_at,
    }


def _respond(connector: Connector, *, status: int = 200) -> Response:
    return answer_with_tag(
        describe_connector(connector), revision=connector.version, status=status
    )


class ConnectorsApi(APIView):
    """`/api/v1/connectors`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(operation_id="connectors_list", responses={200: list_of(ConnectorOutput)})
    def get(self, request: Request) -> Response:
        """Every connected model."""
        data = [describe_connector(row) for row in connector_queries.list_connectors()]
        return Response(whole_list(data))

    @extend_schema(
        operation_id="connectors_create", request=ConnectorInput, responses={201: ConnectorOutput}
    )
    def post(self, request: Request) -> Response:
        """Connect a model, after its server was asked for it or its folder was read."""
        wish = ConnectorWish(**parse_body(ConnectorInput, request))
        made = connector_operations.connect_model(
            by=member(request), wish=wish, root=settings.PINAKES_MODELS
        )
        return _respond(made, status=201)


class ConnectorApi(APIView):
    """`/api/v1/connectors/{slug}`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(operation_id="connectors_get", responses={200: ConnectorOutput})
    def get(self, request: Request, slug: str) -> Response:
        """One connected model."""
        return _respond(connector_queries.get_connector(slug=slug))

    @extend_schema(
        operation_id="connectors_change",
        request=ConnectorPatch,
        parameters=[IF_MATCH],
        responses={200: ConnectorOutput},
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change what is named; with `If-Match`, only as it was read. What runs goes on."""
        change = ConnectorChange(**parse_body(ConnectorPatch, request))
        with current_tag_if_changed(lambda: _respond(connector_queries.get_connector(slug=slug))):
            changed = connector_operations.change_connector(
                slug=slug, change=change, version=wanted_revision(request)
            )
        return _respond(changed)

    @extend_schema(operation_id="connectors_delete", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Let go of a model and its key; what it made stays, and so does its folder."""
        connector_operations.disconnect_model(slug=slug, by=member(request))
        return Response(status=204)


class CheckConnectorApi(APIView):
    """`/api/v1/connectors/{slug}/check`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(operation_id="connectors_check", request=None, responses={200: ConnectorOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Look anew whether it is there; the answer says so in `available`."""
        found = connector_operations.check_connector(slug=slug, root=settings.PINAKES_MODELS)
        return Response(describe_connector(found))
