"""REST: accepting a generation, of whose end an endpoint may be told."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_submit
from webapp.common.interface import KEY, PREFER, idempotency_key, parse_body
from webapp.generations import api, schema
from webapp.generations.operations import submit_generation
from webapp.webhooks.operations import submit_told_generation


class GenerationInput(schema.GenerationInput):
    """The body of `POST /generations`: a prompt, or a kept one and the values for its places.

    `webhook` names an endpoint of one's own that is told how it ends, whatever else it is told.
    """

    webhook = serializers.UUIDField(required=False, allow_null=True)


class GenerationsApi(api.GenerationsApi):
    """`/api/v1/generations`."""

    @extend_schema(
        operation_id="generations_create",
        request=GenerationInput,
        parameters=[KEY, PREFER],
        responses={201: schema.GenerationOutput, 202: schema.GenerationOutput},
    )
    def post(self, request: Request) -> Response:
        """Accept a prompt: 202, or 201 where `Prefer: wait=N` saw the end."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(GenerationInput, request)
        wish = api.read_wish_or_template(user, body)
        key = idempotency_key(request)
        if body.get("webhook") is None:
            submitted = submit_generation(owner=user, request=wish, idempotency_key=key)
        else:
            submitted = submit_told_generation(
                owner=user, request=wish, endpoint_id=body["webhook"], idempotency_key=key
            )
        return api.accepted(request, submitted)
