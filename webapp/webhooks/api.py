"""REST: webhook endpoints and what was sent to them."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import (
    KEY,
    PAGE,
    StrictSerializer,
    Text,
    idempotency_key,
    list_of,
    parse_body,
    whole_list,
)
from webapp.common.pagination import parse_page
from webapp.jobs.models import STATUSES, JobState
from webapp.webhooks import operations, queries
from webapp.webhooks.models import Delivery, Endpoint, EventType
from webapp.webhooks.operations import EndpointWish


class EndpointInput(StrictSerializer):
    """The body of `POST /webhook-endpoints`."""

    url = Text(max_length=2048)
    event_types = serializers.ListField(child=Text(), default=lambda: list(EventType.values))
    description = Text(default="", allow_blank=True, max_length=200)
    enabled = serializers.BooleanField(default=True)


class EndpointChange(StrictSerializer):
    """The body of `PATCH /webhook-endpoints/{id}`."""

    url = Text(max_length=2048, required=False)
    event_types = serializers.ListField(child=Text(), required=False)
    description = Text(required=False, allow_blank=True, max_length=200)
    enabled = serializers.BooleanField(required=False)


class EndpointOutput(serializers.Serializer[Any]):
    """An endpoint, without its secret."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    event_types = serializers.ListField(child=serializers.ChoiceField(choices=EventType.choices))
    enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField(allow_null=True)
    waiting = serializers.IntegerField()
    previous_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EndpointWithSecretOutput(EndpointOutput):
    """An endpoint with its secret, which is shown this once."""

    secret = serializers.CharField()


class AttemptOutput(serializers.Serializer[Any]):
    """One request, and what came back."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField()
    answer = serializers.CharField()
    error = serializers.CharField()


class DeliveryOutput(serializers.Serializer[Any]):
    """A message for an endpoint."""

    id = serializers.UUIDField()
    endpoint = serializers.UUIDField()
    message_id = serializers.CharField()
    type = serializers.CharField()
    generation = serializers.UUIDField(allow_null=True)
    chain_run = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    attempts = AttemptOutput(many=True)
    created_at = serializers.DateTimeField()


def describe_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as the interface shows it."""
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": endpoint.event_types,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason or None,
        "waiting": getattr(endpoint, "num_waiting", 0),
        "previous_secret_until": endpoint.previous_secret_until,
        "created_at": endpoint.created_at,
    }


def describe_delivery(delivery: Delivery) -> dict[str, Any]:
    """A delivery with its attempts."""
    job = delivery.job
    return {
        "id": str(delivery.id),
        "endpoint": str(delivery.endpoint_id),
        "message_id": delivery.message_id,
        "type": delivery.event_type,
        "generation": None if delivery.generation_id is None else str(delivery.generation_id),
        "chain_run": None if delivery.chain_run_id is None else str(delivery.chain_run_id),
        "status": job.status,
        "terminal": job.terminal,
        "next_attempt_at": job.sched_at if job.state == JobState.QUEUED else None,
        "attempts": [
            {
                "at": attempt.at,
                "status": attempt.status,
                "milliseconds": attempt.milliseconds,
                "answer": attempt.answer,
                "error": attempt.error,
            }
            for attempt in queries.attempts_of(delivery)
        ],
        "created_at": delivery.created_at,
    }


def _get(request: Request, endpoint_id: uuid.UUID) -> Endpoint:
    return queries.get_endpoint(user=member(request), endpoint_id=endpoint_id)


def _respond(endpoint: Endpoint) -> Response:
    return answer_with_tag(describe_endpoint(endpoint), revision=endpoint.revision)


class EndpointsApi(APIView):
    """`/api/v1/webhook-endpoints`."""

    @extend_schema(operation_id="webhook_endpoints_list", responses={200: list_of(EndpointOutput)})
    def get(self, request: Request) -> Response:
        """One's endpoints."""
        rows = queries.list_endpoints(user=member(request))
        data = [describe_endpoint(row) for row in rows]
        return Response(whole_list(data))

    @extend_schema(
        operation_id="webhook_endpoints_create",
        request=EndpointInput,
        parameters=[KEY],
        responses={201: EndpointWithSecretOutput},
    )
    def post(self, request: Request) -> Response:
        """Add an endpoint; its secret is in this answer."""
        body = parse_body(EndpointInput, request)
        wish = EndpointWish(**{**body, "event_types": tuple(body["event_types"])})
        made = operations.create_endpoint(
            owner=member(request), wish=wish, idempotency_key=idempotency_key(request)
        )
        return Response({**describe_endpoint(made.endpoint), "secret": made.secret}, status=201)


class EndpointApi(APIView):
    """`/api/v1/webhook-endpoints/{id}`."""

    @extend_schema(operation_id="webhook_endpoints_get", responses={200: EndpointOutput})
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """One endpoint."""
        return _respond(_get(request, endpoint_id))

    @extend_schema(
        operation_id="webhook_endpoints_change",
        request=EndpointChange,
        parameters=[IF_MATCH],
        responses={200: EndpointOutput},
    )
    def patch(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Change what is named; with `If-Match`, only as it was read.

        Switching it on forgets its failures.
        """
        endpoint = _get(request, endpoint_id)
        body = parse_body(EndpointChange, request)
        wish = EndpointWish(
            url=body.get("url", endpoint.url),
            event_types=tuple(body.get("event_types", endpoint.event_types)),
            description=body.get("description", endpoint.description),
            enabled=body.get("enabled", endpoint.enabled),
        )
        with current_tag_if_changed(lambda: _respond(_get(request, endpoint_id))):
            changed = operations.update_endpoint(
                endpoint=endpoint, wish=wish, revision=wanted_revision(request)
            )
        return _respond(changed)

    @extend_schema(operation_id="webhook_endpoints_delete", responses={204: None})
    def delete(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Remove it with its log; what waits is not sent."""
        operations.delete_endpoint(endpoint=_get(request, endpoint_id))
        return Response(status=204)


class RotateSecretApi(APIView):
    """`/api/v1/webhook-endpoints/{id}/rotate-secret`."""

    @extend_schema(
        operation_id="webhook_endpoints_rotate",
        request=None,
        responses={200: EndpointWithSecretOutput},
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Give it a new secret; for a day messages are signed with both."""
        made = operations.rotate_secret(endpoint=_get(request, endpoint_id))
        return Response({**describe_endpoint(made.endpoint), "secret": made.secret})


class TestEndpointApi(APIView):
    """`/api/v1/webhook-endpoints/{id}/test`."""

    @extend_schema(
        operation_id="webhook_endpoints_test", request=None, responses={202: DeliveryOutput}
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Send a message of the type `webhook.test`."""
        delivery = operations.send_test(endpoint=_get(request, endpoint_id))
        return Response(describe_delivery(delivery), status=202)


class DeliveriesApi(APIView):
    """`/api/v1/webhook-endpoints/{id}/deliveries`."""

    @extend_schema(
        operation_id="webhook_deliveries_list",
        parameters=PAGE,
        responses={200: list_of(DeliveryOutput)},
    )
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """What was sent, newest first; kept for 30 days."""
        page = parse_page(request.query_params.dict())
        endpoint = queries.own_endpoint(user=member(request), endpoint_id=endpoint_id)
        found = queries.list_deliveries(endpoint=endpoint, page=page)
        return Response(found.to_dict([describe_delivery(row) for row in found.rows]))


class DeliveryApi(APIView):
    """`/api/v1/webhook-deliveries/{id}`."""

    @extend_schema(operation_id="webhook_deliveries_get", responses={200: DeliveryOutput})
    def get(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """One message with its attempts."""
        delivery = queries.get_delivery(user=member(request), delivery_id=delivery_id)
        return Response(describe_delivery(delivery))


class ResendDeliveryApi(APIView):
    """`/api/v1/webhook-deliveries/{id}/resend`."""

    @extend_schema(
        operation_id="webhook_deliveries_resend", request=None, responses={202: DeliveryOutput}
    )
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """Send a message that has ended once more, under the same message id."""
        delivery = operations.resend(
            delivery=queries.get_delivery(user=member(request), delivery_id=delivery_id)
        )
        return Response(describe_delivery(delivery), status=202)
