"""REST: documents."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.models import User
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import (
    KEY,
    PAGE,
    PREFER,
    SentFile,
    StrictSerializer,
    Text,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem, invalid
from webapp.knowledge import operations, queries
from webapp.knowledge.media import PLAIN_TEXT, TEXT_TYPES
from webapp.knowledge.models import Source
from webapp.knowledge.operations import SAME_NAME
from webapp.knowledge.representation import describe_passage, describe_source

STATES = ["queued", "running", "canceling", "indexed", "failed", "canceled", "expired"]


class DocumentInput(StrictSerializer):
    """The JSON body of `POST /documents`: a text with its title, or the address of a document.

    A file is sent as `multipart/form-data` instead.
    """

    text = Text(trim_whitespace=False, required=False)
    url = Text(required=False, max_length=2_048)
    title = Text(max_length=300, required=False)
    media_type = serializers.ChoiceField(choices=list(TEXT_TYPES), default=PLAIN_TEXT)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two, and no text without a title."""
        if ("text" in attrs) == ("url" in attrs):
            raise serializers.ValidationError("give either a text or a url", "required")
        if "text" in attrs and not attrs.get("title"):
            raise serializers.ValidationError({"title": "a text needs a title"}, "required")
        return attrs


class DocumentChangeInput(StrictSerializer):
    """The body of `PATCH /documents/{id}`; what is left out stays."""

    title = Text(required=False, max_length=operations.MAX_TITLE_LENGTH)


class FileInput(StrictSerializer):
    """The form of `POST /documents`."""

    file = SentFile(allow_empty_file=True)
    title = serializers.CharField(max_length=300, required=False, allow_blank=True)
    on_same_name = serializers.ChoiceField(choices=list(SAME_NAME), default="replace")


class SourceReasonOutput(serializers.Serializer[Any]):
    """Why a document was not read."""

    code = serializers.CharField()
    detail = serializers.CharField()


class AlikeOutput(serializers.Serializer[Any]):
    """A document that says nearly the same."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    percent = serializers.IntegerField()


class SourceOutput(serializers.Serializer[Any]):
    """A document; made by `describe_source`, written out here for the schema."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=STATES)
    terminal = serializers.BooleanField()
    status_seq = serializers.IntegerField()
    status_reason = SourceReasonOutput(allow_null=True)
    progress = serializers.DictField(allow_null=True)
    title = serializers.CharField()
    file_name = serializers.CharField()
    url = serializers.CharField(allow_null=True)
    fetched_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    num_characters = serializers.IntegerField(allow_null=True)
    num_pages = serializers.IntegerField(allow_null=True)
    page_is = serializers.ChoiceField(choices=["page", "slide", "chapter", "row"])
    num_passages = serializers.IntegerField(allow_null=True)
    nearly_same_as = AlikeOutput(many=True)
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class PassageOutput(serializers.Serializer[Any]):
    """A piece of a document."""

    id = serializers.UUIDField()
    ordinal = serializers.IntegerField()
    heading = serializers.CharField()
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    page = serializers.IntegerField(allow_null=True)
    language = serializers.CharField()
    repeat_group = serializers.UUIDField(allow_null=True)
    is_excluded = serializers.BooleanField()
    is_edited = serializers.BooleanField()


class DocumentsApi(APIView):
    """`/api/v1/documents`."""

    parser_classes = [JSONParser, MultiPartParser]

    @extend_schema(
        operation_id="documents_list",
        parameters=[
            *PAGE,
            OpenApiParameter("trashed", bool),
        ],
        responses={200: list_of(SourceOutput)},
    )
    def get(self, request: Request) -> Response:
        """The documents that one may see, newest first."""
        fields = request.query_params.dict()
        page = parse_page(fields, filters=("trashed",))
        trashed = parse_switch(fields, "trashed")
        found = queries.list_sources(user=member(request), page=page, trashed=trashed)
        return Response(found.to_dict([describe_source(row) for row in found.rows]))

    @extend_schema(
        operation_id="documents_create",
        request={"application/json": DocumentInput, "multipart/form-data": FileInput},
        parameters=[
            KEY,
            PREFER,
        ],
        responses={200: SourceOutput, 201: SourceOutput, 202: SourceOutput},
    )
    def post(self, request: Request) -> Response:
        """Bring a document: 202 while it is read, 200 for what was here already.

        The bytes are the key: sending the same document again is safe and makes nothing new. Other
        bytes under the same name are its next version, unless `on_same_name` is `keep_both`; an
        address that came before is fetched again.
        """
        user = member(request)
        check_may_submit(user)
        with refusals():
            submitted = _submit(user, request)
        return accepted(request, submitted)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What bringing a document may be refused for, as problems."""
    try:
        yield
    except operations.UnableToTakeDocument as error:
        if error.code == "too_large":
            raise Problem(413, "too_large", error.detail) from error
        where = "/url" if error.code in {"fetching_is_off", "forbidden_address"} else "/file"
        fault = Fault(where, error.code, error.detail)
        raise Problem(422, "unsupported_document", error.detail, errors=[fault]) from error


def accepted(request: Request, submitted: operations.SubmittedSource) -> Response:
    """The answer to bringing something: 202 while it is read."""
    source = find(request, submitted.source_id)
    body = describe_source(source)
    status = 202 if not source.job.terminal else 201 if submitted.is_new else 200
    return Response(body, status=status, headers={"Location": body["links"]["self"]})


def _submit(user: User, request: Request) -> operations.SubmittedSource:
    """One call of an operation, from either kind of body."""
    key = idempotency_key(request)
    if (request.content_type or "").startswith("multipart/"):
        form = parse_body(FileInput, request)
        file = form["file"]
        if file.size > settings.PINAKES_MAX_UPLOAD_BYTES:
            limit = settings.PINAKES_MAX_UPLOAD_BYTES / 1e6
            raise Problem(413, "too_large", f"The file is larger than {limit:g} MB.")
        return operations.submit_source(
            owner=user,
            content=file.read(),
            file_name=file.name or "",
            claimed_type=file.content_type or "",
            title=form.get("title", ""),
            on_same_name=form["on_same_name"],
            idempotency_key=key,
        )
    body = parse_body(DocumentInput, request)
    title = body.get("title", "")
    if "url" in body:
        return operations.submit_address(
            owner=user, url=body["url"], title=title, idempotency_key=key
        )
    return operations.submit_source(
        owner=user,
        content=body["text"].encode("utf-8", "replace"),
        claimed_type=body["media_type"],
        title=title,
        idempotency_key=key,
    )


def find(request: Request, source_id: uuid.UUID) -> Source:
    """A document that the user may see; raises the 404."""
    return queries.get_source(user=member(request), source_id=source_id)


def find_to_change(request: Request, source_id: uuid.UUID) -> Source:
    """A document that the user may also change: reviewers read everything but change their own."""
    source = find(request, source_id)
    check_may_change(member(request), source.owner_id)
    return source


def respond(request: Request, source_id: uuid.UUID) -> Response:
    """A document, with the tag that changes of it and of its passages may depend on."""
    source = find(request, source_id)
    return answer_with_tag(describe_source(source), revision=source.revision)


class DocumentApi(APIView):
    """`/api/v1/documents/{id}`."""

    @extend_schema(operation_id="documents_get", responses={200: SourceOutput})
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """One document; its `ETag` changes with all that it says."""
        return respond(request, source_id)

    @extend_schema(
        operation_id="documents_change",
        request=DocumentChangeInput,
        parameters=[IF_MATCH],
        responses={200: SourceOutput},
    )
    def patch(self, request: Request, source_id: uuid.UUID) -> Response:
        """Give it another title; with `If-Match`, only as it was read."""
        source = find_to_change(request, source_id)
        body = parse_body(DocumentChangeInput, request)
        if "title" in body:
            with current_tag_if_changed(lambda: respond(request, source_id)):
                operations.rename_source(
                    source=source, title=body["title"], revision=wanted_revision(request)
                )
        return respond(request, source_id)

    @extend_schema(operation_id="documents_trash", responses={204: None})
    def delete(self, request: Request, source_id: uuid.UUID) -> Response:
        """Put it in the trash, where it is neither found nor cited."""
        operations.trash_source(source=find_to_change(request, source_id))
        return Response(status=204)


class RestoreDocumentApi(APIView):
    """`/api/v1/documents/{id}/restore`."""

    @extend_schema(operation_id="documents_restore", request=None, responses={200: SourceOutput})
    def post(self, request: Request, source_id: uuid.UUID) -> Response:
        """Take it out of the trash."""
        operations.restore_source(source=find_to_change(request, source_id))
        return Response(describe_source(find(request, source_id)))


class ChunksApi(APIView):
    """`/api/v1/documents/{id}/chunks`."""

    @extend_schema(
        operation_id="documents_chunks",
        parameters=PAGE,
        responses={200: list_of(PassageOutput)},
    )
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """The pieces that it was cut into, in the order of its text.

        Changes of any of them may depend on the `ETag` of this answer or of the document.
        """
        source = find(request, source_id)
        fields = request.query_params.dict()
        cursor = fields.pop("cursor", "")
        limit = parse_page(fields).limit
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
            raise invalid([Fault("?cursor", "invalid", "is not a cursor of this list")])
        after = int(cursor) if cursor else None
        rows, more = queries.list_passages(source=source, after=after, limit=limit)
        return answer_with_tag(
            {
                "data": [describe_passage(row) for row in rows],
                "next_cursor": str(rows[-1].ordinal) if more else None,
                "has_more": more,
            },
            revision=source.revision,
        )
