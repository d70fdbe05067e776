"""REST: the same done to many generations, taken back, and generations as files."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from genmodels.embedding import UnableToEmbed
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_submit
from webapp.bulk import operations, queries
from webapp.bulk.exporting import FORMATS
from webapp.bulk.models import Action, BulkAct
from webapp.bulk.operations import MAX_AT_ONCE, BulkWish
from webapp.bulk.queries import Selection
from webapp.bulk.sending import send_export
from webapp.common.interface import KEY, StrictSerializer, Text, idempotency_key, parse_body
from webapp.common.problems import Problem, invalid
from webapp.generations.api import FILTERS, parse_filter
from webapp.generations.queries import GenerationFilter
from webapp.looks.sentences import UnableToLook
from webapp.search.api import embedder_unavailable, looks_unavailable
from webapp.search.requests import parse_search

Parsed = TypeVar("Parsed")


class SelectionInput(StrictSerializer):
    """Which generations: by their ids, or as a list or a search finds them."""

    generations = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MAX_AT_ONCE, required=False
    )
    filter = serializers.DictField(
        child=Text(), required=False, help_text="parameters of GET /generations; {} for all"
    )
    search = serializers.DictField(
        child=Text(), required=False, help_text="parameters of GET /search"
    )


class BulkInput(SelectionInput):
    """The body of `POST /generations/bulk`."""

    action = serializers.ChoiceField(choices=Action.choices)
    tags = serializers.ListField(child=Text(allow_blank=True), default=list)
    collection = serializers.UUIDField(required=False)


class ExportInput(SelectionInput):
    """The body of `POST /generations/export`."""

    format = serializers.ChoiceField(choices=sorted(FORMATS), default="jsonl")


class RefusedOutput(serializers.Serializer[Any]):
    """A generation that was left as it is, and why."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    detail = serializers.CharField()


class BulkOutput(serializers.Serializer[Any]):
    """What was done: of those `selected`, so many were `changed`, and the rest is as wanted."""

    id = serializers.UUIDField()
    action = serializers.ChoiceField(choices=Action.choices)
    selected = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = RefusedOutput(many=True)
    undoable = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class UndoneOutput(BulkOutput):
    """An act that was taken back, and on how many generations that changed something now."""

    restored = serializers.IntegerField()


def describe_act(act: BulkAct) -> dict[str, Any]:
    """An act as the interface shows it."""
    link = f"/api/v1/generations/bulk/{act.id}"
    return {
        "id": str(act.id),
        "action": act.action,
        "selected": act.num_selected,
        "changed": act.num_changed,
        # While it is not finished, or was cut and done again, the rest is not known.
        "unchanged": max(0, act.num_selected - act.num_changed - len(act.refused)),
        "refused": act.refused,
        "undoable": act.is_undoable,
        "created_at": act.created_at,
        "finished_at": act.finished_at,
        "undone_at": act.undone_at,
        "links": {"self": link, "undo": f"{link}/undo"},
    }


def _read_selection(body: Mapping[str, Any]) -> Selection:
    given = [name for name in ("generations", "filter", "search") if name in body]
    if len(given) != 1:
        detail = "give exactly one of generations, filter and search"
        raise invalid([Fault("/generations", "required", detail)])
    if "generations" in body:
        return Selection(ids=tuple(body["generations"]))
    if "filter" in body:
        return Selection(listed=_parse("filter", body["filter"], _parse_filter))
    return Selection(searched=_parse("search", body["search"], parse_search))


def _parse_filter(fields: Mapping[str, str]) -> GenerationFilter:
    unknown = [
        Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
        for name in fields
        if name not in FILTERS
    ]
    if unknown:
        raise invalid(unknown)
    return parse_filter(fields)


def _parse(
    member_name: str,
    fields: Mapping[str, str],
    parse: Callable[[Mapping[str, str]], Parsed],
) -> Parsed:
    """Read parameters that stand in a body; their faults point there."""
    try:
        return parse(fields)
    except Problem as problem:
        raise invalid(
            [
                Fault(
                    f"/{member_name}/{fault.pointer.removeprefix('?')}", fault.code, fault.detail
                )
                for fault in problem.errors
            ]
        ) from problem


class BulkApi(APIView):
    """`/api/v1/generations/bulk`."""

    @extend_schema(
        operation_id="generations_bulk",
        request=BulkInput,
        parameters=[KEY],
        responses={200: BulkOutput},
    )
    def post(self, request: Request) -> Response:
        """Do the same to many; those that one may not change are refused one by one."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(BulkInput, request)
        wish = BulkWish(
            action=Action(body["action"]),
            selection=_read_selection(body),
            tags=tuple(body["tags"]),
            collection_id=body.get("collection"),
        )
        try:
            done = operations.change_many(
                user=user, wish=wish, idempotency_key=idempotency_key(request)
            )
        except UnableToEmbed as error:
            raise embedder_unavailable(error) from error
        except UnableToLook as error:
            raise looks_unavailable(error) from error
        headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
        return Response(describe_act(done.act), headers=headers)


class BulkActApi(APIView):
    """`/api/v1/generations/bulk/{id}`."""

    @extend_schema(operation_id="generations_bulk_get", responses={200: BulkOutput})
    def get(self, request: Request, act_id: uuid.UUID) -> Response:
        """What was done to many by one call of one's own."""
        return Response(describe_act(queries.get_act(owner=member(request), act_id=act_id)))


class UndoBulkActApi(APIView):
    """`/api/v1/generations/bulk/{id}/undo`."""

    @extend_schema(
        operation_id="generations_bulk_undo", request=None, responses={200: UndoneOutput}
    )
    def post(self, request: Request, act_id: uuid.UUID) -> Response:
        """Take back tags or trash where that still stands; again changes nothing."""
        user = member(request)
        act = queries.get_act(owner=user, act_id=act_id)
        restored = operations.undo_act(user=user, act=act)
        act.refresh_from_db()
        return Response({**describe_act(act), "restored": restored})


class ExportApi(APIView):
    """`/api/v1/generations/export`."""

    @extend_schema(
        operation_id="generations_export",
        request=ExportInput,
        responses={(200, media.partition(";")[0]): bytes for media in FORMATS.values()},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """One's own generations as JSONL, CSV, or ZIP with their files, while they are read."""
        body = parse_body(ExportInput, request)
        try:
            return send_export(
                user=member(request), selection=_read_selection(body), kind=body["format"]
            )
        except UnableToEmbed as error:
            raise embedder_unavailable(error) from error
        except UnableToLook as error:
            raise looks_unavailable(error) from error
