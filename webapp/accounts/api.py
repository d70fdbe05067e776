"""REST: who one is, and one's API keys."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import RegexValidator
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts import operations, queries
from webapp.accounts.authentication import member
from webapp.accounts.models import USUAL_SCOPES, ApiKey, Scope
from webapp.accounts.preferences import MODEL, THEMES, Preferences
from webapp.common.interface import PAGE, StrictSerializer, Text, list_of, parse_body
from webapp.common.pagination import paginate, parse_page
from webapp.common.problems import invalid


class MeOutput(serializers.Serializer[Any]):
    """The signed-in user."""

    username = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class PreferencesOutput(serializers.Serializer[Any]):
    """How the pages look and behave; null where nothing was chosen and the browser decides."""

    theme = serializers.ChoiceField(choices=THEMES, allow_null=True)
    narrow_rail = serializers.BooleanField(allow_null=True)
    model = serializers.CharField(help_text="what the Studio begins with: a slug or `auto`")
    previews = serializers.BooleanField(help_text="show results while they are made")
    notices = serializers.BooleanField(help_text="tell of ends on the desktop")


class Switch(serializers.BooleanField):
    """A JSON boolean; words and numbers are not turned into one in silence."""

    def to_internal_value(self, data: object) -> bool:
        """Refuse what is neither true nor false."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class PreferencesInput(StrictSerializer):
    """The body of `PATCH /me/preferences`."""

    theme = serializers.ChoiceField(choices=THEMES, required=False, allow_null=True)
    narrow_rail = Switch(required=False, allow_null=True)
    model = Text(
        required=False,
        max_length=64,
        validators=[RegexValidator(rf"\A{MODEL.pattern}\Z", "must be a slug or auto")],
    )
    previews = Switch(required=False)
    notices = Switch(required=False)


class ApiKeyInput(StrictSerializer):
    """The body of `POST /api-keys`."""

    name = Text(max_length=100)
    scopes = serializers.MultipleChoiceField(
        choices=Scope.choices,
        default=sorted(scope.value for scope in USUAL_SCOPES),  # type: ignore[arg-type]
        allow_empty=False,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ApiKeyOutput(serializers.Serializer[Any]):
    """A key without its secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class CreatedApiKeyOutput(ApiKeyOutput):
    """A new key with its secret."""

    key = serializers.CharField()


def _describe(key: ApiKey) -> dict[str, Any]:
    return dict(ApiKeyOutput(key).data)


class MeApi(APIView):
    """`/api/v1/me`."""

    @extend_schema(operation_id="me_get", responses={200: MeOutput})
    def get(self, request: Request) -> Response:
        """Who this key or session is."""
        user = member(request)
        return Response({"username": user.username, "roles": sorted(user.roles)})


class PreferencesApi(APIView):
    """`/api/v1/me/preferences`."""

    @extend_schema(operation_id="me_preferences_get", responses={200: PreferencesOutput})
    def get(self, request: Request) -> Response:
        """How the pages look and behave for who is signed in."""
        return Response(Preferences.read(member(request).preferences).to_dict())

    @extend_schema(
        operation_id="me_preferences_change",
        request=PreferencesInput,
        responses={200: PreferencesOutput},
    )
    def patch(self, request: Request) -> Response:
        """Change those named; the others stay."""
        changes = parse_body(PreferencesInput, request)
        found = operations.change_preferences(user=member(request), changes=changes)
        return Response(found.to_dict())


class ApiKeysApi(APIView):
    """`/api/v1/api-keys`."""

    needs_scope = Scope.MANAGE

    @extend_schema(
        operation_id="api_keys_list",
        parameters=PAGE,
        responses={200: list_of(ApiKeyOutput)},
    )
    def get(self, request: Request) -> Response:
        """One's own keys, newest first."""
        page = parse_page(request.query_params.dict())
        found = paginate(queries.list_api_keys(user=member(request)), page)
        return Response(found.to_dict([_describe(key) for key in found.rows]))

    @extend_schema(
        operation_id="api_keys_create", request=ApiKeyInput, responses={201: CreatedApiKeyOutput}
    )
    def post(self, request: Request) -> Response:
        """Make a key; its secret is in this answer and nowhere else."""
        body = parse_body(ApiKeyInput, request)
        expires_at = body.get("expires_at")
        if expires_at is not None and expires_at <= timezone.now():
            raise invalid([Fault("/expires_at", "out_of_range", "must be in the future")])
        created = operations.create_api_key(
            user=member(request),
            name=body["name"],
            scopes=[Scope(each) for each in body["scopes"]],
            expires_at=expires_at,
        )
        return Response({**_describe(created.row), "key": created.secret}, status=201)


class ApiKeyApi(APIView):
    """`/api/v1/api-keys/{id}`."""

    needs_scope = Scope.MANAGE

    @extend_schema(operation_id="api_keys_get", responses={200: ApiKeyOutput})
    def get(self, request: Request, key_id: uuid.UUID) -> Response:
        """One of one's own keys, without its secret."""
        return Response(_describe(queries.get_api_key(user=member(request), key_id=key_id)))

    @extend_schema(operation_id="api_keys_revoke", responses={204: None})
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        """End a key for good."""
        operations.revoke_api_key(user=member(request), key_id=key_id)
        return Response(status=204)
