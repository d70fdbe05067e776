"""REST: saved searches."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import reverse
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
    StrictSerializer,
    Text,
    idempotency_key,
    list_of,
    parse_body,
    whole_list,
)
from webapp.search import saved_operations, saved_queries
from webapp.search.models import SavedSearch
from webapp.search.requests import as_query, faults_of


class SavedSearchInput(StrictSerializer):
    """The body of `POST /saved-searches`."""

    name = Text(max_length=saved_operations.MAX_NAME_LENGTH)
    parameters = serializers.DictField(
        child=Text(allow_blank=True), help_text="parameters of `GET /search`, as in its address"
    )


class SavedSearchChange(StrictSerializer):
    """The body of `PATCH /saved-searches/{id}`."""

    name = Text(max_length=saved_operations.MAX_NAME_LENGTH, required=False)
    parameters = serializers.DictField(child=Text(allow_blank=True), required=False)


class SavedSearchFaultOutput(serializers.Serializer[Any]):
    """A parameter that is not understood any more."""

    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class SavedSearchLinksOutput(serializers.Serializer[Any]):
    """Where it is, and where it is run."""

    self = serializers.CharField()
    search = serializers.CharField()
    library = serializers.CharField()


class SavedSearchOutput(serializers.Serializer[Any]):
    """A search with a name."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    parameters = serializers.DictField(child=serializers.CharField())
    faults = SavedSearchFaultOutput(many=True, help_text="why it would be refused now, if so")
    links = SavedSearchLinksOutput()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def describe_saved_search(saved: SavedSearch) -> dict[str, Any]:
    """A saved search as the interface shows it."""
    query = as_query(saved.parameters)
    return {
        "id": str(saved.id),
        "name": saved.name,
        "parameters": saved.parameters,
        "faults": [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in faults_of(saved.parameters)
        ],
        "links": {
            "self": reverse("api:saved-search", kwargs={"saved_id": saved.id}),
            "search": f"{reverse('api:search')}?{query}",
            "library": f"{reverse('library')}?{query}",
        },
        "created_at": saved.created_at,
        "updated_at": saved.updated_at,
    }


def _get(request: Request, saved_id: uuid.UUID) -> SavedSearch:
    return saved_queries.get_saved_search(user=member(request), saved_id=saved_id)


def _respond(saved: SavedSearch, *, status: int = 200) -> Response:
    document = describe_saved_search(saved)
    headers = {"Location": document["links"]["self"]} if status == 201 else {}
    return answer_with_tag(document, revision=saved.revision, status=status, headers=headers)


class SavedSearchesApi(APIView):
    """`/api/v1/saved-searches`."""

    @extend_schema(operation_id="saved_searches_list", responses={200: list_of(SavedSearchOutput)})
    def get(self, request: Request) -> Response:
        """One's own, by name."""
        rows = saved_queries.list_saved_searches(user=member(request))
        data = [describe_saved_search(row) for row in rows]
        return Response(whole_list(data))

    @extend_schema(
        operation_id="saved_searches_create",
        request=SavedSearchInput,
        parameters=[KEY],
        responses={201: SavedSearchOutput},
    )
    def post(self, request: Request) -> Response:
        """Give a search a name; it must be one that would run now."""
        body = parse_body(SavedSearchInput, request)
        saved = saved_operations.save_search(
            owner=member(request), **body, idempotency_key=idempotency_key(request)
        )
        return _respond(saved, status=201)


class SavedSearchApi(APIView):
    """`/api/v1/saved-searches/{id}`."""

    @extend_schema(operation_id="saved_searches_get", responses={200: SavedSearchOutput})
    def get(self, request: Request, saved_id: uuid.UUID) -> Response:
        """One of one's own; `links.search` runs it."""
        return _respond(_get(request, saved_id))

    @extend_schema(
        operation_id="saved_searches_change",
        request=SavedSearchChange,
        parameters=[IF_MATCH],
        responses={200: SavedSearchOutput},
    )
    def patch(self, request: Request, saved_id: uuid.UUID) -> Response:
        """Rename it, or put another search there; with `If-Match`, only as it was read."""
        saved = _get(request, saved_id)
        body = parse_body(SavedSearchChange, request)
        with current_tag_if_changed(lambda: _respond(_get(request, saved_id))):
            changed = saved_operations.change_saved_search(
                saved=saved, **body, revision=wanted_revision(request)
            )
        return _respond(changed)

    @extend_schema(operation_id="saved_searches_delete", responses={204: None})
    def delete(self, request: Request, saved_id: uuid.UUID) -> Response:
        """Forget it; what it finds stays."""
        saved_operations.delete_saved_search(saved=_get(request, saved_id))
        return Response(status=204)
