"""REST: tags, and which of them generations have."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
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
    StrictSerializer,
    Text,
    idempotency_key,
    list_of,
    parse_body,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.generations import tag_operations, tag_queries
from webapp.generations.queries import get_generation
from webapp.generations.tag_queries import CountedTag
from webapp.generations.tags import MAX_TAG_LENGTH


class TagInput(StrictSerializer):
    """The body of `POST /tags`."""

    name = Text(max_length=MAX_TAG_LENGTH)


class TagChangeInput(StrictSerializer):
    """The body of `PATCH /tags/{id}`; with `merge` it may become one with another tag."""

    name = Text(max_length=MAX_TAG_LENGTH)
    merge = serializers.BooleanField(default=False)


class TagOutput(serializers.Serializer[Any]):
    """A tag; `num_generations` leaves out the trash."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    num_generations = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


class TagsOfGeneration(StrictSerializer):
    """The tags of a generation, as its owner spells them."""

    tags = serializers.ListField(child=Text(allow_blank=True))


class RetagInput(StrictSerializer):
    """The body of `POST /generations/tags`."""

    generations = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=tag_operations.MAX_AT_ONCE
    )
    add = serializers.ListField(child=Text(allow_blank=True), default=list)
    remove = serializers.ListField(child=Text(allow_blank=True), default=list)


class RetaggedOutput(serializers.Serializer[Any]):
    """How many generations have other tags now."""

    changed = serializers.IntegerField()


def describe_tag(counted: CountedTag) -> dict[str, Any]:
    """A tag as the interface shows it."""
    tag = counted.tag
    link = f"/api/v1/tags/{tag.id}"
    return {
        "id": str(tag.id),
        "name": tag.name,
        "num_generations": counted.num_generations,
        "created_at": tag.created_at,
        "links": {"self": link},
    }


def _respond(request: Request, tag_id: uuid.UUID, *, status: int = 200) -> Response:
    found = tag_queries.get_tag(owner=member(request), tag_id=tag_id)
    body = describe_tag(found)
    headers = {"Location": body["links"]["self"]} if status == 201 else {}
    return answer_with_tag(body, revision=found.tag.revision, status=status, headers=headers)


class TagsApi(APIView):
    """`/api/v1/tags`."""

    @extend_schema(
        operation_id="tags_list",
        parameters=[*PAGE, OpenApiParameter("prefix", str, description="of the name")],
        responses={200: list_of(TagOutput)},
    )
    def get(self, request: Request) -> Response:
        """One's own tags by name, with how many generations have each."""
        query = request.query_params.dict()
        after = _read_cursor(query.pop("cursor", ""))
        limit = parse_page(query, filters=("prefix",)).limit
        prefix = query.get("prefix", "").replace("\x00", "")
        rows = tag_queries.list_tags(
            owner=member(request), prefix=prefix, after=after, limit=limit + 1
        )
        more, rows = len(rows) > limit, rows[:limit]
        return Response(
            {
                "data": [describe_tag(row) for row in rows],
                "next_cursor": _write_cursor(rows[-1].tag.key) if more else None,
                "has_more": more,
            }
        )

    @extend_schema(
        operation_id="tags_create", request=TagInput, parameters=[KEY], responses={201: TagOutput}
    )
    def post(self, request: Request) -> Response:
        """Make a tag that nothing has yet; giving one to a generation makes it as well."""
        user = member(request)
        check_may_submit(user)
        tag = tag_operations.create_tag(
            owner=user,
            name=parse_body(TagInput, request)["name"],
            idempotency_key=idempotency_key(request),
        )
        return _respond(request, tag.id, status=201)


def _write_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    """The key after which a list goes on; raises a 422 Problem."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        key = "\x00"
    if "\x00" in key:
        raise invalid([Fault("?cursor", "invalid", "is not a cursor of this list")])
    return key


class TagApi(APIView):
    """`/api/v1/tags/{id}`."""

    @extend_schema(operation_id="tags_get", responses={200: TagOutput})
    def get(self, request: Request, tag_id: uuid.UUID) -> Response:
        """One of one's own tags."""
        return _respond(request, tag_id)

    @extend_schema(
        operation_id="tags_change",
        request=TagChangeInput,
        parameters=[IF_MATCH],
        responses={200: TagOutput},
    )
    def patch(self, request: Request, tag_id: uuid.UUID) -> Response:
        """Rename it on all of one's generations.

        Where one has a tag of that name, 409; with `merge` the two become that one, and it is
        answered.
        """
        found = tag_queries.get_tag(owner=member(request), tag_id=tag_id)
        body = parse_body(TagChangeInput, request)
        with current_tag_if_changed(lambda: _respond(request, tag_id)):
            now_id = tag_operations.rename_tag(
                tag=found.tag, **body, revision=wanted_revision(request)
            )
        return _respond(request, now_id)

    @extend_schema(operation_id="tags_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, tag_id: uuid.UUID) -> Response:
        """Take it off all of one's generations, those in the trash as well."""
        found = tag_queries.get_tag(owner=member(request), tag_id=tag_id)
        with current_tag_if_changed(lambda: _respond(request, tag_id)):
            tag_operations.delete_tag(tag=found.tag, revision=wanted_revision(request))
        return Response(status=204)


class GenerationTagsApi(APIView):
    """`/api/v1/generations/{id}/tags`."""

    @extend_schema(operation_id="generation_tags_get", responses={200: TagsOfGeneration})
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """The tags of a generation."""
        generation = get_generation(user=member(request), generation_id=generation_id)
        return answer_with_tag({"tags": generation.tags}, revision=generation.revision)

    @extend_schema(
        operation_id="generation_tags_set",
        request=TagsOfGeneration,
        parameters=[IF_MATCH],
        responses={200: TagsOfGeneration},
    )
    def put(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Give it these in place of those that it has; with `If-Match`, only as it was read."""
        user = member(request)
        generation = get_generation(user=user, generation_id=generation_id)
        check_may_change(user, generation.owner_id)
        body = parse_body(TagsOfGeneration, request)
        with current_tag_if_changed(lambda: self.get(request, generation_id)):
            tag_operations.set_tags(
                generation=generation, tags=body["tags"], revision=wanted_revision(request)
            )
        return self.get(request, generation_id)


class RetagApi(APIView):
    """`/api/v1/generations/tags`."""

    @extend_schema(
        operation_id="generations_retag", request=RetagInput, responses={200: RetaggedOutput}
    )
    def post(self, request: Request) -> Response:
        """Add tags to all of these generations and take others away: all or none."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(RetagInput, request)
        ids: list[uuid.UUID] = body["generations"]
        try:
            changed = tag_operations.retag(
                user=user, generation_ids=ids, add=body["add"], remove=body["remove"]
            )
        except tag_operations.UnableToFindTagged as error:
            detail = "is not there, not yours, or in the trash"
            faults = [
                Fault(f"/generations/{ids.index(each)}", "not_found", detail)
                for each in dict.fromkeys(error.missing)
            ]
            raise invalid(faults) from error
        return Response({"changed": changed})
