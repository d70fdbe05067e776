"""REST: what an owner may do to single passages."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import StrictSerializer, Text, WholeNumber, parse_body
from webapp.common.problems import Problem
from webapp.knowledge import editing, queries
from webapp.knowledge.api import PassageOutput, find_to_change, respond
from webapp.knowledge.models import Source
from webapp.knowledge.representation import describe_passage
from webapp.search.embedders import embedder_in_use


class PassageChange(StrictSerializer):
    """The body of `PATCH /documents/{id}/chunks/{passage}`; what is left out stays as it is."""

    heading = Text(required=False, allow_blank=True, max_length=editing.MAX_HEADING_CHARACTERS)
    excluded = serializers.BooleanField(required=False)


class PassageSplit(StrictSerializer):
    """The body of `POST /documents/{id}/chunks/{passage}/split`."""

    at = WholeNumber(min_value=1)


def _get_passage(source: Source, passage_id: uuid.UUID) -> None:
    if not queries.passages_of(source).filter(id=passage_id).exists():
        raise Problem(404, "not_found", "The document has no such passage.")


def _respond(source: Source, body: dict[str, Any]) -> Response:
    """A passage with the tag that the next change of its document may depend on."""
    return answer_with_tag(body, revision=queries.revision_of(source))


def _current_tag(request: Request, source: Source) -> AbstractContextManager[None]:
    return current_tag_if_changed(lambda: respond(request, source.id))


class ChunkApi(APIView):
    """`/api/v1/documents/{id}/chunks/{passage}`."""

    @extend_schema(
        operation_id="documents_chunk_change",
        request=PassageChange,
        parameters=[IF_MATCH],
        responses={200: PassageOutput},
    )
    def patch(self, request: Request, source_id: uuid.UUID, passage_id: uuid.UUID) -> Response:
        """Set the heading of a passage, or take it out of search; its text is the document's."""
        source = find_to_change(request, source_id)
        _get_passage(source, passage_id)
        body = parse_body(PassageChange, request)
        with _current_tag(request, source):
            revision = wanted_revision(request)
            if "excluded" in body:
                editing.exclude_passage(
                    source=source,
                    passage_id=passage_id,
                    excluded=body["excluded"],
                    revision=revision,
                )
                # What follows is part of the same change.
                revision = None
            if "heading" in body:
                editing.head_passage(
                    source=source,
                    passage_id=passage_id,
                    heading=body["heading"],
                    embedder=embedder_in_use(),
                    revision=revision,
                )
        return _respond(source, describe_passage(queries.passages_of(source).get(id=passage_id)))


class SplitChunkApi(APIView):
    """`/api/v1/documents/{id}/chunks/{passage}/split`."""

    @extend_schema(
        operation_id="documents_chunk_split",
        request=PassageSplit,
        parameters=[IF_MATCH],
        responses={200: PassageOutput(many=True)},
    )
    def post(self, request: Request, source_id: uuid.UUID, passage_id: uuid.UUID) -> Response:
        """Make two of a passage, the second from character `at` of its text on."""
        source = find_to_change(request, source_id)
        _get_passage(source, passage_id)
        at = parse_body(PassageSplit, request)["at"]
        with _current_tag(request, source):
            made = editing.split_passage(
                source=source,
                passage_id=passage_id,
                at=at,
                embedder=embedder_in_use(),
                revision=wanted_revision(request),
            )
        return Response([describe_passage(passage) for passage in made])


class JoinChunkApi(APIView):
    """`/api/v1/documents/{id}/chunks/{passage}/join`."""

    @extend_schema(
        operation_id="documents_chunk_join",
        request=None,
        parameters=[IF_MATCH],
        responses={200: PassageOutput},
    )
    def post(self, request: Request, source_id: uuid.UUID, passage_id: uuid.UUID) -> Response:
        """Make one of a passage and the next, with what stands between them."""
        source = find_to_change(request, source_id)
        _get_passage(source, passage_id)
        with _current_tag(request, source):
            made = editing.join_passages(
                source=source,
                passage_id=passage_id,
                embedder=embedder_in_use(),
                revision=wanted_revision(request),
            )
        return _respond(source, describe_passage(made))
