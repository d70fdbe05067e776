"""REST: reading a document again, and its versions."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.common.interface import PAGE, list_of
from webapp.common.pagination import parse_page
from webapp.knowledge import operations, queries
from webapp.knowledge.api import (
    STATES,
    SourceOutput,
    SourceReasonOutput,
    accepted,
    find,
    find_to_change,
    refusals,
)
from webapp.knowledge.representation import describe_source, describe_version


class VersionOutput(serializers.Serializer[Any]):
    """A version of a document; made by `describe_version`, written out here for the schema."""

    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=STATES)
    status_reason = SourceReasonOutput(allow_null=True)
    is_current = serializers.BooleanField()
    file_name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    num_characters = serializers.IntegerField(allow_null=True)
    num_pages = serializers.IntegerField(allow_null=True)
    num_passages = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    indexed_at = serializers.DateTimeField(allow_null=True)


class CancelDocumentApi(APIView):
    """`/api/v1/documents/{id}/cancel`."""

    @extend_schema(operation_id="documents_cancel", request=None, responses={200: SourceOutput})
    def post(self, request: Request, source_id: uuid.UUID) -> Response:
        """Stop reading it; the version before, if there is one, stays found."""
        operations.cancel_reading(source=find_to_change(request, source_id))
        return Response(describe_source(find(request, source_id)))


class ReadAgainApi(APIView):
    """`/api/v1/documents/{id}/retry`."""

    @extend_schema(
        operation_id="documents_retry",
        request=None,
        responses={200: SourceOutput, 202: SourceOutput},
    )
    def post(self, request: Request, source_id: uuid.UUID) -> Response:
        """Read it again if that was stopped or failed; otherwise nothing changes."""
        source = find_to_change(request, source_id)
        with refusals():
            operations.read_again(source=source)
        source = find(request, source_id)
        return Response(describe_source(source), status=200 if source.job.terminal else 202)


class FetchDocumentApi(APIView):
    """`/api/v1/documents/{id}/fetch`."""

    @extend_schema(operation_id="documents_fetch", request=None, responses={202: SourceOutput})
    def post(self, request: Request, source_id: uuid.UUID) -> Response:
        """Fetch it from its address again, as its next version."""
        source = find_to_change(request, source_id)
        with refusals():
            submitted = operations.fetch_again(source=source)
        return accepted(request, submitted)


class VersionsApi(APIView):
    """`/api/v1/documents/{id}/versions`."""

    @extend_schema(
        operation_id="documents_versions",
        parameters=PAGE,
        responses={200: list_of(VersionOutput)},
    )
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """Its versions, newest first; one of them can be found, the others are kept for quotes."""
        page = parse_page(request.query_params.dict())
        source = find(request, source_id)
        found = queries.page_versions(source, page)
        return Response(found.to_dict([describe_version(source, row) for row in found.rows]))


class RestoreVersionApi(APIView):
    """`/api/v1/documents/{id}/versions/{number}/restore`."""

    @extend_schema(
        operation_id="documents_restore_version",
        request=None,
        responses={200: SourceOutput, 202: SourceOutput},
    )
    def post(self, request: Request, source_id: uuid.UUID, number: int) -> Response:
        """Read the bytes of an earlier version again, as the next one."""
        source = find_to_change(request, source_id)
        submitted = operations.restore_version(source=source, number=number)
        return accepted(request, submitted)
